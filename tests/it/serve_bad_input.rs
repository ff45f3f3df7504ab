//! What clients do wrong, through the real program: a session of revision 2025-11-25, and stdio in both eras. Each mistake gets the
//! protocol's own error, the next call works, and the log stays quiet. (HTTP of 2026-07-28: the gateway's own tests.)

use portcullis_tests::guest;
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::wire_rig::{Pipe, Session, legacy, modern};

/// A request as one wire writes it.
type Written = fn(u64, &str, &Value) -> String;

/// What the answer must be.
#[derive(Clone, Copy)]
enum Wanted {
    /// A JSON-RPC error of this code, to the request that made it.
    Error(i64),
    /// The same with a null id: the request could not be read.
    Unread(i64),
    /// A result with `isError`, which a model reads.
    Failure(&'static str),
}

/// Bytes of a message that is too large: over `maxBody` of the listener, and over what a line of stdio may have.
const OVER_HTTP: usize = 2 << 10;
const OVER_STDIO: usize = 5 << 20;

fn installation() -> Installation {
    let installation = Installation::new(&[], None).unwrap();
    std::fs::copy(guest!("add").unwrap(), installation.path().join("plugins/add.wasm")).unwrap();
    let listeners =
        json!([{"name": "main", "address": "127.0.0.1:0", "maxBody": "1KiB", "endpoints": [{"path": "/mcp", "guard": "none"}]}]);
    installation.configure(&json!({"listeners": listeners, "cacheDirectory": "cache", "plugins": {"add": {}}})).unwrap();
    installation
}

fn add(write: Written, arguments: &Value) -> String {
    write(7, "tools/call", &json!({"name": "add", "arguments": arguments}))
}

/// Every mistake, with its HTTP status.
fn mistakes(write: Written, oversize: usize) -> Vec<(&'static str, String, u16, Wanted)> {
    vec![
        ("an unknown tool", write(7, "tools/call", &json!({"name": "none", "arguments": {}})), 200, Wanted::Error(-32602)),
        ("arguments that are no object", add(write, &json!([1])), 200, Wanted::Error(-32602)),
        ("a name that is no text", write(7, "tools/call", &json!({"name": 7, "arguments": {}})), 200, Wanted::Error(-32602)),
        ("an argument of the wrong type", add(write, &json!({"a": "two", "b": 1})), 200, Wanted::Failure("integer")),
        ("an argument that is missing", add(write, &json!({"a": 2})), 200, Wanted::Failure("\"b\"")),
        ("an unknown argument", add(write, &json!({"a": 1, "b": 2, "sum": 3})), 200, Wanted::Failure("sum")),
        ("an unknown method", write(7, "tools/eat", &json!({})), 200, Wanted::Error(-32601)),
        ("broken JSON", "{\"jsonrpc\":".to_owned(), 400, Wanted::Unread(-32700)),
        ("no JSON at all", "hello".to_owned(), 400, Wanted::Unread(-32700)),
        ("no JSON-RPC", "{\"hello\":1}".to_owned(), 400, Wanted::Unread(-32600)),
        ("an oversized message", add(write, &json!({"a": "x".repeat(oversize)})), 413, Wanted::Unread(-32600)),
    ]
}

fn assert_is(what: &str, wanted: Wanted, answer: &Value) {
    let (id, code) = (&answer["id"], &answer["error"]["code"]);
    match wanted {
        Wanted::Error(expected) => assert_eq!((id, code), (&json!(7), &json!(expected)), "{what}: {answer}"),
        Wanted::Unread(expected) => assert_eq!((id, code), (&Value::Null, &json!(expected)), "{what}: {answer}"),
        Wanted::Failure(word) => {
            let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
            assert!(answer["result"]["isError"] == true && text.contains(word), "{what}: {answer}");
        }
    }
}

fn assert_is_the_sum(after: &str, answer: &Value) {
    assert_eq!(answer["result"]["structuredContent"], json!({"sum": 42}), "after {after}: {answer}");
}

fn assert_quiet(installation: &Installation) {
    let log = std::fs::read_to_string(installation.path().join("host.log")).unwrap();
    let loud: Vec<&str> = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

#[test]
fn a_session_of_the_older_revision_survives_every_mistake() {
    let host = installation().serve().unwrap();
    let session = Session::open(host.url());
    for (what, body, status, wanted) in mistakes(legacy, OVER_HTTP) {
        let (got, answer) = session.raw(&body);
        assert_eq!(got, status, "{what}: {answer}");
        assert_is(what, wanted, &answer);
        assert_is_the_sum(what, &session.raw(&add(legacy, &json!({"a": 2, "b": 40}))).1);
    }
    assert_quiet(host.installation());
}

#[test]
fn a_client_on_stdio_survives_every_mistake() {
    on_stdio(modern, Pipe::open);
}

#[test]
fn a_client_of_the_older_revision_on_stdio_survives_every_mistake() {
    on_stdio(legacy, Pipe::open_session);
}

fn on_stdio(write: Written, open: fn(&Installation) -> Pipe) {
    let installation = installation();
    let mut pipe = open(&installation);
    for (what, line, _, wanted) in mistakes(write, OVER_STDIO) {
        assert_is(what, wanted, &pipe.ask(&line));
        assert_is_the_sum(what, &pipe.ask(&add(write, &json!({"a": 2, "b": 40}))));
    }
    assert!(pipe.close());
    assert_quiet(&installation);
}
