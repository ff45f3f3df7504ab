//! get_operator_info.

use serde_json::{Value, json};

use crate::fake::{Fake, status};

const TOOL: &str = "get_operator_info";

fn operator(namespace: &str, ready: i64) -> Value {
    json!({
        "metadata": {"name": "cnpg-controller-manager", "namespace": namespace, "creationTimestamp": "2026-11-20T12:00:00Z",
            "labels": {"app.kubernetes.io/name": "cloudnative-pg"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [
            {"name": "sidecar", "image": "registry:5000/proxy:2"},
            {"name": "manager", "image": "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0"}]}}},
        "status": {"readyReplicas": ready},
    })
}

fn forbidden() -> portcullis_plugin::kubernetes::Status {
    status(403, "Forbidden", "User \"x\" cannot list resource \"deployments\" in API group \"apps\"")
}

#[test]
fn versions_kinds_and_the_operator_are_told() {
    let answer = Fake::new().with("deployments", operator("operators", 1)).answer(TOOL, json!({}));
    let info = &answer.structured;
    assert_eq!((&info["kubernetes_version"], &info["version_by_kinds"]), (&json!("v1.34.1"), &json!("1.30 or newer")));
    assert_eq!((&info["installed"], info["kinds"].as_array().unwrap().len()), (&json!(true), 11));
    let one = &info["operators"][0];
    assert_eq!((&one["version"], &one["namespace"], &one["ready_replicas"]), (&json!("1.30.0"), &json!("operators"), &json!(1)));
    assert!(answer.text.contains("| operators | cnpg-controller-manager | 1.30.0 | 1/1 | 24h |"), "{}", answer.text);
    assert_eq!(info["notes"], json!([]));
}

#[test]
fn d13_which_version_it_may_be_follows_from_the_kinds_that_are_missing() {
    let version = |missing: &[&str]| Fake::new().without(missing).answer(TOOL, json!({})).structured["version_by_kinds"].clone();
    assert_eq!(version(&["databaseroles"]), "1.27 to 1.29");
    assert_eq!(version(&["databaseroles", "failoverquorums"]), "1.25 or 1.26");
    assert_eq!(version(&["databaseroles", "failoverquorums", "databases"]), "older than 1.25");
}

#[test]
fn a_server_without_cloudnativepg_is_an_answer_and_other_refusals_are_errors() {
    let fake =
        Fake::new().failing("discover", "*", 1, status(404, "NotFound", "the server could not find the requested resource"));
    let answer = fake.answer(TOOL, json!({}));
    assert!(!answer.is_error && answer.text.contains("**not installed**"), "{}", answer.text);
    assert_eq!((&answer.structured["installed"], &answer.structured["version_by_kinds"]), (&json!(false), &Value::Null));
    let answer = Fake::new().failing("discover", "*", 1, status(0, "Unreachable", "no route")).answer(TOOL, json!({}));
    assert!(answer.is_error && answer.structured["retryable"] == true);
}

#[test]
fn an_operator_that_may_not_be_seen_everywhere_is_looked_for_at_home_and_else_told() {
    let fake = Fake::new().with("deployments", operator("cnpg-system", 0)).failing("list", "deployments", 1, forbidden());
    let answer = fake.answer(TOOL, json!({}));
    assert_eq!(fake.made("list")[1].namespace.as_deref(), Some("cnpg-system"));
    assert_eq!(answer.structured["operators"][0]["version"], "1.30.0");
    assert!(answer.structured["notes"][0].as_str().unwrap().contains("no replica of the operator is ready"));
    for (refusal, word) in [(forbidden(), "not permitted"), (status(404, "NotFound", "page not found"), "not seen")] {
        let answer = Fake::new().failing("list", "deployments", 2, refusal).answer(TOOL, json!({}));
        assert!(!answer.is_error && answer.structured["operators"] == json!([]));
        assert!(answer.structured["notes"][0].as_str().unwrap().contains(word), "{}", answer.text);
    }
    let answer = Fake::new().answer(TOOL, json!({}));
    assert!(answer.structured["notes"][0].as_str().unwrap().contains("no Deployment with the label"), "{}", answer.text);
}

#[test]
fn two_operators_and_a_version_that_is_not_seen_are_told() {
    let fake = Fake::new().with("deployments", operator("a", 1)).with("deployments", operator("b", 1));
    let answer = fake.failing("version", "*", 1, status(403, "Forbidden", "no\n| boom")).answer(TOOL, json!({}));
    assert_eq!(answer.structured["kubernetes_version"], Value::Null);
    assert!(answer.text.contains("more than one operator") && answer.text.contains("was not seen: no | boom"), "{}", answer.text);
}

#[test]
fn the_host_asks_for_the_tools_anew_after_looking() {
    let fake = Fake::new();
    let answer = fake.answer(TOOL, json!({"format": "json"}));
    assert_eq!((fake.tools_changed.get(), &answer.text), (1, &answer.structured.to_string()));
    let fake = Fake::new().failing("discover", "*", 1, status(0, "Unreachable", "no route"));
    fake.answer(TOOL, json!({}));
    assert_eq!(fake.tools_changed.get(), 0, "nothing was learned");
}

/// The review of somebody who may only look at clusters.
fn looker(incomplete: bool) -> Fake {
    let fake = Fake::new();
    let rule = json!({"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["get", "list", "watch"]});
    *fake.access.borrow_mut() = json!({"status": {"resourceRules": [rule], "incomplete": incomplete}});
    fake
}

#[test]
fn tools_that_lack_rules_in_the_namespace_are_told_before_they_are_called() {
    let answer = looker(false).answer(TOOL, json!({"namespace": "prod"}));
    let rights = &answer.structured["rights"];
    assert_eq!((&rights["namespace"], &rights["complete"]), (&json!("prod"), &json!(true)));
    let of =
        |tool: &str| rights["lacking"].as_array().unwrap().iter().find(|one| one["tool"] == tool).map(|one| one["rules"].clone());
    assert_eq!(of("scale_postgres_cluster"), Some(json!(["patch clusters", "get failoverquorums"])));
    assert_eq!(of("list_postgres_clusters"), None);
    assert_eq!(of("set_pooler"), None, "it is not part of this server's profile");
    assert!(answer.text.contains("| scale_postgres_cluster | patch clusters; get failoverquorums |"), "{}", answer.text);
    assert!(looker(true).answer(TOOL, json!({})).text.contains("cannot list all that it allows"));
}

#[test]
fn who_may_do_everything_reads_one_line_and_a_review_that_fails_is_a_note() {
    let answer = Fake::new().answer(TOOL, json!({}));
    assert_eq!(answer.structured["rights"]["lacking"], json!([]));
    assert!(answer.text.contains("In namespace `default` every tool has the RBAC rules"), "{}", answer.text);
    let answer = Fake::new().failing("access", "*", 1, status(403, "Forbidden", "boom")).answer(TOOL, json!({}));
    assert!(!answer.is_error && answer.structured["rights"].is_null());
    assert!(answer.text.contains("may do was not seen: boom"), "{}", answer.text);
}
