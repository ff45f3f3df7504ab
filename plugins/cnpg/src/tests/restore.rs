//! restore_cluster.

use serde_json::{Value, json};

use super::backups::backup;
use crate::fake::{Fake, cluster, invalid};

const TOOL: &str = "restore_cluster";
const PLUGIN: &str = "barman-cloud.cloudnative-pg.io";

fn source() -> Value {
    let mut one = cluster("default", "db", 3);
    one["spec"]["plugins"] =
        json!([{"name": PLUGIN, "isWALArchiver": true, "parameters": {"barmanObjectName": "s3", "serverName": "db-v2"}}]);
    one["spec"]["imageName"] = json!("registry/postgresql:17.5");
    one["spec"]["postgresql"] = json!({"parameters": {"max_connections": "300"}, "synchronous": {"number": 1}});
    one["spec"]["bootstrap"] = json!({"initdb": {"database": "shop", "owner": "shopper"}});
    one
}

fn store() -> Value {
    json!({"metadata": {"name": "s3", "namespace": "default"},
        "status": {"serverRecoveryWindow": {"db-v2": {"firstRecoverabilityPoint": "2026-11-20T00:00:00Z"}}}})
}

fn fake() -> Fake {
    Fake::new().with("clusters", source()).with("objectstores", store()).with("backups", backup("b1", "db", "completed", 2))
}

fn sent(fake: &Fake) -> Value {
    fake.made("create")[0].body["spec"].clone()
}

fn snapshotted() -> Value {
    let mut one = backup("snap", "bare", "completed", 2);
    one["status"]["method"] = json!("volumeSnapshot");
    one["status"]["snapshotBackupStatus"] = json!({"elements": [{"name": "s-data", "type": "PG_DATA"}, {"name": "s-wal", "type": "PG_WAL"},
        {"name": "s-fast", "type": "PG_TABLESPACE", "tablespaceName": "fast"}]});
    one
}

#[test]
fn a_backup_of_the_plugin_is_restored_through_its_archive_with_exactly_that_base() {
    let fake = fake();
    let answer = fake.answer(TOOL, json!({"new_name": "db2", "backup": "b1"}));
    let spec = sent(&fake);
    assert_eq!(
        spec["bootstrap"],
        json!({"recovery": {"source": "origin", "recoveryTarget": {"backupID": "20261121T100000"}, "database": "shop", "owner": "shopper"}})
    );
    assert_eq!(
        spec["externalClusters"],
        json!([{"name": "origin", "plugin": {"name": PLUGIN, "parameters": {"barmanObjectName": "s3", "serverName": "db-v2"}}}])
    );
    assert_eq!(
        (&spec["imageName"], &spec["instances"], &spec["storage"]["size"]),
        (&json!("registry/postgresql:17.5"), &json!(3), &json!("10Gi"))
    );
    assert_eq!(spec["postgresql"], json!({"parameters": {"max_connections": "300"}}));
    assert!(spec.get("plugins").is_none() && answer.text.contains("no backups of its own") && answer.text.contains("no target"));
}

#[test]
fn d21_neither_the_in_tree_way_nor_an_image_is_made_up() {
    let mut old = backup("old", "gone", "completed", 2);
    old["status"]["method"] = json!("barmanObjectStore");
    old["spec"]["method"] = json!("barmanObjectStore");
    let fake = || Fake::new().with("backups", old.clone()).with("objectstores", store());
    let asked = json!({"new_name": "db2", "backup": "old", "storage_size": "5Gi"});
    let with = |key: &str, value: Value| {
        let mut all = asked.clone();
        all[key] = value;
        all
    };
    let refused = fake().answer(TOOL, asked.clone());
    assert!(refused.is_error && refused.structured["causes"][0]["parameter"] == "object_store" && refused.text.contains("1.31"));
    let allowed = fake();
    let answer = allowed.answer(TOOL, with("allow_in_tree", json!(true)));
    assert_eq!(sent(&allowed)["bootstrap"]["recovery"]["backup"], json!({"name": "old"}));
    assert!(
        answer.text.contains("deprecated") && sent(&allowed).get("imageName").is_none() && answer.text.contains("default image")
    );
    let plugin = fake();
    let mut arguments = with("object_store", json!("s3"));
    arguments["server_name"] = json!("db-v2");
    plugin.answer(TOOL, arguments);
    assert_eq!(sent(&plugin)["bootstrap"]["recovery"]["source"], "origin");
}

#[test]
fn snapshots_of_a_backup_are_named_volume_by_volume() {
    let fake = Fake::new().with("clusters", cluster("default", "bare", 1)).with("backups", snapshotted());
    fake.answer(TOOL, json!({"new_name": "db2", "cluster": "bare"}));
    let volumes = &sent(&fake)["bootstrap"]["recovery"]["volumeSnapshots"];
    assert_eq!((&volumes["storage"]["name"], &volumes["walStorage"]["name"]), (&json!("s-data"), &json!("s-wal")));
    assert_eq!(volumes["tablespaceStorage"]["fast"]["kind"], "VolumeSnapshot");
    let late = fake.answer(TOOL, json!({"new_name": "db3", "backup": "snap", "target_time": "2026-11-21T11:00:00Z"}));
    assert!(late.is_error && late.structured["causes"][0]["parameter"] == "object_store");
    fake.answer(TOOL, json!({"new_name": "db4", "snapshot": "mine", "wal_snapshot": "mine-wal", "storage_size": "1Gi"}));
    assert_eq!(fake.made("create")[1].body["spec"]["bootstrap"]["recovery"]["volumeSnapshots"]["walStorage"]["name"], "mine-wal");
}

#[test]
fn the_new_cluster_never_archives_into_the_folder_it_is_restored_from() {
    let fake = || Fake::new().with("objectstores", json!({"metadata": {"name": "s3", "namespace": "default"}}));
    let asked = json!({"new_name": "db", "object_store": "s3", "server_name": "db", "storage_size": "1Gi", "archive_to": "s3"});
    let ours = fake();
    ours.answer(TOOL, asked.clone());
    let plugin = &sent(&ours)["plugins"][0];
    assert_eq!((&plugin["isWALArchiver"], &plugin["parameters"]["serverName"]), (&json!(true), &json!("db-20261121120000")));
    let theirs = fake();
    let mut insisting = asked;
    insisting["archive_server_name"] = json!("db");
    let answer = theirs.answer(TOOL, insisting);
    assert!(answer.is_error && theirs.made("create").is_empty() && answer.text.contains("restored from"));
}

#[test]
fn a_target_is_one_and_within_what_can_be_recovered() {
    for (arguments, named) in [
        (json!({"cluster": "db", "target_time": "2026-11-19T00:00:00Z"}), "target_time"),
        (json!({"cluster": "db", "target_time": "2026-11-22T00:00:00Z"}), "target_time"),
        (json!({"cluster": "db", "target_time": "2026-11-21 10:00:00"}), "target_time"),
        (json!({"cluster": "db", "target_time": "yesterday"}), "target_time"),
        (json!({"backup": "b1", "target_time": "2026-11-21T09:00:00Z"}), "target_time"),
        (json!({"cluster": "db", "target_lsn": "0/1", "target_immediate": true}), "target_immediate"),
        (json!({"cluster": "db", "exclusive": true}), "exclusive"),
        (json!({"object_store": "s3", "storage_size": "1Gi"}), "server_name"),
        (json!({"object_store": "s3", "server_name": "nobody", "storage_size": "1Gi"}), "server_name"),
        (json!({"object_store": "none", "server_name": "x", "storage_size": "1Gi"}), "object_store"),
        (json!({"object_store": "s3", "server_name": "db-v2"}), "storage_size"),
        (json!({"backup": "b1", "cluster": "db"}), "backup"),
        (json!({}), "backup"),
        (json!({"cluster": "db", "archive_server_name": "x"}), "archive_server_name"),
        (json!({"cluster": "db", "instances": 99}), "instances"),
    ] {
        let fake = fake();
        let mut all = arguments.clone();
        all["new_name"] = json!("db2");
        let answer = fake.answer(TOOL, all);
        assert!(answer.is_error && fake.made("create").is_empty(), "{arguments}");
        assert_eq!(answer.structured["causes"][0]["parameter"], named, "{arguments}: {}", answer.text);
    }
    let fake = fake();
    fake.answer(TOOL, json!({"new_name": "db2", "cluster": "db", "target_time": "2026-11-21T10:30:00+00:00", "exclusive": true}));
    assert_eq!(
        sent(&fake)["bootstrap"]["recovery"]["recoveryTarget"],
        json!({"targetTime": "2026-11-21T10:30:00+00:00", "exclusive": true})
    );
}

#[test]
fn a_backup_that_failed_or_whose_archive_is_unknown_is_refused() {
    let fake =
        Fake::new().with("backups", backup("bad", "db", "failed", 1)).with("backups", backup("orphan", "gone", "completed", 1));
    let answer = fake.answer(TOOL, json!({"new_name": "db2", "backup": "bad"}));
    assert!(answer.is_error && answer.text.contains("not completed"));
    let answer = fake.answer(TOOL, json!({"new_name": "db2", "backup": "orphan", "storage_size": "1Gi"}));
    assert!(answer.is_error && answer.structured["causes"][0]["parameter"] == "object_store");
}

#[test]
fn d1_a_dry_run_of_a_restore_is_the_servers_and_a_refusal_creates_nothing() {
    let dry = fake();
    let answer = dry.answer(TOOL, json!({"new_name": "db2", "cluster": "db", "dry_run": true, "wait": true}));
    assert!(dry.made("create")[0].dry_run && answer.structured["created"] == false && answer.text.contains("recovery:"));
    assert!(dry.made("watch").is_empty());
    let refusing = fake().failing("create", "clusters", 1, invalid("spec.storage.size", "too small"));
    let answer = refusing.answer(TOOL, json!({"new_name": "db2", "cluster": "db"}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "storage_size");
    let existing = fake().answer(TOOL, json!({"new_name": "db", "cluster": "db"}));
    assert!(existing.is_error && existing.structured["reason"] == "AlreadyExists");
}

#[test]
fn the_application_of_a_cluster_that_was_itself_recovered_or_copied_is_kept() {
    let cases = [
        (json!({"recovery": {"source": "old", "database": "shop", "owner": "shopper"}}), json!(["shop", "shopper"])),
        (json!({"pg_basebackup": {"source": "old", "database": "shop", "owner": "shopper"}}), json!(["shop", "shopper"])),
        (json!({"initdb": {"database": "shop"}}), json!(["shop", "shop"])),
        (json!({"recovery": {"source": "old"}}), json!([null, null])),
    ];
    for (bootstrap, wanted) in cases {
        let mut one = source();
        one["spec"]["bootstrap"] = bootstrap.clone();
        let fake =
            Fake::new().with("clusters", one).with("objectstores", store()).with("backups", backup("b1", "db", "completed", 2));
        let answer = fake.answer(TOOL, json!({"new_name": "db2", "backup": "b1"}));
        let recovery = &sent(&fake)["bootstrap"]["recovery"];
        assert_eq!(json!([recovery["database"], recovery["owner"]]), wanted, "{bootstrap}: {}", answer.text);
    }
}
