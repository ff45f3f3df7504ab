//! Raw HTTP and JSON-RPC: what a client sends is written down, nothing is filled in behind a test's back.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

/// Fails a test that would hang; no result depends on it.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LEGACY: &str = "2025-11-25";

/// One request in the making.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// All JSON-RPC messages of the answer: the body, or the events of a stream.
    pub(crate) fn messages(&self) -> Vec<Value> {
        match serde_json::from_str(&self.text) {
            Ok(message) => vec![message],
            Err(_) => {
                self.text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect()
            }
        }
    }

    /// The response: the last message.
    pub(crate) fn json(&self) -> Value {
        self.messages().pop().unwrap_or_else(|| panic!("no JSON in {self:?}"))
    }

    pub(crate) fn result(&self) -> Value {
        let json = self.json();
        assert!(json.get("result").is_some(), "no result in {json} ({})", self.status);
        json["result"].clone()
    }

    pub(crate) fn error_code(&self) -> i64 {
        let json = self.json();
        json["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error in {json} ({})", self.status))
    }

    /// Text of the first content block.
    pub(crate) fn text_content(&self) -> String {
        self.result()["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {self:?}")).to_owned()
    }
}

impl Post {
    /// A request of 2026-07-28 with everything that the revision demands.
    pub(crate) fn modern(method: &str, params: Value) -> Self {
        Self::modern_as(json!({}), method, params)
    }

    /// The same from a client with capabilities.
    pub(crate) fn modern_as(capabilities: Value, method: &str, mut params: Value) -> Self {
        let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let meta = &mut params["_meta"];
        meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let post = Self::raw(body).header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
        let named = ["tools/call", "prompts/get", "resources/read"].contains(&method);
        match name.filter(|_| named) {
            Some(name) => post.header("Mcp-Name", &name),
            None => post,
        }
    }

    /// A message within a session of an older revision.
    pub(crate) fn legacy(session: &str, id: u64, method: &str, params: Value) -> Self {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        Self::raw(body).header("MCP-Protocol-Version", LEGACY).header("Mcp-Session-Id", session)
    }

    pub(crate) fn initialize(capabilities: Value) -> Self {
        let params =
            json!({"protocolVersion": LEGACY, "capabilities": capabilities, "clientInfo": {"name": "test", "version": "0"}});
        Self::raw(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).to_string())
    }

    pub(crate) fn raw(body: impl Into<String>) -> Self {
        let headers = vec![
            ("Accept".to_owned(), "application/json, text/event-stream".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        Self { method: "POST", path: "/open".into(), headers, body: body.into() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", path: path.into(), headers: vec![], body: String::new() }
    }

    pub(crate) fn at(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    /// Sets a header, in place of one of the same name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.at("/mcp").header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends it and reads the answer to its end.
    pub(crate) async fn send(self, to: SocketAddr) -> Answer {
        let mut stream = self.open(to).await;
        let mut bytes = Vec::new();
        while let Some(data) = stream.frame().await {
            bytes.extend_from_slice(&data);
        }
        Answer { status: stream.status, headers: stream.headers.clone(), text: String::from_utf8(bytes).unwrap() }
    }

    /// Sends it and leaves the answer open.
    pub(crate) async fn open(self, to: SocketAddr) -> Stream {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("Host", to.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body))).unwrap();
        let socket = tokio::net::TcpStream::connect(to).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
        let driver = tokio::spawn(async move { drop(connection.await) });
        let response = tokio::time::timeout(PATIENCE, sender.send_request(request)).await.expect("no answer").unwrap();
        let (parts, body) = response.into_parts();
        Stream { status: parts.status, headers: parts.headers, body, buffer: String::new(), driver, _sender: sender }
    }
}

/// An answer that is still coming. Dropping it closes the connection.
pub(crate) struct Stream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    buffer: String,
    driver: tokio::task::JoinHandle<()>,
    _sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl Stream {
    async fn frame(&mut self) -> Option<Bytes> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("the stream hangs")?;
            if let Ok(data) = frame.unwrap().into_data() {
                return Some(data);
            }
        }
    }

    /// The next message; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((line, rest)) = self.buffer.split_once('\n').map(|(line, rest)| (line.to_owned(), rest.to_owned())) {
                self.buffer = rest;
                if let Some(message) = line.strip_prefix("data:").and_then(|data| serde_json::from_str(data.trim()).ok()) {
                    return Some(message);
                }
            }
            let data = self.frame().await?;
            self.buffer.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
