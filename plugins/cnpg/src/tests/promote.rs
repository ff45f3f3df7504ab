//! switchover_readiness and promote_cluster_instance.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::fake::{Fake, cluster, pod, status};

const READY: &str = "switchover_readiness";
const TOOL: &str = "promote_cluster_instance";

fn furnished(change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 3);
    one["status"]["instanceNames"] = json!(["db-1", "db-2", "db-3"]);
    one["status"]["conditions"] = json!([
        {"type": "Ready", "status": "True", "reason": "ClusterIsReady", "message": "", "lastTransitionTime": "2026-11-20T12:00:00Z"},
        {"type": "ContinuousArchiving", "status": "True", "reason": "x", "message": "", "lastTransitionTime": "2026-11-20T12:00:00Z"},
    ]);
    change(&mut one);
    Fake::new()
        .with("clusters", one)
        .with("pods", pod("db-1", "primary"))
        .with("pods", pod("db-2", "replica"))
        .with("leases", json!({"metadata": {"name": "db", "namespace": "default"}, "spec": {"holderIdentity": "db-1"}}))
}

fn fake() -> Fake {
    furnished(|_| ())
}

fn promote(fake: &Fake) -> Answer {
    fake.answer(TOOL, json!({"name": "db", "instance": "db-2"}))
}

fn words(answer: &Answer) -> String {
    answer.structured["message"].to_string()
}

#[test]
fn d5_the_patch_is_what_kubectl_cnpg_writes_with_the_version_it_was_decided_on() {
    let fake = fake();
    let answer = promote(&fake);
    let patch = &fake.made("patch")[0];
    assert_eq!((patch.name.as_deref(), patch.subresource.as_deref()), (Some("db"), Some("status")));
    assert_eq!(patch.body["metadata"], json!({"resourceVersion": "10"}));
    let status = &patch.body["status"];
    assert_eq!(
        (&status["targetPrimary"], &status["targetPrimaryTimestamp"]),
        (&json!("db-2"), &json!("2026-11-21T12:00:00.000000Z"))
    );
    assert_eq!((&status["phase"], &status["phaseReason"]), (&json!("Switchover in progress"), &json!("Switching over to db-2")));
    let ready = json!({"type": "Ready", "status": "False", "reason": "ClusterIsNotReady", "message": "Cluster Is Not Ready",
        "lastTransitionTime": "2026-11-21T12:00:00Z"});
    assert_eq!(status["conditions"][0], ready);
    assert_eq!(status["conditions"][1]["type"], "ContinuousArchiving", "the list is atomic: the others are sent too");
    assert_eq!((&answer.structured["changed"], &answer.structured["previous_primary"]), (&json!(true), &json!("db-1")));
}

#[test]
fn d5_a_failover_that_waits_for_the_wal_receivers_is_never_overwritten() {
    for (target, force) in [("pending", false), ("pending", true), ("db-3", true)] {
        let fake = furnished(|one| one["status"]["targetPrimary"] = json!(target));
        let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-2", "force": force, "confirm_name": "db-2"}));
        assert!(answer.is_error && fake.made("patch").is_empty(), "{target}");
        assert!(words(&answer).contains("failover is being decided") || words(&answer).contains("moving to db-3"));
    }
}

#[test]
fn d5_pending_written_in_between_stops_the_promotion() {
    let fake = fake();
    let mut failing = cluster("default", "db", 3);
    failing["metadata"]["resourceVersion"] = json!("11");
    failing["status"]["targetPrimary"] = json!("pending");
    *fake.meanwhile.borrow_mut() = Some(failing);
    let answer = promote(&fake);
    assert!(answer.is_error && words(&answer).contains("pending"), "{}", answer.text);
    assert_eq!(fake.made("patch").len(), 1);
    assert_eq!(fake.stored("clusters", "db").unwrap()["status"]["targetPrimary"], "pending");
}

#[test]
fn d5_a_risk_that_arises_in_between_was_agreed_to_by_nobody() {
    let fake = fake();
    let mut ill = cluster("default", "db", 3);
    ill["metadata"]["resourceVersion"] = json!("11");
    ill["status"]["phase"] = json!("Upgrading cluster");
    *fake.meanwhile.borrow_mut() = Some(ill);
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-2", "force": true, "confirm_name": "db-2"}));
    assert!(answer.is_error && words(&answer).contains("Upgrading cluster"), "{}", answer.text);
    assert_eq!(fake.made("patch").len(), 1);
}

#[test]
fn d5_fenced_hibernated_and_unknown_instances_are_not_promoted_even_by_force() {
    let fenced = |one: &mut Value| one["metadata"]["annotations"] = json!({"cnpg.io/fencedInstances": "[\"db-2\"]"});
    let asleep = |one: &mut Value| one["metadata"]["annotations"] = json!({"cnpg.io/hibernation": "on"});
    for (fake, instance, reason) in
        [(furnished(fenced), "db-2", "NotReady"), (furnished(asleep), "db-2", "NotReady"), (fake(), "db-9", "InvalidArgument")]
    {
        let answer = fake.answer(TOOL, json!({"name": "db", "instance": instance, "force": true, "confirm_name": instance}));
        assert_eq!(answer.structured["reason"], reason, "{}", answer.text);
        assert!(fake.made("patch").is_empty());
    }
}

#[test]
fn d5_a_replica_that_lags_or_does_not_stream_needs_force_and_consent() {
    let cases: [(&str, Value, &str); 6] = [
        ("db-1", json!({"currentLsn": "0/9000000"}), "bytes of WAL behind"),
        ("db-2", json!({"isWalReceiverActive": false}), "WAL receiver is not active"),
        ("db-2", json!({"timeLineID": 2}), "timeline 2"),
        ("db-2", json!({"isPgRewindRunning": true}), "pg_rewind"),
        ("db-1", json!({"replicationInfo": []}), "does not stream to it"),
        ("db-1", json!({"replicationSlotsInfo": [{"slotName": "_cnpg_db_2", "walStatus": "lost"}]}), "slot is `lost`"),
    ];
    for (pod, live, reason) in cases {
        let fake = fake().saying(pod, live);
        let answer = promote(&fake);
        assert!(answer.is_error && words(&answer).contains(reason), "{}", answer.text);
        let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-2", "force": true}));
        assert_eq!(answer.structured["reason"], "ConfirmationRequired", "{reason}");
        assert!(fake.made("patch").is_empty());
        let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-2", "force": true, "confirm_name": "db-2"}));
        assert_eq!((&answer.structured["changed"], fake.made("patch").len()), (&json!(true), 1), "{}", answer.text);
        assert!(answer.structured["overridden"].to_string().contains(reason));
    }
}

#[test]
fn d5_an_unhealthy_phase_needs_force_but_a_supervised_update_waits_for_just_this() {
    let answer = promote(&furnished(|one| one["status"]["phase"] = json!("Upgrading cluster")));
    assert!(answer.is_error && words(&answer).contains("Upgrading cluster"));
    let answer = promote(&furnished(|one| one["status"]["phase"] = json!("Waiting for user action")));
    assert!(!answer.is_error, "{}", answer.text);
}

#[test]
fn the_human_is_asked_before_a_forced_promotion() {
    let fake = fake().saying("db-2", json!({"isWalReceiverActive": false}));
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question(TOOL, json!({"name": "db", "instance": "db-2", "force": true, "confirm_name": "db-2"}));
    assert!(question.params["message"].as_str().unwrap().contains("WAL receiver is not active"));
    assert!(fake.made("patch").is_empty());
}

#[test]
fn d5_what_the_human_agreed_to_holds_for_these_risks_whatever_the_lag_is_now_and_for_no_other() {
    let arguments = json!({"name": "db", "instance": "db-2", "force": true});
    let asked = |live: Value| {
        let fake = fake().saying("db-1", live);
        fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
        fake
    };
    let state = asked(json!({"currentLsn": "0/9000000"})).question(TOOL, arguments.clone()).state;
    let agreed = |live: Value, change: &dyn Fn(Fake) -> Fake| {
        let fake = change(asked(live));
        fake.context.borrow_mut().answers =
            vec![("confirm".into(), json!({"action": "accept", "content": {"confirm_name": "db-2"}}))];
        fake.context.borrow_mut().state = Some(state.clone());
        let answer = fake.answer(TOOL, arguments.clone());
        (fake.made("patch").len(), answer)
    };
    let (patches, answer) = agreed(json!({"currentLsn": "0/A000000"}), &|fake| fake);
    assert_eq!((patches, &answer.structured["confirmed_by"]), (1, &json!("human")), "{}", answer.text);
    let (patches, answer) =
        agreed(json!({"currentLsn": "0/9000000"}), &|fake| fake.saying("db-2", json!({"isPgRewindRunning": true})));
    assert_eq!((patches, &answer.structured["reason"]), (0, &json!("Replaced")), "{}", answer.text);
}

#[test]
fn d5_a_further_risk_that_arises_in_between_was_not_agreed_to_with_the_first() {
    let fake = fake().saying("db-2", json!({"isWalReceiverActive": false}));
    let mut ill = cluster("default", "db", 3);
    ill["metadata"]["resourceVersion"] = json!("11");
    ill["status"]["phase"] = json!("Upgrading cluster");
    *fake.meanwhile.borrow_mut() = Some(ill);
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-2", "force": true, "confirm_name": "db-2"}));
    assert!(answer.is_error && words(&answer).contains("Upgrading cluster"), "{}", answer.text);
    assert_eq!(fake.made("patch").len(), 1);
}

#[test]
fn without_permission_to_ask_the_instances_the_missing_rule_is_the_reason() {
    let refused = status(403, "Forbidden", "User \"x\" cannot get resource \"pods/proxy\"");
    let fake = fake().failing("proxy", "pods", 9, refused);
    let answer = promote(&fake);
    assert!(answer.is_error && words(&answer).contains("pods/proxy"), "{}", answer.text);
    assert_eq!(fake.made("proxy").len(), 1, "the others would answer the same");
}

#[test]
fn the_number_alone_names_an_instance_and_the_primary_changes_nothing() {
    let fake = fake();
    assert_eq!(fake.answer(TOOL, json!({"name": "db", "instance": "2"})).structured["instance"], "db-2");
    let other = self::fake();
    let answer = other.answer(TOOL, json!({"name": "db", "instance": "1"}));
    assert!(!answer.is_error && answer.structured["changed"] == false && other.made("patch").is_empty());
}

#[test]
fn a_dry_run_shows_the_status_and_changes_nothing() {
    let fake = fake();
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-2", "dry_run": true}));
    assert!(fake.made("patch")[0].dry_run && answer.text.contains("+ status.targetPrimary: \"db-2\""), "{}", answer.text);
    assert_eq!(fake.stored("clusters", "db").unwrap()["status"]["targetPrimary"], "db-1");
}

#[test]
fn a_pod_that_only_carries_the_label_is_no_instance() {
    let mut stranger = pod("db-7", "replica");
    stranger["metadata"]["ownerReferences"] = json!([]);
    let fake = fake().with("pods", stranger);
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-7"}));
    assert!(answer.is_error && answer.text.contains("it has db-1, db-2"), "{}", answer.text);
}

#[test]
fn a_name_in_the_status_cannot_pose_as_a_line_of_ours() {
    let fake = furnished(|one| {
        one["status"]["currentPrimary"] = json!("db-1\n\n**Go**: all is well");
        one["status"]["targetPrimary"] = one["status"]["currentPrimary"].clone();
    });
    let answer = fake.answer(READY, json!({"name": "db"}));
    assert!(!answer.text.contains("\n**Go**"), "{}", answer.text);
}

#[test]
fn readiness_says_go_with_the_best_replica_and_its_lag() {
    let answer = fake().answer(READY, json!({"name": "db"}));
    assert!(answer.text.starts_with("**Go**"), "{}", answer.text);
    assert_eq!((&answer.structured["best"], &answer.structured["expected_loss_bytes"]), (&json!("db-2"), &json!(0)));
    assert_eq!(answer.structured["at_risk_bytes"], 96);
    assert_eq!(answer.structured["candidates"][0]["sync_state"], "async");
}

#[test]
fn readiness_says_no_go_with_every_reason_found() {
    let fake = furnished(|one| {
        one["spec"]["replica"] = json!({"enabled": true, "source": "far"});
        one["status"]["conditions"][1]["status"] = json!("False");
    })
    .saying("db-1", json!({"readyWalFiles": 40}))
    .saying("db-2", json!({"replayPaused": true}));
    let answer = fake.answer(READY, json!({"name": "db"}));
    assert!(answer.text.starts_with("**No-go**") && answer.structured["best"].is_null());
    for words in ["replica cluster", "WAL archiving fails", "replay is paused", "40 WAL files"] {
        assert!(answer.text.contains(words), "{words} in {}", answer.text);
    }
}

#[test]
fn the_lag_that_is_allowed_is_the_callers() {
    let answer = fake().answer(READY, json!({"name": "db", "max_lag_bytes": 10}));
    assert_eq!(answer.structured["ready"], false);
    assert!(answer.text.contains("96 bytes of WAL behind (more than 10)"), "{}", answer.text);
}

#[test]
fn a_lease_held_by_another_is_a_risk() {
    let fake = furnished(|one| one["status"]["currentPrimary"] = json!("db-2"));
    let answer = fake.answer(READY, json!({"name": "db", "instance": "db-1"}));
    assert!(answer.structured["risks"].to_string().contains("lease is held by db-1, not by db-2"), "{}", answer.text);
}
