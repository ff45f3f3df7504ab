//! Revisions before 2026-07-28: sessions, their owners, and what they hear.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use portcullis_core::notice::Notice;
use portcullis_core::ports::NoticeSink as _;
use serde_json::json;

use crate::client::{LEGACY, MODERN, Post};
use crate::fake::Fake;
use crate::server::{ADMIN, READER, Server, eventually, snapshot, tokens};

#[tokio::test]
async fn a_session_is_opened_used_and_closed() {
    let server = Server::start().await;
    let opened = Post::initialize(json!({})).send(server.address).await.result();
    assert_eq!((&opened["protocolVersion"], &opened["serverInfo"]["name"]), (&json!(LEGACY), &json!("portcullis")));
    assert_eq!(opened["instructions"], "Ask for clusters.");
    let session = server.session(json!({}), |post| post).await;
    let called =
        Post::legacy(&session, 2, "tools/call", json!({"name": "echo", "arguments": {"n": 1}})).send(server.address).await;
    assert_eq!(called.text_content(), r#"{"n":1}"#);
    assert!(called.result().get("resultType").is_none(), "a word of the new wire");
    let mut close = Post::get("/open").header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", LEGACY);
    close.method = "DELETE";
    assert_eq!(close.send(server.address).await.status, 204);
    assert_eq!(Post::legacy(&session, 3, "ping", json!({})).send(server.address).await.status, 404);
}

#[tokio::test]
async fn a_session_exists_only_for_who_opened_it() {
    let server = Server::start().await;
    let session = server.session(json!({}), |post| post.token(ADMIN)).await;
    let ping = || Post::legacy(&session, 2, "ping", json!({}));
    assert_eq!(ping().token(ADMIN).send(server.address).await.status, 200);
    assert_eq!(ping().token(READER).send(server.address).await.status, 404, "another caller");
    assert_eq!(ping().at("/mcp").send(server.address).await.status, 401, "a session proves nothing");
    assert_eq!(ping().send(server.address).await.status, 404, "not even where nobody is asked");
}

#[tokio::test]
async fn the_new_wire_ignores_session_ids() {
    let server = Server::start().await;
    let answer = Post::modern("tools/list", json!({})).header("Mcp-Session-Id", "no-such").send(server.address).await;
    assert_eq!((answer.status.as_u16(), answer.headers.contains_key("mcp-session-id")), (200, false));
}

#[tokio::test]
async fn a_session_that_is_opened_under_the_new_version_has_an_owner_too() {
    let server = Server::start().await;
    let future = Post { body: Post::initialize(json!({})).body.replace(LEGACY, MODERN), ..Post::initialize(json!({})) };
    let opened = future.header("MCP-Protocol-Version", MODERN).token(ADMIN).send(server.address).await;
    let session = opened.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let ping = |post: Post| post.send(server.address);
    assert_eq!(ping(Post::legacy(&session, 2, "ping", json!({})).token(READER)).await.status, 404, "another caller");
    assert_eq!(ping(Post::legacy(&session, 2, "ping", json!({})).token(ADMIN)).await.status, 200);
}

#[tokio::test]
async fn an_unknown_version_is_negotiated_down_and_a_wrong_header_is_refused() {
    let server = Server::start().await;
    let future = Post { body: Post::initialize(json!({})).body.replace(LEGACY, MODERN), ..Post::initialize(json!({})) };
    assert_eq!(future.send(server.address).await.result()["protocolVersion"], LEGACY);
    let session = server.session(json!({}), |post| post).await;
    let wrong = Post::legacy(&session, 2, "ping", json!({})).header("MCP-Protocol-Version", "1999-01-01");
    assert_eq!(wrong.send(server.address).await.status, 400);
}

/// rmcp sends messages of a session on its standalone stream, whichever call they come from.
#[tokio::test]
async fn a_session_hears_messages_from_the_level_it_set() {
    let server = Server::start().await;
    let session = server.session(json!({}), |post| post).await;
    let listen = Post::get("/open").header("Accept", "text/event-stream").header("Mcp-Session-Id", &session);
    let mut stream = listen.header("MCP-Protocol-Version", LEGACY).open(server.address).await;
    let talk = |id| Post::legacy(&session, id, "tools/call", json!({"name": "talk", "arguments": {}})).send(server.address);
    talk(2).await.result();
    Post::legacy(&session, 3, "logging/setLevel", json!({"level": "debug"})).send(server.address).await.result();
    talk(4).await.result();
    let heard = (stream.next().await.unwrap(), stream.next().await.unwrap());
    assert_eq!(
        (&heard.0["params"]["level"], &heard.1["params"]["level"]),
        (&json!("debug"), &json!("error")),
        "nothing of call 2"
    );
}

#[tokio::test]
async fn a_session_hears_that_lists_changed_and_resources_it_subscribed_to() {
    let server = Server::start().await;
    let session = server.session(json!({}), |post| post.token(ADMIN)).await;
    let listen = Post::get("/mcp").token(ADMIN).header("Accept", "text/event-stream").header("Mcp-Session-Id", &session);
    let mut stream = listen.header("MCP-Protocol-Version", LEGACY).open(server.address).await;
    assert_eq!(stream.status, 200);
    let subscribe =
        |uri: &str| Post::legacy(&session, 2, "resources/subscribe", json!({"uri": uri})).token(ADMIN).send(server.address);
    subscribe("fake://1/data").await.result();
    assert_eq!(subscribe("nowhere://x").await.error_code(), -32002, "the older wire's own code");
    let updated = stream.next().await.unwrap();
    assert_eq!(
        (&updated["method"], &updated["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("fake://1/data"))
    );
    server.notices.publish(Notice::ResourceUpdated { uri: "fake://2/data".into() });
    let fewer: Arc<dyn portcullis_core::ports::Plugin> = Arc::new(Fake::one_tool("other", "hello", server.notices.clone()));
    let plugins = [server.snapshots.borrow().catalogue.plugins().to_vec(), vec![fewer]].concat();
    server.snapshots.send_replace(snapshot(2, plugins, tokens()));
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed", "nothing about fake://2");
    Post::legacy(&session, 4, "resources/unsubscribe", json!({"uri": "fake://1/data"}))
        .token(ADMIN)
        .send(server.address)
        .await
        .result();
    assert_eq!(server.seen.watching.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_cancelled_call_ends() {
    let server = Server::start().await;
    let session = server.session(json!({}), |post| post).await;
    let _open = Post::legacy(&session, 7, "tools/call", json!({"name": "wait", "arguments": {}})).open(server.address).await;
    eventually("the call", || server.seen.waiting.load(Ordering::SeqCst) == 1).await;
    let body = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}).to_string();
    let cancel = Post::raw(body).header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", LEGACY);
    assert_eq!(cancel.send(server.address).await.status, 202);
    eventually("its end", || server.seen.dropped.load(Ordering::SeqCst) == 1).await;
}
