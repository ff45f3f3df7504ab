//! stdio, over a pipe in memory: both eras.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

struct Pipe {
    write: tokio::io::WriteHalf<tokio::io::DuplexStream>,
    read: tokio::io::Lines<BufReader<tokio::io::ReadHalf<tokio::io::DuplexStream>>>,
    task: tokio::task::JoinHandle<Result<(), portcullis_gateway::ServeError>>,
}

impl Pipe {
    fn open(server: &Server) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let gateway = server.gateway.clone();
        let task = tokio::spawn(async move { gateway.serve_stream(tokio::io::split(theirs), CancellationToken::new()).await });
        let (read, write) = tokio::io::split(ours);
        Self { write, read: BufReader::new(read).lines(), task }
    }

    async fn send(&mut self, message: Value) {
        self.write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, message: Value) -> Value {
        self.send(message).await;
        serde_json::from_str(&self.read.next_line().await.unwrap().expect("an answer")).unwrap()
    }
}

#[tokio::test]
async fn a_client_of_an_older_revision_calls_a_tool_as_the_local_user() {
    let server = Server::start().await;
    let mut pipe = Pipe::open(&server);
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    let opened = pipe.ask(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})).await;
    assert_eq!(opened["result"]["protocolVersion"], "2025-11-25");
    pipe.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    let called =
        pipe.ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "who", "arguments": {}}})).await;
    assert_eq!(called["result"]["content"][0]["text"], "local@portcullis:local []");
    drop(pipe.write);
    drop(pipe.read);
    pipe.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_of_the_new_revision_discovers_and_calls() {
    let server = Server::start().await;
    let mut pipe = Pipe::open(&server);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let found = pipe.ask(json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}})).await;
    assert_eq!(found["result"]["instructions"], "Ask for clusters.", "{found}");
    assert_eq!(found["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"_meta": meta, "name": "echo", "arguments": {"n": 1}}});
    assert_eq!(pipe.ask(call).await["result"]["content"][0]["text"], r#"{"n":1}"#);
}

#[tokio::test]
async fn a_line_that_is_no_message_is_answered_and_the_next_one_is_served() {
    let server = Server::start().await;
    let mut pipe = Pipe::open(&server);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"_meta": meta, "name": "echo", "arguments": {"n": 1}}});
    let long = format!("\"{}\"", "x".repeat(5 << 20));
    for (line, code) in [("{\"jsonrpc\":", -32700), ("hello", -32700), ("{\"hello\":1}", -32600), (long.as_str(), -32600)] {
        // Empty lines are nothing, also with a carriage return.
        pipe.write.write_all(b"\n\r\n").await.unwrap();
        pipe.write.write_all(line.as_bytes()).await.unwrap();
        pipe.write.write_all(b"\n").await.unwrap();
        let refused: Value = serde_json::from_str(&pipe.read.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(code)), "{refused}");
        assert_eq!(pipe.ask(call.clone()).await["result"]["content"][0]["text"], r#"{"n":1}"#);
    }
}
