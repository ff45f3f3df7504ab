//! restart, reload, hibernate, resume, maintenance, and what all changes of a cluster have in common.

use serde_json::{Value, json};

use crate::fake::{Fake, Step, cluster, status};

fn fake() -> Fake {
    Fake::new().with("clusters", cluster("default", "db", 3))
}

fn with(change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 3);
    change(&mut one);
    Fake::new().with("clusters", one)
}

fn annotated(key: &str, value: &str) -> Fake {
    with(|one| one["metadata"]["annotations"] = json!({key: value}))
}

#[test]
fn each_writes_the_annotation_that_the_operator_reads_with_the_version_it_saw() {
    for (tool, key) in [("restart_cluster", "kubectl.kubernetes.io/restartedAt"), ("reload_cluster", "cnpg.io/reloadedAt")] {
        let fake = fake();
        let answer = fake.answer(tool, json!({"name": "db"}));
        assert_eq!(
            fake.made("patch")[0].body,
            json!({"metadata": {"resourceVersion": "10", "annotations": {key: "2026-11-21T12:00:00Z"}}}),
            "{tool}"
        );
        assert_eq!(answer.structured["changed"], true);
        assert_eq!(answer.structured["changes"][0]["to"], "2026-11-21T12:00:00Z");
    }
}

#[test]
fn a_dry_run_is_the_servers_and_changes_nothing() {
    for tool in ["restart_cluster", "reload_cluster", "hibernate_cluster"] {
        let fake = fake();
        let answer = fake.answer(tool, json!({"name": "db", "dry_run": true}));
        assert!(fake.made("patch").len() == 1 && fake.made("patch")[0].dry_run, "{tool}");
        assert!(answer.structured["changed"] == false && answer.text.contains("```diff"), "{}", answer.text);
        assert!(fake.stored("clusters", "db").unwrap()["metadata"]["annotations"].is_null());
    }
}

#[test]
fn a_cluster_that_the_operator_ignores_is_not_worked_on() {
    for tool in ["restart_cluster", "reload_cluster", "hibernate_cluster", "resume_cluster"] {
        let fake = annotated("cnpg.io/reconciliationLoop", "disabled");
        let answer = fake.answer(tool, json!({"name": "db"}));
        assert_eq!(answer.structured["reason"], "ReconciliationDisabled", "{tool}");
        assert!(fake.made("patch").is_empty());
    }
    let leaving = with(|one| one["metadata"]["deletionTimestamp"] = json!("2026-11-21T11:00:00Z"));
    assert_eq!(leaving.answer("restart_cluster", json!({"name": "db"})).structured["reason"], "BeingDeleted");
}

#[test]
fn a_hibernated_cluster_has_nothing_to_restart() {
    let answer = annotated("cnpg.io/hibernation", "on").answer("restart_cluster", json!({"name": "db"}));
    assert_eq!(answer.structured["reason"], "Hibernated");
    assert_eq!(answer.structured["next_tools"], json!(["resume_cluster"]));
}

#[test]
fn the_caller_learns_what_changed_in_between() {
    let fake = fake();
    let mut changed = cluster("default", "db", 5);
    changed["metadata"]["resourceVersion"] = json!("11");
    changed["status"]["phase"] = json!("Creating a new replica");
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer("restart_cluster", json!({"name": "db"}));
    assert_eq!(fake.made("patch")[1].body["metadata"]["resourceVersion"], "11");
    let notes = answer.structured["notes"].to_string();
    assert!(notes.contains("spec.instances: 3 -> 5") && notes.contains("Creating a new replica"), "{notes}");
    assert!(answer.text.contains("spec.instances: 3 -> 5"));
}

#[test]
fn a_guard_that_forbids_it_after_a_conflict_says_what_changed() {
    let fake = fake();
    let mut changed = cluster("default", "db", 3);
    changed["metadata"]["resourceVersion"] = json!("11");
    changed["metadata"]["annotations"] = json!({"cnpg.io/hibernation": "on"});
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer("restart_cluster", json!({"name": "db"}));
    assert_eq!(answer.structured["reason"], "Hibernated");
    assert!(answer.text.contains("somebody changed it") && answer.text.contains("cnpg.io/hibernation"), "{}", answer.text);
    assert_eq!(fake.made("patch").len(), 1);
}

#[test]
fn another_cluster_of_the_same_name_is_left_alone() {
    let fake = fake();
    let mut other = cluster("default", "db", 3);
    other["metadata"]["uid"] = json!("uid-other");
    *fake.meanwhile.borrow_mut() = Some(other);
    let answer = fake.answer("restart_cluster", json!({"name": "db"}));
    assert_eq!((&answer.structured["reason"], fake.made("patch").len()), (&json!("Replaced"), 1));
}

#[test]
fn three_conflicts_are_enough() {
    let fake = fake().failing("patch", "clusters", 9, status(409, "Conflict", "modified"));
    let answer = fake.answer("reload_cluster", json!({"name": "db"}));
    assert!(answer.is_error && answer.structured["retryable"] == true);
    assert_eq!(fake.made("patch").len(), 3);
}

#[test]
fn what_argo_owns_is_answered_with_the_manifest() {
    let fake = with(|one| one["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"}));
    let answer = fake.answer("set_maintenance", json!({"name": "db", "in_progress": true}));
    assert_eq!(answer.structured["reason"], "GitOpsManaged");
    assert!(answer.text.contains("inProgress: true") && fake.made("patch").is_empty());
}

#[test]
fn d1_hibernation_needs_consent_and_false_never_does_it() {
    for arguments in [
        json!({"name": "db"}),
        json!({"name": "db", "confirm": true}),
        json!({"name": "db", "confirm": false, "confirm_name": "db"}),
        json!({"name": "db", "confirm": true, "confirm_name": "other"}),
    ] {
        let fake = fake();
        let answer = fake.answer("hibernate_cluster", arguments.clone());
        assert!(answer.is_error && fake.made("patch").is_empty(), "{arguments}");
    }
    let fake = fake();
    let answer = fake.answer("hibernate_cluster", json!({"name": "db", "confirm": true, "confirm_name": "db"}));
    assert_eq!(fake.made("patch")[0].body["metadata"]["annotations"], json!({"cnpg.io/hibernation": "on"}));
    assert_eq!(answer.structured["confirmed_by"], "confirm_name");
}

#[test]
fn the_human_is_asked_before_a_hibernation() {
    let fake = fake();
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question("hibernate_cluster", json!({"name": "db", "confirm": true, "confirm_name": "db"}));
    assert!(question.params["message"].as_str().unwrap().contains("nobody can connect"));
    assert!(fake.made("patch").is_empty());
}

#[test]
fn hibernation_does_not_cut_into_a_failover() {
    let fake = with(|one| one["status"]["targetPrimary"] = json!("pending"));
    let answer = fake.answer("hibernate_cluster", json!({"name": "db", "confirm_name": "db"}));
    assert_eq!(answer.structured["reason"], "PrimaryMoving");
    assert!(answer.structured["retryable"] == true && fake.made("patch").is_empty());
}

#[test]
fn resuming_waits_when_asked_and_changes_nothing_that_is_awake() {
    let fake = annotated("cnpg.io/hibernation", "on").watching(vec![Step::Event(3_000, "MODIFIED", cluster("default", "db", 3))]);
    let answer = fake.answer("resume_cluster", json!({"name": "db", "wait": true}));
    assert_eq!(fake.made("patch")[0].body["metadata"]["annotations"], json!({"cnpg.io/hibernation": "off"}));
    assert_eq!(answer.structured["wait"]["outcome"], "ready");
    let awake = self::fake();
    let answer = awake.answer("resume_cluster", json!({"name": "db"}));
    assert!(!answer.is_error && answer.structured["changed"] == false && awake.made("patch").is_empty());
}

#[test]
fn a_maintenance_window_keeps_what_was_not_named() {
    let fake = with(|one| one["spec"]["nodeMaintenanceWindow"] = json!({"inProgress": false, "reusePVC": false}));
    fake.answer("set_maintenance", json!({"name": "db", "in_progress": true}));
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"nodeMaintenanceWindow": {"inProgress": true}}));
    let spec = fake.stored("clusters", "db").unwrap()["spec"]["nodeMaintenanceWindow"].clone();
    assert_eq!(spec, json!({"inProgress": true, "reusePVC": false}));
    let again = fake.answer("set_maintenance", json!({"name": "db", "in_progress": true}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 1);
    let other = fake.answer("set_maintenance", json!({"name": "db", "in_progress": true, "reuse_pvc": true}));
    assert_eq!(other.structured["changed"], true);
}
