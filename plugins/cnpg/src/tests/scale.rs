//! scale_postgres_cluster.

use serde_json::json;

use crate::fake::{Fake, cluster, invalid, status};
use crate::settings::Settings;

const TOOL: &str = "scale_postgres_cluster";

fn fake(instances: i64) -> Fake {
    Fake::new().with("clusters", cluster("default", "db", instances))
}

#[test]
fn the_patch_carries_what_it_was_decided_on() {
    let fake = fake(3);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
    let patch = &fake.made("patch")[0];
    assert_eq!((patch.plural.as_str(), patch.name.as_deref()), ("clusters", Some("db")));
    assert_eq!(patch.body, json!({"metadata": {"resourceVersion": "10"}, "spec": {"instances": 5}}));
    let options = patch.write.clone().unwrap();
    assert_eq!(
        (options.field_manager.as_deref(), options.field_validation.as_deref()),
        (Some("portcullis-cnpg"), Some("Strict"))
    );
    assert_eq!((&answer.structured["changed"], &answer.structured["previous_instances"]), (&json!(true), &json!(3)));
}

#[test]
fn the_same_number_changes_nothing_and_says_so() {
    let fake = fake(3);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 3}));
    assert!(fake.made("patch").is_empty() && !answer.is_error);
    assert_eq!(answer.structured["changed"], false);
}

#[test]
fn d1_a_dry_run_is_the_servers_and_shows_the_difference() {
    let fake = fake(3);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 2, "dry_run": true}));
    assert!(fake.made("patch").iter().all(|one| one.dry_run));
    assert!(answer.text.contains("- spec.instances: 3\n+ spec.instances: 2"));
    assert_eq!(answer.structured["changes"], json!([{"path": "spec.instances", "from": 3, "to": 2}]));
    assert_eq!(answer.structured["changed"], false);
}

#[test]
fn too_few_instances_for_synchronous_replication_are_refused() {
    for (field, value) in [("postgresql", json!({"synchronous": {"method": "any", "number": 2}})), ("maxSyncReplicas", json!(2))]
    {
        let mut one = cluster("default", "db", 5);
        one["spec"][field] = value;
        let fake = Fake::new().with("clusters", one);
        let answer = fake.answer(TOOL, json!({"name": "db", "instances": 2}));
        assert!(answer.is_error && fake.made("patch").is_empty(), "{field}");
        assert!(answer.text.contains("Keep at least 3 instances"), "{}", answer.text);
        assert!(!fake.answer(TOOL, json!({"name": "db", "instances": 3})).is_error, "{field}");
    }
}

#[test]
fn what_scaling_down_costs_is_told() {
    let answer = fake(3).answer(TOOL, json!({"name": "db", "instances": 1}));
    assert!(answer.text.contains("2 replicas with their volumes are removed; the primary (db-1) stays"));
    assert!(answer.text.contains("no replica to fail over to"));
}

#[test]
fn a_conflict_is_decided_anew_on_what_is_there_now() {
    let fake = fake(3);
    let mut changed = cluster("default", "db", 4);
    changed["metadata"]["resourceVersion"] = json!("11");
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
    let patches = fake.made("patch");
    assert_eq!(patches.len(), 2);
    assert_eq!(patches[1].body["metadata"]["resourceVersion"], "11");
    assert_eq!(answer.structured["previous_instances"], 4);
}

#[test]
fn who_comes_second_learns_what_changed_and_a_cluster_made_anew_is_not_scaled() {
    let fake = fake(3);
    let mut changed = cluster("default", "db", 4);
    changed["metadata"]["resourceVersion"] = json!("11");
    *fake.meanwhile.borrow_mut() = Some(changed.clone());
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
    assert!(answer.structured["notes"].to_string().contains("spec.instances: 3 -> 4"), "{}", answer.text);
    let fake = self::fake(3);
    changed["metadata"]["uid"] = json!("uid-another");
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
    assert_eq!((&answer.structured["reason"], fake.made("patch").len()), (&json!("Replaced"), 1), "{}", answer.text);
}

#[test]
fn a_cluster_that_the_operator_ignores_or_that_goes_away_is_not_scaled() {
    for (metadata, reason) in [
        (json!({"annotations": {"cnpg.io/reconciliationLoop": "disabled"}}), "ReconciliationDisabled"),
        (json!({"deletionTimestamp": "2026-11-21T12:00:00Z"}), "BeingDeleted"),
    ] {
        let one = crate::json::merged(&cluster("default", "db", 3), &json!({"metadata": metadata}));
        let fake = Fake::new().with("clusters", one);
        let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
        assert!(answer.structured["reason"] == reason && fake.made("patch").is_empty(), "{}", answer.text);
    }
}

#[test]
fn a_guard_is_evaluated_anew_after_a_conflict() {
    let fake = fake(3);
    let mut changed = cluster("default", "db", 3);
    changed["spec"]["postgresql"] = json!({"synchronous": {"method": "any", "number": 2}});
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 2}));
    assert!(answer.is_error && answer.structured["reason"] == "SynchronousReplication");
    assert_eq!(fake.made("patch").len(), 1);
}

#[test]
fn three_conflicts_are_enough() {
    let fake = fake(3).failing("patch", "clusters", 9, status(409, "Conflict", "modified"));
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
    assert!(answer.is_error && answer.structured["retryable"] == true);
    assert_eq!(fake.made("patch").len(), 3);
}

#[test]
fn more_than_the_operator_allows_is_refused() {
    let fake = fake(3);
    *fake.settings.borrow_mut() = Settings { max_instances: 4, ..Settings::default() };
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 5}));
    assert!(answer.is_error && fake.made("patch").is_empty() && answer.text.contains("maxInstances"));
}

#[test]
fn a_webhook_that_refuses_names_the_parameter() {
    let fake = fake(3).failing("patch", "clusters", 1, invalid("spec.instances", "must be odd"));
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 4}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "instances");
}

fn with_quorum(phase: &str) -> Fake {
    let mut one = cluster("default", "db", 5);
    one["status"]["phase"] = json!(phase);
    let quorum = json!({"metadata": {"name": "db", "namespace": "default"},
        "status": {"method": "ANY", "standbyNames": ["db-2", "db-3", "db-4", "db-5"], "standbyNumber": 1, "primary": "db-1"}});
    Fake::new().with("clusters", one).with("failoverquorums", quorum)
}

#[test]
fn standbys_that_a_failover_may_need_are_not_taken_away() {
    let fake = with_quorum("Failing over");
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 3}));
    assert!(
        answer.is_error && answer.structured["reason"] == "FailoverQuorum" && fake.made("patch").is_empty(),
        "{}",
        answer.text
    );
    assert_eq!(answer.structured["retryable"], true);
    let fake = with_quorum("Cluster in healthy state");
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 3}));
    assert!(!answer.is_error && answer.text.contains("nobody would be promoted"), "{}", answer.text);
    let fake = with_quorum("Failing over");
    assert!(!fake.answer(TOOL, json!({"name": "db", "instances": 6})).is_error, "more standbys harm nobody");
}

#[test]
fn a_failover_quorum_that_may_not_be_read_is_told() {
    let refused = status(403, "Forbidden", "User \"x\" cannot get resource \"failoverquorums\"");
    let fake = fake(3).failing("get", "failoverquorums", 1, refused);
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 2}));
    assert!(!answer.is_error && answer.text.contains("is not known (Forbidden)"), "{}", answer.text);
}
