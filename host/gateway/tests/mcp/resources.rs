//! Resources over several plugins.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::Post;
use crate::fake::Fake;
use crate::server::{ADMIN, READER, Server, snapshot, tokens};

fn read(uri: &str) -> Post {
    Post::modern("resources/read", json!({"uri": uri}))
}

fn uris(result: &Value) -> Vec<String> {
    result["resources"].as_array().unwrap().iter().map(|it| it["uri"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_goes_through_all_plugins_page_by_page() {
    let server = Server::start().await;
    let second: Arc<dyn portcullis_core::ports::Plugin> = Arc::new(Fake::with("other", vec![], server.notices.clone()));
    let plugins = [server.snapshots.borrow().catalogue.plugins().to_vec(), vec![second]].concat();
    server.snapshots.send_replace(snapshot(2, plugins, tokens()));
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let params = cursor.take().map_or(json!({}), |cursor: Value| json!({"cursor": cursor}));
        let page = Post::modern("resources/list", params).send(server.address).await.result();
        seen.extend(uris(&page));
        match page.get("nextCursor") {
            Some(next) => cursor = Some(next.clone()),
            None => break,
        }
    }
    assert_eq!(seen, ["fake://static", "fake://second"], "a plugin without resources adds nothing");
    let foreign = Post::modern("resources/list", json!({"cursor": "bm8"})).send(server.address).await;
    assert_eq!(foreign.error_code(), -32602);
}

#[tokio::test]
async fn a_resource_is_read_by_template_or_by_listing() {
    let server = Server::start().await;
    for uri in ["fake://1/data", "fake://static"] {
        let result = read(uri).send(server.address).await.result();
        assert_eq!(result["contents"][0]["text"], format!("body of {uri}"));
    }
    let templates = Post::modern("resources/templates/list", json!({})).send(server.address).await.result();
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "fake://{id}/data");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_denied_are_not_found_alike() {
    let server = Server::start().await;
    for post in [read("fake://gone/data"), read("nowhere://x"), read("fake://2/data").token(READER)] {
        let error = post.send(server.address).await.json()["error"].clone();
        assert_eq!(error["code"], -32602, "{error}");
    }
    assert_eq!(read("fake://1/data").token(READER).send(server.address).await.status, 200);
    let list = Post::modern("resources/list", json!({})).token(READER).send(server.address).await.result();
    assert_eq!(uris(&list), Vec::<String>::new(), "none of them is under fake://1/");
}

#[tokio::test]
async fn completions_show_only_what_leads_to_resources_of_the_caller() {
    let server = Server::start().await;
    let complete = async |token: &str, template: &str, argument: &str, known: Value| {
        let reference = json!({"type": "ref/resource", "uri": template});
        let params = json!({"ref": reference, "argument": {"name": argument, "value": ""}, "context": {"arguments": known}});
        let result = Post::modern("completion/complete", params).token(token).send(server.address).await.result();
        (result["completion"]["values"].clone(), result["completion"]["total"].clone())
    };
    let (data, parts) = ("fake://{id}/data", "fake://{id}/parts/{part}");
    assert_eq!(complete(ADMIN, data, "id", json!({})).await, (json!(["1", "2", "3"]), json!(3)));
    assert_eq!(complete(READER, data, "id", json!({})).await, (json!(["1"]), Value::Null), "nor how many there are");
    assert_eq!(server.trail.last(), "reader@portcullis:config completion/complete fake://{id}/data completed ");
    assert_eq!(complete(READER, parts, "id", json!({})).await.0, json!(["1"]), "what comes behind is completed later");
    assert_eq!(complete(READER, parts, "part", json!({"id": "1"})).await.0, json!(["1", "2", "3"]));
    assert_eq!(complete(READER, parts, "part", json!({"id": "2"})).await.0, json!([]));
    assert_eq!(complete(READER, parts, "part", json!({})).await.0, json!([]), "parts of which id?");
    assert_eq!(complete(ADMIN, parts, "part", json!({})).await.0, json!(["1", "2", "3"]));
}
