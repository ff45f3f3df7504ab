//! `tools/list` and `tools/call`, on 2026-07-28.

use std::sync::atomic::Ordering;

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
    assert_eq!(server.seen.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_hidden_tool_cannot_be_told_by_the_headers_that_it_demands() {
    let server = Server::start().await;
    let call = |name: &str| {
        let post = Post::modern("tools/call", json!({"name": name, "arguments": {"region": "eu"}}));
        post.header("Mcp-Param-Region", "us").token(READER).send(server.address)
    };
    let (hidden, unknown) = (call("routed").await, call("nothing").await);
    assert_eq!((hidden.status, hidden.error_code()), (unknown.status, unknown.error_code()));
}

#[tokio::test]
async fn names_that_nothing_can_have_leave_no_record() {
    let server = Server::start().await;
    let long = "x".repeat(30_000);
    for (method, params, code) in [
        ("tools/call", json!({"name": long, "arguments": {}}), -32602),
        ("tools/call", json!({"name": "a b", "arguments": {}}), -32602),
        ("prompts/get", json!({"name": long}), -32602),
        ("resources/read", json!({"uri": format!("fake://{long}")}), -32602),
    ] {
        let answer = Post::modern(method, params).send(server.address).await;
        assert_eq!(answer.error_code(), code, "{method}: {}", answer.text.len());
    }
    assert_eq!(server.trail.lines(), Vec::<String>::new());
    Post::modern("resources/read", json!({"uri": format!("fake://{}/x", &long[..4000])})).send(server.address).await;
    assert!(server.trail.last().contains("… (4009 bytes)") && server.trail.last().len() < 1200, "{}", server.trail.last());
}

#[tokio::test]
async fn nothing_runs_while_the_trail_cannot_be_written() {
    let server = Server::start().await;
    server.trail.full.store(true, Ordering::SeqCst);
    assert_eq!(server.call("echo", json!({"n": 1})).await.error_code(), -32603);
    for (method, params) in [
        ("prompts/get", json!({"name": "fake-prompt", "arguments": {"topic": "x"}})),
        ("resources/read", json!({"uri": "fake://1/data"})),
    ] {
        assert_eq!(Post::modern(method, params).send(server.address).await.error_code(), -32603, "{method}");
    }
    let session = server.session(json!({}), |post| post).await;
    let subscribe = Post::legacy(&session, 2, "resources/subscribe", json!({"uri": "fake://1/data"})).send(server.address).await;
    assert_eq!(subscribe.error_code(), -32603);
    assert_eq!((server.seen.calls.load(Ordering::SeqCst), server.trail.lines()), (0, vec![]));
    server.trail.full.store(false, Ordering::SeqCst);
    assert_eq!(server.call("echo", json!({"n": 1})).await.text_content(), r#"{"n":1}"#);
}

#[tokio::test]
async fn a_withheld_tool_says_why_to_whoever_may_call_it_and_nobody_sees_it() {
    let server = Server::start().await;
    let call = |token: &'static str| {
        Post::modern("tools/call", json!({"name": "resize", "arguments": {}})).token(token).send(server.address)
    };
    let admin = call(ADMIN).await;
    assert_eq!(
        (&admin.result()["isError"], admin.text_content().as_str()),
        (&json!(true), "`resize` is not offered here: the storage class cannot grow")
    );
    assert_eq!(server.trail.last(), "admin@portcullis:config tools/call resize failed token:admin");
    assert_eq!(call(READER).await.error_code(), -32602);
    let listed = Post::modern("tools/list", json!({})).send(server.address).await.result();
    assert!(!listed.to_string().contains("resize"), "{listed}");
    assert_eq!(server.call("echo", json!({"n": 7})).await.text_content(), r#"{"n":7}"#, "offering wins over withholding");
}

#[tokio::test]
async fn arguments_that_break_the_schema_are_a_result_that_says_where() {
    let server = Server::start().await;
    for (arguments, place) in [(json!({"n": "x"}), "/n: "), (json!({}), "n"), (json!({"n": 1, "m": 2}), "m")] {
        let answer = server.call("echo", arguments.clone()).await;
        assert_eq!(answer.result()["isError"], true, "{arguments}");
        assert!(answer.text_content().contains(place), "{arguments}: {}", answer.text_content());
    }
    assert_eq!(server.seen.calls.load(Ordering::SeqCst), 0, "the guest never ran");
}

#[tokio::test]
async fn structured_output_is_checked_and_said_as_text_too() {
    let server = Server::start().await;
    let kept = server.call("structured", json!({})).await;
    assert_eq!((kept.result()["structuredContent"].clone(), kept.text_content()), (json!({"sum": 3}), r#"{"sum":3}"#.to_owned()));
    let broken = server.call("broken_promise", json!({})).await;
    assert_eq!(broken.result()["isError"], true);
    assert!(broken.text_content().contains("broke its contract"), "{}", broken.text_content());
    assert!(broken.result().get("structuredContent").is_none());
    assert!(server.trail.last().contains("broken_promise failed"), "{}", server.trail.last());
}

#[tokio::test]
async fn every_kind_of_content_reaches_the_wire() {
    let result = Server::start().await.call("content", json!({})).await.result();
    let blocks = &result["content"];
    let kinds: Vec<_> = blocks.as_array().unwrap().iter().map(|block| block["type"].clone()).collect();
    assert_eq!(kinds, ["text", "image", "audio", "resource_link", "resource"]);
    assert_eq!((&blocks[1]["data"], &blocks[1]["mimeType"]), (&json!("AP8="), &json!("image/png")));
    assert_eq!(blocks[4]["resource"]["blob"], "AQ==");
}

#[tokio::test]
async fn a_call_that_fails_is_a_result_the_model_can_read() {
    let server = Server::start().await;
    for (tool, words) in
        [("fail", "unreachable"), ("deny", "not you"), ("is_error", "did not work"), ("busy", "Try again in 2 s.")]
    {
        let answer = server.call(tool, json!({})).await;
        assert_eq!(answer.result()["isError"], true, "{tool}");
        assert!(answer.text_content().contains(words), "{tool}: {}", answer.text_content());
    }
}

#[tokio::test]
async fn every_decision_and_call_is_on_record() {
    let server = Server::start().await;
    let call = |token, name: &str, arguments| {
        Post::modern("tools/call", json!({"name": name, "arguments": arguments})).token(token).send(server.address)
    };
    call(READER, "echo", json!({"n": 1})).await;
    call(READER, "content", json!({})).await;
    call(ADMIN, "nothing", json!({})).await;
    call(ADMIN, "is_error", json!({})).await;
    call(ADMIN, "fail", json!({})).await;
    let expected = [
        "reader@portcullis:config tools/call echo completed token:reader",
        "reader@portcullis:config tools/call content denied default-deny",
        "admin@portcullis:config tools/call nothing failed token:admin",
        "admin@portcullis:config tools/call is_error completed-with-error token:admin",
        "admin@portcullis:config tools/call fail failed token:admin",
    ];
    assert_eq!(server.trail.lines(), expected);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_call() {
    let server = Server::start().await;
    let post = Post::modern("tools/call", json!({"name": "wait", "arguments": {}}));
    let address = server.address;
    let waiting = tokio::spawn(async move { post.send(address).await });
    let seen = std::sync::Arc::clone(&server.seen);
    let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::SeqCst);
    crate::server::eventually("the call", || count(&seen.waiting) == 1).await;
    waiting.abort();
    crate::server::eventually("its end", || count(&seen.dropped) == 1).await;
    crate::server::eventually("its record", || server.trail.last().contains("wait cancelled")).await;
}

#[tokio::test]
async fn progress_grows_and_messages_come_only_when_asked_for() {
    let server = Server::start().await;
    let meta = json!({"progressToken": "p", "io.modelcontextprotocol/logLevel": "warning"});
    let asked = Post::modern("tools/call", json!({"name": "talk", "arguments": {}, "_meta": meta})).send(server.address).await;
    let messages = asked.messages();
    let progress: Vec<_> = messages.iter().filter(|it| it["method"] == "notifications/progress").collect();
    assert_eq!(progress.len(), 2, "{messages:?}");
    assert_eq!((&progress[1]["params"]["progress"], &progress[1]["params"]["message"]), (&json!(2.0), &json!("two")));
    let said: Vec<_> = messages.iter().filter(|it| it["method"] == "notifications/message").collect();
    assert_eq!(said.len(), 1, "{messages:?}");
    assert_eq!((&said[0]["params"]["level"], &said[0]["params"]["data"]), (&json!("error"), &json!({"bad": 1})));
    assert!(messages.last().unwrap().get("result").is_some(), "the result comes last");
    assert_eq!(server.call("talk", json!({})).await.messages().len(), 1, "nobody asked");
}

#[tokio::test]
async fn a_header_that_mirrors_an_argument_must_agree_with_it() {
    let server = Server::start().await;
    let call = || Post::modern("tools/call", json!({"name": "routed", "arguments": {"region": "eu"}}));
    assert_eq!(call().header("Mcp-Param-Region", "eu").send(server.address).await.text_content(), r#"{"region":"eu"}"#);
    for wrong in [call(), call().header("Mcp-Param-Region", "us")] {
        let answer = wrong.send(server.address).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (400, -32020));
    }
}

/// A plain call takes the short way; a header that means nothing sends it round through rmcp.
#[tokio::test]
async fn both_ways_to_a_tool_answer_alike() {
    let server = Server::start().await;
    for (name, arguments) in [
        ("echo", json!({"n": 1})),
        ("echo", json!({"n": "x"})),
        ("ask_sampling", json!({})),
        ("nothing", json!({})),
        ("resize", json!({})),
        ("content", json!({})),
        ("structured", json!({})),
        ("fail", json!({})),
    ] {
        let call = || Post::modern("tools/call", json!({"name": name, "arguments": arguments}));
        let (short, long) =
            (call().send(server.address).await, call().header("Mcp-Param-Nothing", "1").send(server.address).await);
        let same = |answer: &crate::client::Answer| {
            let mut json = answer.json().to_string();
            // A trap names its request.
            if let Some(at) = json.find("request ") {
                json.replace_range(at + 8..at + 24, "");
            }
            (answer.status, answer.headers["content-type"].clone(), json)
        };
        assert_eq!(same(&short), same(&long), "{name}");
    }
}
