//! Resources over several plugins.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::Post;
use crate::fake::Fake;
use crate::server::{READER, Server, snapshot, tokens};

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
