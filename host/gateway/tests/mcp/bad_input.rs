//! What clients do wrong: the protocol's own error, nothing above `info` in the log, nothing lost for the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tracing::Level;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::client::{MODERN, Post};
use crate::server::{Server, snapshot, tokens};

/// Every bad request with the status and code that the protocol gives it (T-3, T-4, T-6, T-7).
fn bad() -> Vec<(&'static str, Post, u16, i64)> {
    let call = || Post::modern("tools/call", json!({"name": "echo", "arguments": {"n": 1}}));
    let list = || Post::modern("tools/list", json!({}));
    let body = |change: fn(&mut Value)| {
        let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}});
        change(&mut message);
        Post { body: message.to_string(), ..list() }
    };
    vec![
        ("broken JSON", Post::raw("{\"jsonrpc\":"), 400, -32700),
        ("not JSON at all", Post::raw("hello"), 400, -32700),
        ("no JSON-RPC", Post::raw("{\"hello\":1}"), 400, -32600),
        ("a batch", Post::raw("[]"), 400, -32600),
        ("an empty body", Post::raw(""), 400, -32700),
        ("an oversized body", Post::raw("x".repeat(65 << 10)), 413, -32600),
        ("an unknown tool", Post::modern("tools/call", json!({"name": "nothing", "arguments": {}})), 200, -32602),
        ("arguments that are no object", Post::modern("tools/call", json!({"name": "echo", "arguments": [1]})), 200, -32602),
        ("a name that is no text", Post { body: call().body.replace("\"echo\"", "7"), ..call() }, 200, -32602),
        ("an unknown method", Post::modern("tools/eat", json!({})), 404, -32601),
        ("a removed method", Post::modern("ping", json!({})), 404, -32601),
        ("a removed log level", Post::modern("logging/setLevel", json!({"level": "info"})), 404, -32601),
        (
            "a log level that does not exist",
            Post::modern(
                "tools/call",
                json!({"name": "echo", "arguments": {"n": 1}, "_meta": {"io.modelcontextprotocol/logLevel": "loud"}}),
            ),
            200,
            -32602,
        ),
        ("a wrong cursor", Post::modern("tools/list", json!({"cursor": "x"})), 200, -32602),
        ("another method in the header", list().header("Mcp-Method", "tools/call"), 400, -32020),
        ("no method in the header", list().without("Mcp-Method"), 400, -32020),
        ("another name in the header", call().header("Mcp-Name", "who"), 400, -32020),
        ("no name in the header", call().without("Mcp-Name"), 400, -32020),
        ("another version in the header", list().header("MCP-Protocol-Version", "2025-11-25"), 400, -32020),
        (
            "an unsupported version",
            body(|it| it["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2031-01-01"))
                .header("MCP-Protocol-Version", "2031-01-01"),
            400,
            -32022,
        ),
        (
            "no capabilities",
            body(|it| {
                it["params"]["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
            }),
            400,
            -32602,
        ),
    ]
}

#[tokio::test]
async fn each_mistake_gets_the_protocols_own_error() {
    let server = Server::start().await;
    for (what, post, status, code) in bad() {
        let answer = post.send(server.address).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (status, code), "{what}: {answer:?}");
    }
    assert_eq!(server.call("echo", json!({"n": 1})).await.text_content(), r#"{"n":1}"#, "the next call is served");
}

#[tokio::test]
async fn mistakes_of_http_get_the_status_of_http() {
    let server = Server::start().await;
    let list = || Post::modern("tools/list", json!({}));
    let get = Post::get("/open").header("MCP-Protocol-Version", MODERN).header("Accept", "text/event-stream");
    for (what, post, status) in [
        ("wrong content type", list().header("Content-Type", "text/plain"), 415),
        ("accepts too little", list().header("Accept", "application/json"), 406),
        ("GET on the new wire", get, 405),
        ("nothing there", Post::get("/"), 404),
    ] {
        assert_eq!(post.send(server.address).await.status.as_u16(), status, "{what}");
    }
}

#[tokio::test]
async fn a_body_may_be_larger_than_what_a_connection_buffers() {
    let server = Server::start().await;
    let mut next = Arc::into_inner(snapshot(2, server.snapshots.borrow().catalogue.plugins().to_vec(), tokens())).unwrap();
    let mut config = (*next.config).clone();
    config.listeners[0].max_body = 1 << 20;
    next.config = Arc::new(config);
    server.snapshots.send_replace(Arc::new(next));
    let long = "x".repeat(900 << 10);
    assert_eq!(server.call("who", json!({"long": long})).await.status, 200);
}

#[tokio::test]
async fn an_unsupported_version_is_answered_with_what_is_supported() {
    let server = Server::start().await;
    let (_, post, ..) = bad().into_iter().find(|(what, ..)| *what == "an unsupported version").unwrap();
    let error = post.send(server.address).await.json()["error"].clone();
    assert_eq!(error["data"]["requested"], "2031-01-01");
    assert!(error["data"]["supported"].as_array().unwrap().contains(&json!(MODERN)));
}

/// Counts what the gateway itself logs above `info`.
#[derive(Clone, Default)]
struct Loud(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Loud {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let ours = event.metadata().target().starts_with("portcullis");
        if ours && *event.metadata().level() < Level::INFO {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn mistakes_are_not_worth_a_warning() {
    let loud = Loud::default();
    let subscriber = tracing_subscriber::registry().with(loud.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let server = Server::start().await;
            for (_, post, ..) in bad() {
                post.send(server.address).await;
            }
            assert_eq!(loud.0.load(Ordering::SeqCst), 0);
            server.call("broken_promise", json!({})).await;
            assert_eq!(loud.0.load(Ordering::SeqCst), 1, "the layer does count: a plugin's fault is a warning");
        });
    });
}

#[tokio::test]
async fn who_sends_too_large_a_body_to_its_end_finds_the_answer_there() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = Server::start().await;
    let mut socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let body = vec![b'x'; 8 << 20];
    let head = format!(
        "POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body).await.expect("the connection broke while the body was sent");
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}
