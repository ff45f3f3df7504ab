//! The load generator: keep-alive connections of plain HTTP/1.1, one thread, the same for every server that is compared. It parses no more
//! of an answer than it must, since it runs on the processors of the server that it measures.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for one answer (seconds, 60): above every deadline that a bench configures.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request and what a right answer to it contains.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    expected: &'static str,
}

impl Request {
    /// `GET`.
    pub(crate) fn get(path: &str, expected: &'static str) -> Self {
        Self::get_as(path, "application/json", expected)
    }

    /// `GET` with an `Accept` of its own.
    pub(crate) fn get_as(path: &str, accept: &str, expected: &'static str) -> Self {
        let bytes = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\n\r\n").into_bytes();
        Self { bytes, expected }
    }

    /// `tools/call` of revision 2026-07-28, as a client that wants nothing beside the answer sends it.
    pub(crate) fn tool(name: &str, arguments: &Value, expected: &'static str) -> Self {
        Self::tool_at("/mcp", name, arguments, expected)
    }

    /// The same at another endpoint.
    pub(crate) fn tool_at(path: &str, name: &str, arguments: &Value, expected: &'static str) -> Self {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": name, "arguments": arguments, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\n\
             mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {name}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self { bytes: [head, body].concat().into_bytes(), expected }
    }

    /// The same with a bearer token.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        let end = self.bytes.windows(2).position(|bytes| bytes == b"\r\n").map_or(0, |at| at + 2);
        self.bytes.splice(end..end, format!("authorization: Bearer {token}\r\n").into_bytes());
        self
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// To `127.0.0.1:PORT`.
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for its whole answer.
    pub(crate) async fn ask(&mut self, request: &Request) -> anyhow::Result<()> {
        self.stream.write_all(&request.bytes).await?;
        self.buffer.clear();
        while !complete(&self.buffer)? {
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.context("no answer")??;
            if read == 0 {
                bail!("the server closed the connection after: {}", String::from_utf8_lossy(&self.buffer));
            }
        }
        let answer = std::str::from_utf8(&self.buffer)?;
        if !answer.contains(request.expected) {
            bail!("`{}` is not in the answer: {answer}", request.expected);
        }
        Ok(())
    }
}

/// Whether head and body are there.
fn complete(answer: &[u8]) -> anyhow::Result<bool> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|start| start + 4) else { return Ok(false) };
    let (head, body) = answer.split_at(end);
    let head = std::str::from_utf8(head)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    match length {
        Some(length) => Ok(body.len() >= length.parse()?),
        None => Ok(body.ends_with(b"0\r\n\r\n")),
    }
}

/// How much load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Keep-alive connections, each with one request at a time.
    pub(crate) connections: usize,
    /// How long.
    pub(crate) lasting: Duration,
    /// Between an answer and the next request of a connection.
    pub(crate) pause: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Of every request.
    pub(crate) latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Answers {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// A runtime on the calling thread.
pub(crate) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Puts load on a server.
pub(crate) fn put(address: &str, request: &Request, load: Load) -> anyhow::Result<Answers> {
    runtime()?.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        let mut connections = Vec::new();
        for _ in 0..load.connections {
            connections.push(Connection::open(address).await?);
        }
        let begin = Instant::now();
        for connection in connections {
            clients.spawn(client(connection, request.clone(), load));
        }
        let mut latencies = Vec::new();
        while let Some(ended) = clients.join_next().await {
            latencies.extend(ended??);
        }
        Ok(Answers { latencies, elapsed: begin.elapsed() })
    })
}

async fn client(mut connection: Connection, request: Request, load: Load) -> anyhow::Result<Vec<Duration>> {
    let (begin, mut latencies) = (Instant::now(), Vec::new());
    while begin.elapsed() < load.lasting {
        let sent = Instant::now();
        connection.ask(&request).await?;
        latencies.push(sent.elapsed());
        if !load.pause.is_zero() {
            tokio::time::sleep(load.pause).await;
        }
    }
    Ok(latencies)
}
