//! list_scheduled_backups, set_scheduled_backup, delete_scheduled_backup.

use serde_json::{Value, json};

use super::backups::backup;
use crate::fake::{Fake, cluster};

fn nightly() -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "ScheduledBackup",
        "metadata": {"name": "nightly", "namespace": "default", "uid": "uid-nightly", "resourceVersion": "7"},
        "spec": {"cluster": {"name": "db"}, "schedule": "0 0 3 * * *", "method": "plugin", "backupOwnerReference": "none"},
        "status": {"lastScheduleTime": "2026-11-21T03:00:00Z"},
    })
}

fn archived() -> Fake {
    let mut one = cluster("default", "db", 3);
    one["spec"]["plugins"] = json!([{"name": "barman-cloud.cloudnative-pg.io", "isWALArchiver": true}]);
    Fake::new().with("clusters", one)
}

#[test]
fn schedules_are_listed_with_the_last_and_the_next_run() {
    let mut asleep = nightly();
    asleep["metadata"]["name"] = json!("weekly");
    asleep["spec"]["suspend"] = json!(true);
    let fake = Fake::new().with("scheduledbackups", nightly()).with("scheduledbackups", asleep);
    let answer = fake.answer("list_scheduled_backups", json!({"cluster": "db"}));
    assert_eq!(answer.structured["scheduled_backups"][0]["next_run"], "2026-11-22T03:00:00Z");
    assert_eq!(answer.structured["scheduled_backups"][1]["next_run"], Value::Null);
    assert!(answer.text.contains("| 9h ago | in 15h |") || answer.text.contains("| 9h | in 15h |"), "{}", answer.text);
    assert_eq!(fake.answer("list_scheduled_backups", json!({"cluster": "other"})).structured["count"], 0);
}

#[test]
fn a_new_schedule_of_five_fields_gets_seconds_and_the_method_of_its_cluster() {
    let fake = archived();
    let answer = fake
        .answer("set_scheduled_backup", json!({"name": "nightly", "cluster": "db", "schedule": "0 3 * * *", "immediate": true}));
    assert_eq!(
        fake.made("create")[0].body["spec"],
        json!({"cluster": {"name": "db"}, "schedule": "0 0 3 * * *", "method": "plugin", "immediate": true, "backupOwnerReference": "none",
            "pluginConfiguration": {"name": "barman-cloud.cloudnative-pg.io"}})
    );
    assert_eq!((&answer.structured["created"], &answer.structured["next_run"]), (&json!(true), &json!("2026-11-22T03:00:00Z")));
    assert!(answer.text.contains("five fields"));
}

#[test]
fn what_is_left_out_of_a_change_stays_as_it_is() {
    let fake = archived().with("scheduledbackups", nightly());
    let answer = fake.answer("set_scheduled_backup", json!({"name": "nightly", "suspend": true}));
    assert_eq!(fake.made("patch")[0].body, json!({"metadata": {"resourceVersion": "7"}, "spec": {"suspend": true}}));
    assert_eq!(answer.structured["changes"], json!([{"path": "spec.suspend", "from": null, "to": true}]));
    let again = fake.answer("set_scheduled_backup", json!({"name": "nightly", "suspend": true}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 1);
}

#[test]
fn a_schedule_that_somebody_changed_meanwhile_is_decided_anew_and_the_caller_learns_it() {
    let fake = archived().with("scheduledbackups", nightly());
    let mut newer = nightly();
    newer["metadata"]["resourceVersion"] = json!("8");
    newer["spec"]["schedule"] = json!("0 0 4 * * *");
    *fake.meanwhile.borrow_mut() = Some(newer);
    let answer = fake.answer("set_scheduled_backup", json!({"name": "nightly", "suspend": true}));
    assert_eq!(fake.made("patch")[1].body["metadata"]["resourceVersion"], "8");
    assert!(answer.text.contains("somebody changed it while this call was deciding (spec.schedule"), "{}", answer.text);
}

#[test]
fn a_new_schedule_needs_a_cluster_and_a_time_and_a_way() {
    for (arguments, named) in [
        (json!({"name": "n", "schedule": "@daily"}), "cluster"),
        (json!({"name": "n", "cluster": "db"}), "schedule"),
        (json!({"name": "n", "cluster": "db", "schedule": "0 25 * * *"}), "schedule"),
        (json!({"name": "n", "cluster": "bare", "schedule": "@daily"}), "method"),
        (json!({"name": "nightly", "cluster": "bare", "schedule": "@daily"}), "cluster"),
    ] {
        let fake = archived().with("clusters", cluster("default", "bare", 1)).with("scheduledbackups", nightly());
        let answer = fake.answer("set_scheduled_backup", arguments.clone());
        assert!(answer.is_error && fake.made("create").is_empty() && fake.made("patch").is_empty(), "{arguments}");
        assert_eq!(answer.structured["causes"][0]["parameter"], named, "{arguments}");
    }
}

#[test]
fn d1_dry_runs_of_schedules_are_the_servers() {
    let fake = archived().with("scheduledbackups", nightly());
    let answer = fake.answer("set_scheduled_backup", json!({"name": "nightly", "schedule": "@hourly", "dry_run": true}));
    assert!(fake.made("patch")[0].dry_run && answer.structured["changed"] == false && answer.text.contains("+ spec.schedule"));
    let answer =
        fake.answer("set_scheduled_backup", json!({"name": "new", "cluster": "db", "schedule": "@hourly", "dry_run": true}));
    assert!(fake.made("create")[0].dry_run && answer.structured["created"] == false);
}

#[test]
fn a_schedule_that_argo_owns_is_neither_changed_nor_deleted() {
    let mut owned = nightly();
    owned["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"});
    let fake = archived().with("scheduledbackups", owned);
    let answer = fake.answer("set_scheduled_backup", json!({"name": "nightly", "suspend": true}));
    assert!(
        answer.structured["reason"] == "GitOpsManaged" && fake.made("patch").is_empty() && answer.text.contains("suspend: true")
    );
    let answer = fake.answer("delete_scheduled_backup", json!({"name": "nightly", "confirm_name": "nightly"}));
    assert!(answer.structured["reason"] == "GitOpsManaged" && fake.made("delete").is_empty());
}

#[test]
fn d1_only_a_confirmed_call_deletes_a_schedule_and_backups_that_it_owns_are_told() {
    let mut mine = backup("b1", "db", "completed", 1);
    mine["metadata"]["ownerReferences"] = json!([{"uid": "uid-nightly"}]);
    let fake = || {
        Fake::new()
            .with("scheduledbackups", nightly())
            .with("backups", mine.clone())
            .with("backups", backup("b2", "db", "completed", 2))
    };
    for arguments in [
        json!({"name": "nightly"}),
        json!({"name": "nightly", "confirm": true}),
        json!({"name": "nightly", "confirm": false, "confirm_name": "nightly"}),
    ] {
        let fake = fake();
        assert!(fake.answer("delete_scheduled_backup", arguments).is_error && fake.made("delete").is_empty());
    }
    let fake = fake();
    let answer = fake.answer("delete_scheduled_backup", json!({"name": "nightly", "confirm_name": "nightly"}));
    assert_eq!(answer.structured["backups_deleted"], json!(["b1"]));
    assert_eq!(fake.made("delete")[0].delete.as_ref().unwrap().uid.as_deref(), Some("uid-nightly"));
}
