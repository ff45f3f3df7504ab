//! Places for auth strategies: what is sent as a credential cannot take them all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::ports::{Authenticator, NoticeSink, PluginSource, ToolRuntime};
use portcullis_core::secret::Secret;
use portcullis_core::strategy::{Attempt, RouteRequest, Site};
use portcullis_sandbox::{Ports, Sandbox, SandboxOptions};
use portcullis_tests::components::guest;
use portcullis_tests::ports::{FakeDiscovery, FakeEgress, FakeSecrets, FakeStore, FakeTokens};

struct Silent;

impl NoticeSink for Silent {
    fn publish(&self, _: Notice) {}
}

fn sandbox(directory: &std::path::Path, egress: &Arc<FakeEgress>) -> Sandbox {
    let ports = Ports {
        tokens: Some(Arc::new(FakeTokens::default())),
        discovery: Some(Arc::new(FakeDiscovery)),
        egress: Some(egress.clone()),
        secrets: Some(Arc::new(FakeSecrets)),
        store: Some(Arc::new(FakeStore::default())),
    };
    let options = SandboxOptions {
        cache_directory: directory.join("cache"),
        max_concurrent_calls: 64,
        queue_timeout: Duration::from_millis(50),
        kube: None,
        notices: Arc::new(Silent),
        ports,
    };
    Sandbox::new(options).unwrap()
}

async fn load(sandbox: &Sandbox, path: std::path::PathBuf, granted: &str) -> Arc<dyn Authenticator> {
    let (origin, component) = (path.display().to_string(), std::fs::read(path).unwrap().into());
    let granted = serde_json::from_str(granted).unwrap();
    let source = PluginSource { origin, component, granted, settings: "{}".into(), limits: Limits::default() };
    sandbox.load(source).await.unwrap_or_else(|findings| panic!("{findings:?}")).authenticator().unwrap().clone()
}

fn site() -> Site {
    Site { origin: "https://mcp.example".into(), resources: Vec::new(), scopes: Vec::new() }
}

fn attempt() -> Attempt {
    let credential = Secret::new("http GET https://id.example/".into());
    Attempt { request_id: "r".into(), resource: "https://mcp.example/mcp".into(), site: site(), credential }
}

fn hello() -> RouteRequest {
    RouteRequest {
        request_id: "r".into(),
        site: site(),
        method: "GET".into(),
        path: "/hello".into(),
        query: None,
        headers: Vec::new(),
        body: Vec::new(),
        client: "192.0.2.1".into(),
    }
}

#[tokio::test]
async fn credentials_that_a_silent_provider_is_asked_about_leave_places_to_routes() {
    let (directory, egress) = (tempfile::tempdir().unwrap(), Arc::new(FakeEgress::default()));
    *egress.silent.lock() = true;
    let sandbox = sandbox(directory.path(), &egress);
    let all = r#"{"clocks": true, "random": true, "keyvalue": true, "secrets": {"names": ["*"]}, "discovery": {"issuers": ["*"]},
        "jwt": {"issuers": ["*"], "keySets": ["*"], "rings": ["*"]}, "http": {"rules": [{"host": "*", "methods": ["GET", "POST"]}]}}"#;
    let asking = load(&sandbox, guest("auth_calls").unwrap(), all).await;
    let serving = load(&sandbox, guest("fixed_strategy").unwrap(), "{}").await;
    // As many as there are places for strategies beside 64 calls.
    let attempts = (0..16).map(|_| {
        let asking = asking.clone();
        tokio::spawn(async move { asking.authenticate(attempt(), Duration::from_secs(20)).await })
    });
    let attempts: Vec<_> = attempts.collect();
    while egress.sent.lock().len() < 12 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(serving.handle(hello()).await.unwrap().status, 200);
    assert!(serving.describe(site()).await.is_ok());
    assert_eq!(egress.sent.lock().len(), 12, "the others were refused, or wait");
    attempts.iter().for_each(tokio::task::JoinHandle::abort);
}
