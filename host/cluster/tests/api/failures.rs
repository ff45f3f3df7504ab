//! The failures of a server that is otherwise well, planned in kubesim: each a status of its own, and repeated only where the API says so.

use std::time::Duration;

use kubesim::{Fault, Kubesim, Matcher, Options, Rule, User};
use portcullis_cluster::Cluster;
use portcullis_core::kube::{
    DeleteOptions, Form, KubeOperation, KubeOrigin, KubeRequest, KubeStatus, ListOptions, LogOptions, PatchKind,
};
use portcullis_core::ports::KubeApi as _;
use tempfile::TempDir;

use super::asking::{ask, by, clusters, config_map, config_maps, core, create, labelled, refused, request, shown, watch};
use super::server::{config, write};

async fn start() -> (Kubesim, Cluster, TempDir) {
    let sim = Kubesim::start(Options { operator_step: None, ..Options::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let api = Cluster::connect(&config(write(&folder, &sim.kubeconfig_yaml("admin")), false)).await.unwrap();
    (sim, api, folder)
}

fn status(code: u16, retry_after: Option<u32>) -> Fault {
    Fault::Status { code, retry_after }
}

fn list() -> KubeOperation {
    KubeOperation::List(ListOptions::default(), Form::Object)
}

async fn short(api: &Cluster, operation: KubeOperation) -> KubeStatus {
    api.send(KubeRequest { timeout: Duration::from_millis(300), ..request(clusters(None), operation) }).await.unwrap_err()
}

#[tokio::test]
async fn every_failure_is_a_status_of_its_own() {
    let (sim, api, _folder) = start().await;
    let expected = [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (409, "Conflict"),
        (410, "Expired"),
        (422, "Invalid"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
    ];
    for (code, reason) in expected {
        // Twice at 401: credentials are read again once.
        sim.faults().fail_times(if code == 401 { 2 } else { 1 }, Matcher::any(), status(code, None));
        let refusal = ask(&api, clusters(None), list()).await.unwrap_err();
        assert_eq!((refusal.code, refusal.reason.as_str(), refusal.origin), (code, reason, KubeOrigin::ApiServer), "{refusal}");
        assert!(!refusal.message.is_empty() && refusal.retry_after.is_none());
    }
    ask(&api, clusters(None), list()).await.unwrap();
}

#[tokio::test]
async fn a_slow_server_is_a_timeout_and_a_broken_connection_unreachable() {
    let (sim, api, _folder) = start().await;
    sim.faults().fail_next(Matcher::any(), Fault::Hang);
    let slow = short(&api, list()).await;
    sim.faults().fail_next(Matcher::any(), Fault::Reset);
    let broken = ask(&api, clusters(None), list()).await.unwrap_err();
    assert_eq!((slow.reason.as_str(), slow.code, slow.origin), ("Timeout", 0, KubeOrigin::Host));
    assert_eq!((broken.reason.as_str(), broken.code, broken.origin), ("Unreachable", 0, KubeOrigin::Host));
    sim.stop();
    let down = ask(&api, clusters(None), list()).await.unwrap_err();
    assert!(down.reason == "Unreachable" && down.message.contains("cannot connect"), "{down}");
    assert_eq!(api.reachable(Duration::from_secs(5)).await.unwrap_err().reason, "Unreachable");
}

#[tokio::test]
async fn a_read_comes_back_when_the_server_said_so() {
    let (sim, api, _folder) = start().await;
    for code in [429, 503] {
        sim.faults().fail_times(2, Matcher::on("list", "clusters"), status(code, Some(0)));
        sim.take_requests();
        ask(&api, clusters(None), list()).await.unwrap();
        assert_eq!(sim.take_requests().len(), 3, "{code}");
    }
}

#[tokio::test]
async fn a_read_waits_as_long_as_it_was_told() {
    let (sim, api, _folder) = start().await;
    sim.faults().fail_next(Matcher::on("list", "clusters"), status(429, Some(1)));
    let begun = std::time::Instant::now();
    ask(&api, clusters(None), list()).await.unwrap();
    // The header says "at least"; a slow machine only makes it longer.
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn after_three_repetitions_the_refusal_is_the_answer() {
    let (sim, api, _folder) = start().await;
    sim.faults().fail_always(Matcher::on("list", "clusters"), status(429, Some(0)));
    let refusal = ask(&api, clusters(None), list()).await.unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after, sim.requests().len()), (429, Some(Duration::ZERO), 4));
}

#[tokio::test]
async fn a_wait_longer_than_the_call_is_not_begun() {
    let (sim, api, _folder) = start().await;
    sim.faults().fail_next(Matcher::on("list", "clusters"), status(429, Some(3600)));
    let refusal = ask(&api, clusters(None), list()).await.unwrap_err();
    assert_eq!((refusal.retry_after, sim.requests().len()), (Some(Duration::from_secs(3600)), 1));
}

#[tokio::test]
async fn a_create_and_a_patch_are_never_repeated_and_tell_when_to_come_back() {
    let (sim, api, _folder) = start().await;
    create(&api, "one", "writes").await;
    let make = KubeOperation::Create(config_map("two", "writes", "1"), by("test"));
    let patch = KubeOperation::Patch(PatchKind::Merge, r#"{"data":{"a":"b"}}"#.to_owned(), by("test"));
    for (verb, target, operation) in [("create", config_maps(None), make), ("patch", config_maps(Some("one")), patch)] {
        for code in [429, 503] {
            sim.faults().fail_next(Matcher::on(verb, "configmaps"), status(code, Some(0)));
            sim.take_requests();
            let refusal = ask(&api, target.clone(), operation.clone()).await.unwrap_err();
            assert_eq!((refusal.code, refusal.retry_after), (code, Some(Duration::ZERO)));
            assert_eq!(sim.take_requests().len(), 1, "{verb} after {code}");
        }
    }
}

#[tokio::test]
async fn a_delete_is_repeated_after_429_and_not_after_503() {
    let (sim, api, _folder) = start().await;
    create(&api, "one", "writes").await;
    let delete = || ask(&api, config_maps(Some("one")), KubeOperation::Delete(DeleteOptions::default()));
    sim.faults().fail_next(Matcher::on("delete", "configmaps"), status(503, Some(0)));
    sim.take_requests();
    assert_eq!(delete().await.unwrap_err().code, 503);
    assert_eq!(sim.take_requests().len(), 1);
    sim.faults().fail_next(Matcher::on("delete", "configmaps"), status(429, Some(0)));
    delete().await.unwrap();
    assert_eq!(sim.take_requests().len(), 2);
}

#[tokio::test]
async fn a_refused_target_is_never_sent() {
    let (sim, api, _folder) = start().await;
    let climbing = ask(&api, config_maps(Some("../secrets")), KubeOperation::Get(Form::Object)).await.unwrap_err();
    let nameless = ask(&api, config_maps(None), KubeOperation::Get(Form::Object)).await.unwrap_err();
    assert_eq!((climbing.reason.as_str(), nameless.reason.as_str(), sim.requests().len()), ("BadTarget", "BadTarget", 0));
}

#[tokio::test]
async fn a_watch_from_a_forgotten_version_is_gone() {
    let (sim, api, _folder) = start().await;
    for name in ["a", "b"] {
        create(&api, name, "gone").await;
    }
    sim.compact();
    let options = ListOptions { resource_version: Some("1".into()), ..ListOptions::default() };
    let refusal = refused(&api, config_maps(None), options).await;
    assert_eq!((refusal.code, refusal.reason.as_str()), (410, "Expired"));
}

#[tokio::test]
async fn a_running_watch_ends_with_the_410_that_it_gets() {
    let (sim, api, _folder) = start().await;
    create(&api, "a", "running").await;
    let mut events = watch(&api, config_maps(None), labelled("running"), 60).await.unwrap();
    assert_eq!(shown(&mut *events).await, "ADDED a");
    sim.faults().fail_next(Matcher::on("watch", "configmaps"), Fault::GoneOnWatch);
    let refusal = loop {
        if let Err(refusal) = events.next().await.unwrap() {
            break refusal;
        }
    };
    assert_eq!((refusal.code, refusal.reason.as_str(), refusal.origin), (410, "Expired", KubeOrigin::ApiServer));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_watch_whose_server_dies_is_unreachable_or_over_and_never_silent() {
    let (sim, api, _folder) = start().await;
    create(&api, "a", "dies").await;
    let mut events = watch(&api, config_maps(None), labelled("dies"), 60).await.unwrap();
    assert_eq!(shown(&mut *events).await, "ADDED a");
    sim.stop();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => assert_eq!(event.kind, "BOOKMARK"),
            Err(refusal) => assert_eq!(refusal.reason, "Unreachable"),
        }
    }
}

#[tokio::test]
async fn opening_a_watch_waits_when_the_server_says_so() {
    let (sim, api, _folder) = start().await;
    sim.faults().fail_next(Matcher::on("watch", "configmaps"), status(429, Some(0)));
    assert!(watch(&api, config_maps(None), labelled("x"), 60).await.is_ok());
}

#[tokio::test]
async fn logs_and_proxied_paths_are_read() {
    let (sim, api, _folder) = start().await;
    let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-1", "namespace": "default"},
        "spec": {"containers": [{"name": "postgres", "image": "postgres"}]}});
    sim.create(&pod).unwrap();
    sim.set_pod_log("default", "db-1", "one\ntwo\nthree\n");
    sim.set_proxied("default/pods/https:db-1:8000/pg/status", 200, &serde_json::json!({"isPrimary": true}));
    let options = LogOptions { tail_lines: Some(2), container: Some("postgres".into()), ..LogOptions::default() };
    assert_eq!(ask(&api, core("pods", Some("db-1")), KubeOperation::Logs(options)).await.unwrap().body, "two\nthree\n");
    let through = KubeOperation::Proxy("/pg/status".into());
    assert_eq!(ask(&api, core("pods", Some("https:db-1:8000")), through).await.unwrap().body, r#"{"isPrimary":true}"#);
    sim.set_proxied("default/pods/https:db-1:8000/broken", 500, &serde_json::json!({"error": "no primary"}));
    let broken = ask(&api, core("pods", Some("https:db-1:8000")), KubeOperation::Proxy("/broken".into())).await.unwrap_err();
    assert!(broken.code == 500 && broken.reason == "ProxyError" && broken.message.contains("no primary"), "{broken}");
    let nobody = ask(&api, core("pods", Some("nobody")), KubeOperation::Proxy("/x".into())).await.unwrap_err();
    assert_eq!((nobody.code, nobody.reason.as_str(), nobody.origin), (404, "ProxyError", KubeOrigin::Host));
}

#[tokio::test]
async fn the_caller_is_named_on_the_wire_only_if_the_configuration_says_so() {
    let sim = Kubesim::start(Options {
        operator_step: None,
        groups: vec![("dba".into(), vec![Rule::new("", &["*"], &["*"])])],
        ..Options::default()
    })
    .unwrap();
    sim.set_user(User { name: "admin".into(), token: "t".into(), groups: vec!["system:masters".into()], rules: Vec::new() });
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &sim.kubeconfig_yaml("admin"));
    for impersonate in [false, true] {
        let api = Cluster::connect(&config(path.clone(), impersonate)).await.unwrap();
        super::asking::ask_for(&api, "jane", config_maps(None), list()).await.unwrap();
        let sent = sim.take_requests().remove(0);
        let expected = impersonate.then_some(("jane", "dba"));
        assert_eq!(sent.header("impersonate-user").zip(sent.header("impersonate-group")), expected);
    }
}
