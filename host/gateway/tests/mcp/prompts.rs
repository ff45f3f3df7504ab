//! Prompts and completions.

use serde_json::json;

use crate::client::Post;
use crate::server::{READER, Server};

fn get(arguments: serde_json::Value) -> Post {
    Post::modern("prompts/get", json!({"name": "fake-prompt", "arguments": arguments}))
}

#[tokio::test]
async fn a_prompt_is_listed_and_expanded() {
    let server = Server::start().await;
    let list = Post::modern("prompts/list", json!({})).send(server.address).await.result();
    assert_eq!(list["prompts"][0]["name"], "fake-prompt");
    assert_eq!(list["prompts"][0]["arguments"][0]["required"], true);
    let expanded = get(json!({"topic": "backups"})).send(server.address).await.result();
    assert_eq!(expanded["messages"][0], json!({"role": "user", "content": {"type": "text", "text": "About backups"}}));
}

#[tokio::test]
async fn a_prompts_arguments_are_complete_known_and_text() {
    let server = Server::start().await;
    for wrong in [json!({}), json!({"topic": "a", "colour": "b"}), json!({"topic": 1})] {
        assert_eq!(get(wrong.clone()).send(server.address).await.error_code(), -32602, "{wrong}");
    }
}

#[tokio::test]
async fn a_prompt_of_others_does_not_exist() {
    let server = Server::start().await;
    assert_eq!(Post::modern("prompts/list", json!({})).token(READER).send(server.address).await.result()["prompts"], json!([]));
    assert_eq!(get(json!({"topic": "a"})).token(READER).send(server.address).await.error_code(), -32602);
    assert!(server.trail.last().contains("prompts/get fake-prompt denied"), "{}", server.trail.last());
}

#[tokio::test]
async fn completions_are_cut_at_a_hundred_and_need_the_prompt() {
    let server = Server::start().await;
    let params = |name: &str| json!({"ref": {"type": "ref/prompt", "name": name}, "argument": {"name": "topic", "value": "b"}});
    let post = |name: &str| Post::modern("completion/complete", params(name));
    let completion = post("fake-prompt").send(server.address).await.result()["completion"].clone();
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&completion["values"][0], &completion["hasMore"], &completion["total"]),
        (&json!("b0"), &json!(true), &json!(150))
    );
    assert_eq!(post("nothing").send(server.address).await.error_code(), -32602);
    assert_eq!(post("fake-prompt").token(READER).send(server.address).await.error_code(), -32602);
}
