//! list_backups, get_backup, create_backup, delete_backup.

use serde_json::{Value, json};

use crate::fake::{Fake, NOW, Step, cluster, invalid, status};
use crate::time;

pub(super) fn backup(name: &str, of: &str, phase: &str, hours_ago: i64) -> Value {
    let at = |minutes: i64| time::rfc3339(NOW - hours_ago * 3600 + minutes * 60);
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup",
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "resourceVersion": "5", "creationTimestamp": at(-10)},
        "spec": {"cluster": {"name": of}, "method": "plugin", "pluginConfiguration": {"name": "barman-cloud.cloudnative-pg.io"}},
        "status": {"phase": phase, "method": "plugin", "startedAt": at(-5), "stoppedAt": at(0), "backupId": "20261121T100000",
            "error": if phase == "failed" { json!("exit status 4\n| boom") } else { Value::Null }},
    })
}

fn plugged() -> Value {
    let mut one = cluster("default", "db", 3);
    one["spec"]["plugins"] = json!([
        {"name": "other.example.com"},
        {"name": "barman-cloud.cloudnative-pg.io", "isWALArchiver": true, "parameters": {"barmanObjectName": "s3"}}]);
    one
}

fn event(phase: &str) -> Step {
    Step::Event(
        1_000,
        "MODIFIED",
        json!({"metadata": {"name": "db-20261121120000", "namespace": "default"}, "spec": {"cluster": {"name": "db"}},
        "status": {"phase": phase, "error": "no space left\non device"}}),
    )
}

#[test]
fn backups_come_newest_first_with_the_error_of_those_that_failed() {
    let fake = Fake::new()
        .with("backups", backup("old", "db", "completed", 30))
        .with("backups", backup("new", "db", "failed", 1))
        .with("backups", backup("foreign", "other", "completed", 2));
    let answer = fake.answer("list_backups", json!({"cluster": "db"}));
    let names: Vec<&Value> = answer.structured["backups"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["new", "old"]);
    assert!(
        answer.text.contains("the newest completed one is 30h old") && answer.text.contains("exit status 4 \\| boom"),
        "{}",
        answer.text
    );
    assert_eq!(answer.structured["backups"][1]["duration_seconds"], 300);
    let answer = fake.answer("list_backups", json!({"phase": "unfinished"}));
    assert!(answer.text.contains("No backups that are unfinished") && answer.text.contains("create_backup"));
}

#[test]
fn d22_hundreds_of_backups_come_in_pages_without_a_gap() {
    let fake = (0..400).fold(Fake::new(), |fake, at| fake.with("backups", backup(&format!("b{at:03}"), "db", "completed", at)));
    fake.page.set(250);
    let (mut names, mut arguments) = (Vec::new(), json!({"limit": 500}));
    for _ in 0..50 {
        let answer = fake.answer("list_backups", arguments.clone());
        assert!(answer.structured.to_string().len() <= crate::answer::BUDGET);
        names.extend(answer.structured["backups"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        match answer.structured["next_cursor"].as_str() {
            Some(next) => arguments["cursor"] = json!(next),
            None => break,
        }
    }
    assert_eq!(names, (0..400).map(|at| format!("b{at:03}")).collect::<Vec<_>>());
}

#[test]
fn one_backup_is_told_with_what_a_restore_needs() {
    let mut one = backup("b1", "db", "completed", 1);
    one["status"]["snapshotBackupStatus"] =
        json!({"elements": [{"name": "b1", "type": "PG_DATA"}, {"name": "b1-wal", "type": "PG_WAL"}]});
    one["status"]["s3Credentials"] = json!({"accessKeyId": {"name": "creds", "key": "ID"}});
    let fake = Fake::new().with("backups", one);
    let answer = fake.answer("get_backup", json!({"name": "b1"}));
    assert_eq!((&answer.structured["restorable"], &answer.structured["snapshots"][1]["type"]), (&json!(true), &json!("PG_WAL")));
    assert_eq!(answer.structured["facts"]["backup_id"], "20261121T100000");
    assert!(answer.text.contains("restore_cluster") && !format!("{answer:?}").contains("creds"));
    let missing = fake.answer("get_backup", json!({"name": "nope"}));
    assert!(missing.is_error && missing.structured["next_tools"] == json!(["list_backups"]));
}

#[test]
fn auto_takes_the_plugin_that_archives_the_wal() {
    let fake = Fake::new().with("clusters", plugged());
    let answer = fake.answer("create_backup", json!({"cluster": "db", "target": "primary"}));
    let sent = &fake.made("create")[0];
    assert_eq!(
        sent.body["spec"],
        json!({"cluster": {"name": "db"}, "method": "plugin", "target": "primary", "pluginConfiguration": {"name": "barman-cloud.cloudnative-pg.io"}})
    );
    assert_eq!(sent.body["metadata"]["labels"], json!({"cnpg.io/cluster": "db"}));
    assert_eq!(sent.write.as_ref().unwrap().field_validation.as_deref(), Some("Strict"));
    assert_eq!((&answer.structured["name"], &answer.structured["created"]), (&json!("db-20261121120000"), &json!(true)));
}

#[test]
fn auto_takes_snapshots_before_the_in_tree_way_which_is_told_to_be_deprecated() {
    let mut one = cluster("default", "db", 3);
    one["spec"]["backup"] = json!({"barmanObjectStore": {}});
    let answer = Fake::new().with("clusters", one.clone()).answer("create_backup", json!({"cluster": "db"}));
    assert!(answer.structured["method"] == "barmanObjectStore" && answer.text.contains("gone in CloudNativePG 1.31"));
    one["spec"]["backup"]["volumeSnapshot"] = json!({"className": "csi"});
    let answer = Fake::new().with("clusters", one).answer("create_backup", json!({"cluster": "db", "online": false}));
    assert!(answer.structured["method"] == "volumeSnapshot" && answer.text.contains("cold snapshot"));
}

#[test]
fn a_cluster_without_backups_or_instances_is_refused_before_anything_is_created() {
    let mut asleep = plugged();
    asleep["metadata"]["annotations"] = json!({"cnpg.io/hibernation": "on"});
    for (object, word) in [(cluster("default", "db", 3), "no backups configured"), (asleep, "hibernated")] {
        let fake = Fake::new().with("clusters", object);
        let answer = fake.answer("create_backup", json!({"cluster": "db"}));
        assert!(answer.is_error && answer.text.contains(word) && fake.made("create").is_empty(), "{}", answer.text);
    }
}

#[test]
fn parameters_of_another_method_are_refused_rather_than_ignored() {
    for (extra, named) in [("online", "online"), ("plugin_name", "plugin_name")] {
        let fake = Fake::new().with("clusters", plugged());
        let method = if extra == "online" { "plugin" } else { "volumeSnapshot" };
        let value = if extra == "online" { json!(true) } else { json!("x") };
        let answer = fake.answer("create_backup", json!({"cluster": "db", "method": method, extra: value}));
        assert!(answer.is_error && fake.made("create").is_empty());
        assert_eq!(answer.structured["causes"][0]["parameter"], named);
    }
}

#[test]
fn d1_a_dry_run_of_a_backup_is_the_servers() {
    let fake = Fake::new().with("clusters", plugged());
    let answer = fake.answer("create_backup", json!({"cluster": "db", "dry_run": true, "wait": true}));
    assert!(fake.made("create")[0].dry_run && fake.made("watch").is_empty());
    assert!(answer.structured["created"] == false && answer.text.contains("method: plugin"));
}

#[test]
fn d19_waiting_for_a_backup_reports_each_phase_and_ends_at_failure() {
    let fake = Fake::new().with("clusters", plugged()).watching(vec![event("running"), event("finalizing"), event("completed")]);
    let answer = fake.answer("create_backup", json!({"cluster": "db", "wait": true}));
    assert_eq!((&answer.structured["wait"]["outcome"], &answer.structured["phase"]), (&json!("ready"), &json!("completed")));
    assert_eq!(fake.progress.borrow().len(), 4);
    let fake = Fake::new().with("clusters", plugged()).watching(vec![event("failed")]);
    let answer = fake.answer("create_backup", json!({"cluster": "db", "wait": true}));
    assert!(answer.is_error && answer.structured["reason"] == "BackupFailed" && answer.text.contains("no space left on device"));
}

#[test]
fn two_backups_in_one_second_get_two_names() {
    let fake = Fake::new().with("clusters", plugged());
    let name = || fake.answer("create_backup", json!({"cluster": "db"})).structured["name"].as_str().unwrap().to_owned();
    assert_eq!((name(), name()), ("db-20261121120000".into(), "db-20261121120000-2".into()));
    let answer = fake.answer("create_backup", json!({"cluster": "db", "name": "db-20261121120000"}));
    assert!(answer.is_error && answer.structured["reason"] == "AlreadyExists");
}

#[test]
fn a_webhook_that_refuses_a_backup_names_the_parameter() {
    let fake =
        Fake::new().with("clusters", plugged()).failing("create", "backups", 1, invalid("spec.method", "no VolumeSnapshot CRD"));
    let answer = fake.answer("create_backup", json!({"cluster": "db"}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "method");
}

#[test]
fn d1_only_a_confirmed_call_deletes_a_backup_and_only_the_one_that_was_looked_at() {
    let fake = || Fake::new().with("backups", backup("b1", "db", "completed", 1));
    for arguments in [
        json!({"name": "b1"}),
        json!({"name": "b1", "confirm": true}),
        json!({"name": "b1", "confirm": false, "confirm_name": "b1"}),
        json!({"name": "b1", "confirm_name": "b2"}),
    ] {
        let fake = fake();
        assert!(fake.answer("delete_backup", arguments.clone()).is_error && fake.made("delete").is_empty(), "{arguments}");
    }
    let fake = fake();
    let answer = fake.answer("delete_backup", json!({"name": "b1", "confirm_name": "b1"}));
    let fences = fake.made("delete")[0].delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-b1"), Some("5")));
    assert!(answer.text.contains("only completed backup of cluster `db`") && answer.text.contains("retention policy"));
}

#[test]
fn d20_which_snapshots_go_with_a_backup_is_told_from_their_owners() {
    let snapshot = |name: &str, owner: &str| {
        json!({"metadata": {"name": name, "namespace": "default", "labels": {"cnpg.io/backupName": "b1"},
        "ownerReferences": [{"uid": owner}]}})
    };
    let mut one = backup("b1", "db", "completed", 1);
    one["status"]["method"] = json!("volumeSnapshot");
    let fake = Fake::new()
        .with("backups", one)
        .with("volumesnapshots", snapshot("mine", "uid-b1"))
        .with("volumesnapshots", snapshot("theirs", "uid-db"));
    let answer = fake.answer("delete_backup", json!({"name": "b1", "dry_run": true}));
    assert_eq!(answer.structured["snapshots_deleted"], json!(["mine"]));
    assert_eq!(answer.structured["snapshots_kept"], json!(["theirs"]));
    assert!(fake.made("delete").iter().all(|request| request.dry_run) && answer.text.contains("would be deleted with it: mine"));
}

#[test]
fn a_backup_whose_status_was_written_meanwhile_is_deleted_at_its_new_version() {
    let fake = Fake::new().with("backups", backup("b1", "db", "completed", 1));
    let mut newer = backup("b1", "db", "completed", 1);
    newer["metadata"]["resourceVersion"] = json!("6");
    *fake.meanwhile.borrow_mut() = Some(newer);
    assert!(!fake.answer("delete_backup", json!({"name": "b1", "confirm_name": "b1"})).is_error);
    let fake = Fake::new().with("backups", backup("b1", "db", "completed", 1));
    let mut another = backup("b1", "db", "completed", 1);
    another["metadata"]["uid"] = json!("uid-2");
    *fake.meanwhile.borrow_mut() = Some(another);
    let answer = fake.answer("delete_backup", json!({"name": "b1", "confirm_name": "b1"}));
    assert!(answer.is_error && answer.structured["reason"] == "Replaced" && fake.made("delete").len() == 1);
}

#[test]
fn snapshots_that_may_not_be_listed_do_not_stop_the_deletion_but_are_told() {
    let mut one = backup("b1", "db", "failed", 1);
    one["status"]["method"] = json!("volumeSnapshot");
    let refused = status(403, "Forbidden", "User \"x\" cannot list resource \"volumesnapshots\"");
    let fake = Fake::new().with("backups", one).failing("list", "volumesnapshots", 1, refused);
    let answer = fake.answer("delete_backup", json!({"name": "b1", "confirm_name": "b1"}));
    assert!(!answer.is_error && answer.text.contains("could not be looked at (Forbidden)"));
}

#[test]
fn a_backup_that_a_gitops_tool_would_make_anew_is_not_deleted() {
    let sign = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}});
    let fake = Fake::new().with("backups", crate::json::merged(&backup("b1", "db", "completed", 2), &sign));
    let answer = fake.answer("delete_backup", json!({"name": "b1", "confirm_name": "b1"}));
    assert!(answer.structured["reason"] == "GitOpsManaged" && fake.made("delete").is_empty(), "{}", answer.text);
    fake.settings.borrow_mut().gitops = crate::settings::Gitops::Warn;
    let answer = fake.answer("delete_backup", json!({"name": "b1", "confirm_name": "b1"}));
    assert!(answer.structured["notes"].to_string().contains("Flux") && fake.made("delete").len() == 1, "{}", answer.text);
}
