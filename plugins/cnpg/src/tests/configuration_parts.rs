//! set_backup_config, set_tablespace and set_managed_service.

use serde_json::{Value, json};

use crate::fake::{Fake, Step, cluster, status};

fn with(change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 3);
    change(&mut one);
    Fake::new().with("clusters", one)
}

const BACKUPS: &str = "set_backup_config";
const PLUGIN: &str = "barman-cloud.cloudnative-pg.io";

fn store(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "uid": "uid-store"}})
}

fn archiving(store: &str) -> Value {
    json!([{"name": "other.example.com"}, {"name": PLUGIN, "isWALArchiver": true, "parameters": {"barmanObjectName": store}}])
}

#[test]
fn an_archive_is_added_beside_other_plugins_under_the_version_that_was_read() {
    let fake = with(|one| one["spec"]["plugins"] = json!([{"name": "other.example.com"}])).with("objectstores", store("s3"));
    let answer = fake.answer(BACKUPS, json!({"name": "db", "object_store": "s3", "target": "primary"}));
    let body = &fake.made("patch")[0].body;
    assert_eq!((&body["spec"]["plugins"], &body["metadata"]["resourceVersion"]), (&archiving("s3"), &json!("10")));
    assert_eq!(body["spec"]["backup"], json!({"target": "primary"}));
    assert_eq!(answer.structured["archive"], json!({"object_store": "s3", "server_name": "db"}));
    assert!(answer.text.contains("must be empty") && answer.text.contains("restarted one after the other"), "{}", answer.text);
    let again = fake.answer(BACKUPS, json!({"name": "db", "object_store": "s3"}));
    assert!(again.structured["changed"] == false, "{}", again.text);
}

#[test]
fn an_archive_that_cannot_work_is_refused() {
    let answer = with(|_| ()).answer(BACKUPS, json!({"name": "db", "object_store": "s3"}));
    assert_eq!(answer.structured["reason"], "NoObjectStore");
    let fake = with(|_| ()).failing("get", "objectstores", 1, status(403, "Forbidden", "User \"x\" cannot get resource"));
    let answer = fake.answer(BACKUPS, json!({"name": "db", "object_store": "s3"}));
    assert!(!answer.is_error && answer.text.contains("is not known"), "{}", answer.text);
    let source = json!([{"name": "old", "plugin": {"parameters": {"barmanObjectName": "s3", "serverName": "db"}}}]);
    let fake = with(|one| one["spec"]["externalClusters"] = source.clone()).with("objectstores", store("s3"));
    let answer = fake.answer(BACKUPS, json!({"name": "db", "object_store": "s3"}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "server_name");
    assert!(fake.made("patch").is_empty());
}

#[test]
fn leaving_an_archive_needs_consent_and_snapshots_do_not() {
    let archived = || with(|one| one["spec"]["plugins"] = archiving("s3")).with("objectstores", store("new"));
    for arguments in [json!({"object_store": "new"}), json!({"server_name": "db2"}), json!({"unset": ["object_store"]})] {
        let fake = archived();
        let mut arguments = arguments;
        arguments["name"] = json!("db");
        let fake = fake.with("objectstores", store("s3"));
        let answer = fake.answer(BACKUPS, arguments.clone());
        assert_eq!(answer.structured["reason"], "ConfirmationRequired", "{arguments}");
        assert!(answer.text.contains("Point-in-time recovery") && fake.made("patch").is_empty());
        arguments["confirm_name"] = json!("db");
        assert_eq!(fake.answer(BACKUPS, arguments).structured["confirmed_by"], "confirm_name");
    }
    let fake = archived();
    fake.answer(BACKUPS, json!({"name": "db", "volume_snapshot_class": "fast", "snapshot_owner": "backup"}));
    let snapshots = json!({"className": "fast", "snapshotOwnerReference": "backup"});
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"backup": {"volumeSnapshot": snapshots}}));
    let answer = fake.answer(BACKUPS, json!({"name": "db", "unset": ["volume_snapshot"]}));
    assert!(answer.text.contains("snapshots that exist stay"), "{}", answer.text);
    assert_eq!(fake.made("patch")[1].body["spec"], json!({"backup": {"volumeSnapshot": null}}));
}

#[test]
fn in_tree_barman_is_taken_away_when_the_plugin_takes_over() {
    let old = json!({"barmanObjectStore": {"destinationPath": "s3://old"}, "retentionPolicy": "30d"});
    let fake = with(|one| one["spec"]["backup"] = old.clone()).with("objectstores", store("s3"));
    let refused = fake.answer(BACKUPS, json!({"name": "db", "object_store": "s3"}));
    assert!(refused.structured["reason"] == "ConfirmationRequired" && refused.text.contains("s3://old"), "{}", refused.text);
    fake.answer(BACKUPS, json!({"name": "db", "object_store": "s3", "confirm_name": "db"}));
    assert_eq!(fake.made("patch")[0].body["spec"]["backup"], json!({"barmanObjectStore": null, "retentionPolicy": null}));
}

#[test]
fn nothing_contradictory_or_empty_is_taken() {
    for arguments in [
        json!({"name": "db"}),
        json!({"name": "db", "unset": ["object_store"], "object_store": "s3"}),
        json!({"name": "db", "unset": ["volume_snapshot"], "snapshot_online": true}),
        json!({"name": "db", "server_name": "x"}),
        json!({"name": "db", "snapshot_online": true}),
    ] {
        let fake = with(|_| ());
        assert!(fake.answer(BACKUPS, arguments.clone()).is_error && fake.made("patch").is_empty(), "{arguments}");
    }
}

const TABLESPACE: &str = "set_tablespace";

fn spaced() -> Fake {
    let entry = json!({"name": "archive", "storage": {"size": "5Gi", "storageClass": "slow"}, "owner": {"name": "app"}});
    with(|one| one["spec"]["tablespaces"] = json!([{"name": "fast", "storage": {"size": "1Gi"}}, entry]))
}

#[test]
fn a_tablespace_is_appended_by_a_patch_that_tests_the_version() {
    let fake = spaced();
    let answer = fake.answer(TABLESPACE, json!({"name": "db", "tablespace": "temp", "size": "2Gi", "temporary": true}));
    let entry = json!({"name": "temp", "storage": {"size": "2Gi"}, "temporary": true});
    let test = json!({"op": "test", "path": "/metadata/resourceVersion", "value": "10"});
    assert_eq!(fake.made("patch")[0].body, json!([test, {"op": "add", "path": "/spec/tablespaces/-", "value": entry}]));
    assert!(answer.structured["created"] == true && answer.text.contains("cannot be taken away"), "{}", answer.text);
}

#[test]
fn a_tablespace_grows_and_keeps_what_was_not_named() {
    let fake = spaced();
    fake.answer(TABLESPACE, json!({"name": "db", "tablespace": "archive", "size": "8Gi"}));
    let entry = json!({"name": "archive", "storage": {"size": "8Gi", "storageClass": "slow"}, "owner": {"name": "app"}});
    let stored = fake.stored("clusters", "db").unwrap();
    assert_eq!(stored["spec"]["tablespaces"], json!([{"name": "fast", "storage": {"size": "1Gi"}}, entry]));
    let same = fake.answer(TABLESPACE, json!({"name": "db", "tablespace": "archive", "owner": "app"}));
    assert!(same.structured["changed"] == false && fake.made("patch").len() == 1);
}

#[test]
fn what_a_tablespace_cannot_become_is_told_by_parameter() {
    for (arguments, parameter) in [
        (json!({"tablespace": "archive", "size": "1Gi"}), "size"),
        (json!({"tablespace": "archive", "storage_class": "fast"}), "storage_class"),
        (json!({"tablespace": "new"}), "size"),
        (json!({"tablespace": "new", "size": "banana"}), "size"),
        (json!({"tablespace": "pg_new", "size": "1Gi"}), "tablespace"),
        (json!({"tablespace": "Archive", "size": "1Gi"}), "tablespace"),
    ] {
        let fake = spaced();
        let mut arguments = arguments;
        arguments["name"] = json!("db");
        let answer = fake.answer(TABLESPACE, arguments.clone());
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{arguments}");
        assert!(fake.made("patch").is_empty());
    }
}

#[test]
fn two_writers_of_one_list_lose_nothing_and_the_second_learns_of_the_first() {
    let fake = spaced();
    let mut changed = fake.stored("clusters", "db").unwrap();
    changed["metadata"]["resourceVersion"] = json!("11");
    changed["spec"]["tablespaces"] = json!([{"name": "theirs", "storage": {"size": "1Gi"}}]);
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer(TABLESPACE, json!({"name": "db", "tablespace": "ours", "size": "1Gi"}));
    let names: Vec<Value> = fake.stored("clusters", "db").unwrap()["spec"]["tablespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, [json!("theirs"), json!("ours")]);
    assert!(answer.structured["notes"].to_string().contains("theirs"), "{}", answer.text);
}

#[test]
fn waiting_for_a_tablespace_ends_when_the_operator_says_so() {
    let state = |state: Value| {
        let mut one = cluster("default", "db", 3);
        one["status"]["tablespacesStatus"] = json!([state]);
        one
    };
    let run = |last: Value| {
        let fake = with(|_| ()).watching(vec![
            Step::Event(1_000, "MODIFIED", state(json!({"name": "fast", "state": "pending"}))),
            Step::Event(2_000, "MODIFIED", state(last)),
        ]);
        fake.answer(TABLESPACE, json!({"name": "db", "tablespace": "fast", "size": "1Gi", "wait": true}))
    };
    let answer = run(json!({"name": "fast", "state": "reconciled"}));
    assert_eq!((&answer.structured["wait"]["outcome"], &answer.structured["state"]), (&json!("ready"), &json!("reconciled")));
    let answer = run(json!({"name": "fast", "state": "pending", "error": "no space left"}));
    assert!(answer.structured["wait"]["outcome"] == "failed" && answer.text.contains("no space left"), "{}", answer.text);
}

const SERVICE: &str = "set_managed_service";

fn served() -> Fake {
    let template = json!({"metadata": {"name": "shop", "annotations": {"a": "1", "b": "2"}}, "spec": {"type": "LoadBalancer"}});
    let one_service = json!({"selectorType": "rw", "serviceTemplate": template, "updateStrategy": "patch"});
    with(|one| one["spec"]["managed"] = json!({"roles": [{"name": "app"}], "services": {"additional": [one_service]}}))
}

#[test]
fn a_service_is_made_with_all_that_is_above_it() {
    let fake = with(|one| one["spec"]["managed"] = json!({"roles": [{"name": "app"}]}));
    let arguments = json!({"name": "db", "service": "shop", "type": "ro", "service_type": "LoadBalancer", "labels": {"a": "1"}});
    let answer = fake.answer(SERVICE, arguments);
    let template = json!({"metadata": {"name": "shop", "labels": {"a": "1"}}, "spec": {"type": "LoadBalancer"}});
    let services = json!({"additional": [{"selectorType": "ro", "serviceTemplate": template}]});
    assert_eq!(fake.made("patch")[0].body[1], json!({"op": "add", "path": "/spec/managed/services", "value": services}));
    assert!(answer.structured["created"] == true && answer.text.contains("from everywhere"), "{}", answer.text);
}

#[test]
fn a_service_keeps_what_was_not_named() {
    let fake = served();
    let arguments =
        json!({"name": "db", "service": "shop", "annotations": {"a": null, "c": "3"}, "source_ranges": ["10.0.0.0/8"]});
    assert!(!fake.answer(SERVICE, arguments).is_error);
    let stored = fake.stored("clusters", "db").unwrap()["spec"]["managed"]["services"]["additional"][0].clone();
    assert_eq!(stored["serviceTemplate"]["metadata"]["annotations"], json!({"b": "2", "c": "3"}));
    let spec = json!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]});
    assert_eq!((&stored["serviceTemplate"]["spec"], &stored["selectorType"]), (&spec, &json!("rw")));
}

#[test]
fn taking_a_service_from_its_clients_needs_consent() {
    for change in [json!({"ensure": "absent"}), json!({"type": "ro"})] {
        let fake = served();
        let mut arguments = change;
        arguments["name"] = json!("db");
        arguments["service"] = json!("shop");
        let refused = fake.answer(SERVICE, arguments.clone());
        assert!(refused.structured["reason"] == "ConfirmationRequired" && fake.made("patch").is_empty(), "{}", refused.text);
        arguments["confirm_name"] = json!("shop");
        let answer = fake.answer(SERVICE, arguments.clone());
        assert_eq!(answer.structured["removed"], arguments["ensure"] == "absent");
        assert_eq!(fake.made("patch")[0].body[1]["op"], "test", "the very entry is tested");
    }
    let answer = with(|_| ()).answer(SERVICE, json!({"name": "db", "service": "shop", "ensure": "absent"}));
    assert!(!answer.is_error && answer.structured["changed"] == false);
}

#[test]
fn services_of_cloudnativepg_itself_are_left_alone() {
    for (service, parameter) in [("db-rw", "service"), ("new", "type")] {
        let answer = served().answer(SERVICE, json!({"name": "db", "service": service}));
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{}", answer.text);
    }
}

#[test]
fn a_plan_of_a_new_tablespace_tells_that_instances_restart() {
    let fake = spaced();
    fake.settings.borrow_mut().profile = crate::profile::Profile::Admin;
    let arguments = json!({"name": "db", "tablespace": "new", "size": "1Gi"});
    let plan = fake.answer("plan_change", json!({"tool": TABLESPACE, "arguments": arguments}));
    assert_eq!((&plan.structured["radius"]["restart"], &plan.structured["radius"]["downtime"]), (&json!(true), &json!(false)));
    let apply = json!({"tool": TABLESPACE, "arguments": arguments, "plan_id": plan.structured["plan_id"], "confirm_name": "db"});
    let done = fake.answer("apply_plan", apply);
    assert!(!done.is_error && done.structured["created"] == true, "{}", done.text);
}
