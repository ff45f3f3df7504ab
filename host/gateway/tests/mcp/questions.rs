//! Questions on both wires: T-12.

use serde_json::{Value, json};

use crate::client::{Answer, Post};
use crate::server::{ADMIN, READER, Server, snapshot, tokens};

fn call(capabilities: Value, name: &str, extra: Value) -> Post {
    let mut params = json!({"name": name, "arguments": {}});
    params.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Post::modern_as(capabilities, "tools/call", params)
}

fn forms() -> Value {
    json!({"elicitation": {}})
}

fn yes() -> Value {
    json!({"sure": {"action": "accept", "content": {"ok": true}}})
}

fn state(answer: &Answer) -> String {
    answer.result()["requestState"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_question_travels_in_the_result_and_its_answer_comes_back_with_the_state() {
    let server = Server::start().await;
    let asked = call(forms(), "ask", json!({})).send(server.address).await;
    let result = asked.result();
    assert_eq!(
        (&result["resultType"], &result["inputRequests"]["sure"]["method"]),
        (&json!("input_required"), &json!("elicitation/create"))
    );
    assert!(!state(&asked).contains("step"), "sealed");
    let retry = call(forms(), "ask", json!({"inputResponses": yes(), "requestState": state(&asked)})).send(server.address).await;
    assert!(retry.text_content().ends_with("state step-1"), "{}", retry.text_content());
    let outcomes: Vec<_> = server.trail.lines().iter().map(|line| line.split(' ').nth(3).unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["input-required", "completed"]);
    let partial =
        call(forms(), "ask", json!({"inputResponses": {"other": {}}, "requestState": state(&asked)})).send(server.address).await;
    assert_eq!(partial.result()["resultType"], "input_required", "a missing answer is asked for again");
}

#[tokio::test]
async fn a_state_is_good_for_its_caller_its_tool_its_arguments_and_its_component() {
    let server = Server::start().await;
    let with = |state: &str| json!({"inputResponses": yes(), "requestState": state});
    let mine = state(&call(forms(), "ask", json!({})).token(ADMIN).send(server.address).await);
    let cases = [
        ("changed", call(forms(), "ask", with(&format!("{mine}-TAMPERED"))).token(ADMIN)),
        ("empty", call(forms(), "ask", with("")).token(ADMIN)),
        ("another caller's", call(forms(), "ask", with(&mine))),
        ("for another tool", call(forms(), "ask_ever", with(&mine)).token(ADMIN)),
        (
            "for other arguments",
            call(forms(), "ask", json!({"arguments": {"a": 1}, "inputResponses": yes(), "requestState": mine})).token(ADMIN),
        ),
    ];
    for (what, post) in cases {
        assert_eq!(post.send(server.address).await.error_code(), -32602, "{what}");
    }
    let fake = crate::fake::Fake::with(
        "fake",
        server.snapshots.borrow().catalogue.plugins()[0].descriptor().tools[..2].to_vec(),
        server.notices.clone(),
    );
    server.snapshots.send_replace(snapshot(2, vec![std::sync::Arc::new(fake)], tokens()));
    assert_eq!(
        call(forms(), "ask", with(&mine)).token(ADMIN).send(server.address).await.error_code(),
        -32602,
        "another component"
    );
}

#[tokio::test]
async fn nobody_is_asked_for_what_it_did_not_declare() {
    let server = Server::start().await;
    for (tool, needed) in [("ask", "elicitation"), ("ask_sampling", "sampling"), ("needs_sampling", "sampling")] {
        let answer = call(json!({}), tool, json!({})).send(server.address).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (400, -32021), "{tool}");
        assert!(answer.json()["error"]["data"]["requiredCapabilities"][needed].is_object(), "{tool}");
    }
    let asked = call(forms(), "who", json!({})).send(server.address).await;
    assert!(asked.text_content().contains("elicitation/create"), "{}", asked.text_content());
}

#[tokio::test]
async fn an_answer_that_is_no_result_is_refused() {
    let server = Server::start().await;
    let answer = call(forms(), "ask", json!({"inputResponses": {"sure": 12345}})).send(server.address).await;
    assert_eq!(answer.error_code(), -32602);
}

/// Calls a tool in a session and answers every question with `reply`.
async fn converse(server: &Server, tool: &str, reply: Value) -> (Vec<String>, Value) {
    let session = server.session(forms(), |post| post.token(ADMIN)).await;
    let call = Post::legacy(&session, 5, "tools/call", json!({"name": tool, "arguments": {}})).token(ADMIN);
    let (mut stream, mut asked) = (call.open(server.address).await, Vec::new());
    while let Some(message) = stream.next().await {
        let Some(method) = message["method"].as_str() else { return (asked, message) };
        asked.push(method.to_owned());
        let mut answer = json!({"jsonrpc": "2.0", "id": message["id"]});
        answer.as_object_mut().unwrap().extend(reply.as_object().unwrap().clone());
        let answer = Post::raw(answer.to_string())
            .token(ADMIN)
            .header("Mcp-Session-Id", &session)
            .header("MCP-Protocol-Version", "2025-11-25");
        assert_eq!(answer.send(server.address).await.status, 202);
    }
    panic!("the stream ended without a result");
}

#[tokio::test]
async fn on_an_older_wire_the_client_is_asked_on_the_calls_own_stream() {
    let server = Server::start().await;
    let (asked, last) = converse(&server, "ask", json!({"result": {"action": "accept", "content": {"ok": true}}})).await;
    assert_eq!(asked, ["elicitation/create"]);
    let text = last["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("\"accept\"") && text.ends_with("state step-1"), "{text}");
}

#[tokio::test]
async fn a_guest_that_asks_for_ever_is_stopped() {
    let server = Server::start().await;
    let (asked, last) = converse(&server, "ask_ever", json!({"result": {"action": "cancel"}})).await;
    assert_eq!((asked.len(), &last["result"]["isError"]), (8, &json!(true)), "{last}");
}

#[tokio::test]
async fn a_client_that_fails_to_answer_fails_the_call_and_not_the_session() {
    let server = Server::start().await;
    let (_, last) = converse(&server, "ask", json!({"error": {"code": -32000, "message": "no window"}})).await;
    let text = last["result"]["content"][0]["text"].as_str().unwrap();
    assert!(last["result"]["isError"] == true && text.contains("no window"), "{last}");
}

#[tokio::test]
async fn a_reader_cannot_ask_through_a_tool_it_may_not_call() {
    let server = Server::start().await;
    assert_eq!(call(forms(), "ask", json!({})).token(READER).send(server.address).await.error_code(), -32602);
}
