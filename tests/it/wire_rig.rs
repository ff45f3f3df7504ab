//! The other ways to talk to a host: a session of revision 2025-11-25 over HTTP, a pipe to `portcullis stdio`, and streams of messages
//! that come by themselves. Raw JSON-RPC: nothing is filled in behind a test's back.

use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use portcullis_tests::host::{Installation, portcullis};
use serde_json::{Value, json};

use crate::serve_rig::{PATIENCE, answer, meta};

/// The last revision that has sessions.
const LEGACY: &str = "2025-11-25";

/// Messages in the order in which they come, read by a thread of their own so that waiting for one can end.
pub(crate) struct Messages(Receiver<Value>);

impl Messages {
    /// Of an event stream.
    pub(crate) fn of_events(stream: impl BufRead + Send + 'static) -> Self {
        Self::of(stream, |line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
    }

    /// Of standard output, where nothing but messages may be.
    fn of_lines(stream: impl BufRead + Send + 'static) -> Self {
        Self::of(stream, |line| Some(serde_json::from_str(line).unwrap_or_else(|_| panic!("no message: {line}"))))
    }

    fn of(stream: impl BufRead + Send + 'static, message: impl Fn(&str) -> Option<Value> + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in stream.lines().map_while(Result::ok) {
                if message(&line).is_some_and(|message| sender.send(message).is_err()) {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next one.
    pub(crate) fn next(&self) -> Value {
        self.0.recv_timeout(PATIENCE).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => panic!("no message came"),
            RecvTimeoutError::Disconnected => panic!("the stream ended"),
        })
    }

    /// The next one of this method; others are passed over.
    pub(crate) fn of_method(&self, method: &str) -> Value {
        std::iter::repeat_with(|| self.next()).find(|message| message["method"] == method).unwrap()
    }
}

/// An initialized session.
pub(crate) struct Session {
    agent: ureq::Agent,
    url: String,
    id: String,
}

impl Session {
    pub(crate) fn open(url: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut session = Self { agent, url: url.to_owned(), id: String::new() };
        let opened = session.post(&initialize().to_string());
        session.id = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        assert_eq!(session.post(&initialized().to_string()).status().as_u16(), 202);
        session
    }

    fn post(&self, body: &str) -> ureq::http::Response<ureq::Body> {
        let request = self.agent.post(&self.url).header("accept", "application/json, text/event-stream");
        let request = request.header("content-type", "application/json").header("mcp-protocol-version", LEGACY);
        let request = if self.id.is_empty() { request } else { request.header("mcp-session-id", &self.id) };
        request.send(body).unwrap()
    }

    /// A body as it is: HTTP status and JSON-RPC answer.
    pub(crate) fn raw(&self, body: &str) -> (u16, Value) {
        let mut response = self.post(body);
        (response.status().as_u16(), answer(&response.body_mut().read_to_string().unwrap()))
    }

    /// The stream on which the host speaks first.
    pub(crate) fn listen(&self) -> Messages {
        let request = self.agent.get(&self.url).header("accept", "text/event-stream");
        let response = request.header("mcp-protocol-version", LEGACY).header("mcp-session-id", &self.id).call().unwrap();
        assert_eq!(response.status().as_u16(), 200);
        Messages::of_events(BufReader::new(response.into_body().into_reader()))
    }
}

/// `portcullis stdio`, and the client's ends of its pipes. Dropping it closes them, which ends the host.
pub(crate) struct Pipe {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) messages: Messages,
}

impl Pipe {
    /// Logs to the installation's `host.log`.
    pub(crate) fn open(installation: &Installation) -> Self {
        let mut command = Command::new(portcullis().unwrap());
        command.args(["stdio", "--config"]).arg(installation.config()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(File::create(installation.path().join("host.log")).unwrap()).spawn().unwrap();
        let messages = Messages::of_lines(BufReader::new(child.stdout.take().unwrap()));
        Self { input: child.stdin.take(), child, messages }
    }

    /// The same after the handshake of the older revision.
    pub(crate) fn open_session(installation: &Installation) -> Self {
        let mut pipe = Self::open(installation);
        pipe.send(&initialize().to_string());
        assert_eq!(pipe.messages.next()["result"]["protocolVersion"], LEGACY);
        pipe.send(&initialized().to_string());
        pipe
    }

    /// One line.
    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// One line, and the next message.
    pub(crate) fn ask(&mut self, line: &str) -> Value {
        self.send(line);
        self.messages.next()
    }

    /// Ends the input; whether the host took it well.
    pub(crate) fn close(&mut self) -> bool {
        drop(self.input.take());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.child.wait());
    }
}

/// A request of the older revision.
pub(crate) fn legacy(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// A request of 2026-07-28.
pub(crate) fn modern(id: u64, method: &str, params: &Value) -> String {
    let mut params = params.clone();
    params["_meta"] = meta();
    legacy(id, method, &params)
}

fn initialize() -> Value {
    let params = json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

fn initialized() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
}
