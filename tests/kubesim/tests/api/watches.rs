//! Watching.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use kubesim::client::Client;
use serde_json::{Value, json};

use super::server::{MERGE, Server, expect};

/// The events of a watch, one after the other.
pub(crate) struct Events {
    body: hyper::body::Incoming,
    buffer: Vec<u8>,
}

impl Events {
    pub(crate) async fn open(client: &Client, path: &str) -> Self {
        let reply = client.open("GET", path, &[], None).await.unwrap();
        assert_eq!(reply.status(), 200, "{path}");
        Self { body: reply.into_body(), buffer: Vec::new() }
    }

    /// The next event, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = self.body.frame().await?.ok()?;
            self.buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()));
        }
    }

    /// The next event, bookmarks left out, as `TYPE name`.
    pub(crate) async fn shown(&mut self) -> String {
        loop {
            let event = self.next().await.expect("the watch ended");
            if event["type"] != "BOOKMARK" {
                return format!(
                    "{} {}",
                    event["type"].as_str().unwrap(),
                    event["object"]["metadata"]["name"].as_str().unwrap_or_default()
                );
            }
        }
    }
}

pub(crate) async fn a_watch_begins_with_the_state_and_follows(server: Arc<Server>) {
    server.cluster("db").await;
    let path = server.cnpg("clusters?watch=1&fieldSelector=metadata.name%3Ddb&timeoutSeconds=30");
    let mut events = Events::open(&server.admin, &path).await;
    assert_eq!(events.shown().await, "ADDED db");
    server.cluster("other").await;
    expect(200, &server.patch(&server.cnpg("clusters/db"), MERGE, &json!({"spec": {"instances": 1}})).await);
    assert_eq!(events.shown().await, "MODIFIED db");
    expect(200, &server.delete(&server.cnpg("clusters/db"), None).await);
    assert_eq!(events.shown().await, "DELETED db");
}

pub(crate) async fn a_watch_from_a_version_shows_only_what_came_after(server: Arc<Server>) {
    server.config_map("before", "x").await;
    let list = expect(200, &server.get(&server.core("configmaps")).await);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    server.config_map("after", "x").await;
    let path = server.core(&format!("configmaps?watch=true&resourceVersion={version}&timeoutSeconds=30&labelSelector=app"));
    let mut events = Events::open(&server.admin, &path).await;
    assert_eq!(events.shown().await, "ADDED after");
}

pub(crate) async fn a_selected_watch_sees_objects_come_and_go(server: Arc<Server>) {
    server.config_map("a", "other").await;
    let path = server.core("configmaps?watch=1&labelSelector=app%3Dmine&timeoutSeconds=30");
    let mut events = Events::open(&server.admin, &path).await;
    let label = |app: &str| json!({"metadata": {"labels": {"app": app}}});
    expect(200, &server.patch(&server.core("configmaps/a"), MERGE, &label("mine")).await);
    assert_eq!(events.shown().await, "ADDED a");
    expect(200, &server.patch(&server.core("configmaps/a"), MERGE, &label("theirs")).await);
    assert_eq!(events.shown().await, "DELETED a");
}

pub(crate) async fn a_watch_ends_when_its_time_is_up(server: Arc<Server>) {
    let path = server.core("secrets?watch=1&timeoutSeconds=1&labelSelector=none");
    let mut events = Events::open(&server.admin, &path).await;
    assert!(events.next().await.is_none());
}
