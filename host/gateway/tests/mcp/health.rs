//! `/livez` and `/readyz`.

use std::sync::Arc;

use portcullis_core::kube::KubeStatus;
use portcullis_core::snapshot::Snapshot;
use portcullis_gateway::{KubernetesProbe, Notices};
use serde_json::{Value, json};

use crate::client::Post;
use crate::fake::{Fake, finding};
use crate::server::{READER, Server, snapshot, tokens};

async fn ready(server: &Server) -> (u16, Value) {
    let answer = Post::get("/readyz").send(server.address).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn a_host_with_a_plugin_is_live_and_ready() {
    let server = Server::start().await;
    assert_eq!(Post::get("/livez").send(server.address).await.status, 200);
    let (status, body) = ready(&server).await;
    assert_eq!((status, &body["status"], &body["reasons"]), (200, &json!("ready"), &json!([])));
    assert_eq!((&body["plugins"][0]["name"], &body["plugins"][0]["version"]), (&json!("fake"), &json!("1.2.3")));
}

/// The kubelet's Host is the pod's address, which nobody can list beforehand; a page of a rebound name has its own.
#[tokio::test]
async fn a_stranger_learns_a_word_and_a_caller_the_reasons() {
    let server = Server::start().await;
    let ask = || Post::get("/readyz").header("Host", "10.0.0.7:4204");
    for stranger in [ask(), ask().header("Authorization", "Bearer wrong"), ask().header("Host", "evil.example")] {
        let answer = stranger.send(server.address).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"status": "ready"})));
    }
    let caller = ask().header("Authorization", &format!("Bearer {READER}")).send(server.address).await;
    assert_eq!(caller.json()["plugins"][0]["name"], "fake");
}

#[tokio::test]
async fn a_host_that_cannot_write_its_trail_is_not_ready() {
    let server = Server::start().await;
    server.trail.full.store(true, std::sync::atomic::Ordering::SeqCst);
    let (status, body) = ready(&server).await;
    assert_eq!((status, &body["reasons"][0]["subject"]), (503, &json!("audit")));
}

#[tokio::test]
async fn a_broken_plugin_degrades_and_no_plugin_at_all_is_not_ready() {
    let server = Server::start().await;
    let healthy = server.snapshots.borrow().clone();
    let plugins = healthy.catalogue.plugins().to_vec();
    let broken = Snapshot { findings: vec![finding()], ..Arc::into_inner(snapshot(2, plugins, tokens())).unwrap() };
    server.snapshots.send_replace(Arc::new(broken));
    let (status, body) = ready(&server).await;
    assert_eq!((status, &body["status"], &body["reasons"][0]["subject"]), (200, &json!("degraded"), &json!("plugin broken")));
    server.snapshots.send_replace(snapshot(3, vec![], tokens()));
    let (status, body) = ready(&server).await;
    assert_eq!((status, &body["status"], &body["reasons"][0]["subject"]), (503, &json!("not-ready"), &json!("plugins")));
}

#[tokio::test]
async fn an_api_server_that_is_down_matters_only_to_plugins_that_need_it() {
    let down: KubernetesProbe = Arc::new(|_| {
        let status = KubeStatus { reason: "Unreachable".into(), message: "connection refused".into(), ..KubeStatus::default() };
        Box::pin(async move { Err(status) })
    });
    let notices = Notices::new();
    let without = Server::with(Fake::new("fake", notices.clone()), notices.clone(), Some(Arc::clone(&down))).await;
    assert_eq!(ready(&without).await.0, 200);
    let with = Server::with(Fake::new("fake", notices.clone()).with_kubernetes(), notices, Some(down)).await;
    let (status, body) = ready(&with).await;
    assert_eq!((status, &body["reasons"][0]["subject"]), (503, &json!("kubernetes")));
    assert!(body["reasons"][0]["message"].as_str().unwrap().contains("connection refused"), "{body}");
}
