//! `tools/list` and `tools/call`, on 2026-07-28.

use serde_json::json;

use crate::client::Post;
use crate::server::{ADMIN, READER, Server};

#[tokio::test]
async fn a_tool_is_listed_and_called() {
    let server = Server::start().await;
    let list = Post::modern("tools/list", json!({})).send(server.address).await;
    let result = list.result();
    let names: Vec<&str> = result["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"echo"), "{names:?}");
    assert_eq!((&result["ttlMs"], &result["resultType"]), (&json!(60_000), &json!("complete")));
    let call = server.call("echo", json!({"n": 7})).await;
    assert_eq!(call.text_content(), r#"{"n":7}"#);
    assert_eq!(call.headers["content-type"], "application/json");
    assert_eq!(call.result()["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portcullis");
}

#[tokio::test]
async fn a_list_shows_exactly_what_the_caller_may_call() {
    let server = Server::start().await;
    let list = |token: &'static str| Post::modern("tools/list", json!({})).token(token).send(server.address);
    let (admin, reader) = (list(ADMIN).await.result(), list(READER).await.result());
    assert!(admin["tools"].as_array().unwrap().len() > 10);
    let names: Vec<_> = reader["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, ["echo", "who"]);
    assert_eq!(reader["cacheScope"], "private");
}

#[tokio::test]
async fn a_denied_tool_and_an_unknown_one_look_the_same() {
    let server = Server::start().await;
    let call = |name: &str| Post::modern("tools/call", json!({"name": name, "arguments": {}})).token(READER).send(server.address);
    let (denied, unknown) = (call("content").await, call("nothing").await);
    assert_eq!((denied.status, denied.error_code()), (unknown.status, unknown.error_code()));
    assert_eq!(denied.error_code(), -32602);
    let message = |answer: crate::client::Answer| answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(message(denied).replace("content", "X"), message(unknown).replace("nothing", "X"));
    assert_eq!(server.seen.calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}
