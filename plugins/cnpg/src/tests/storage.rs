//! resize_postgres_cluster and get_cluster_resize_status.

use serde_json::{Value, json};

use crate::fake::{Fake, cluster, status};

const TOOL: &str = "resize_postgres_cluster";
const STATUS: &str = "get_cluster_resize_status";

fn claim(name: &str, requested: &str, capacity: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"),
            "labels": {"cnpg.io/cluster": "db", "cnpg.io/instanceName": name.trim_end_matches("-wal"),
                "cnpg.io/pvcRole": if name.ends_with("-wal") { "PG_WAL" } else { "PG_DATA" }},
            "ownerReferences": [{"uid": "uid-db"}]},
        "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": requested}}},
        "status": {"phase": "Bound", "capacity": {"storage": capacity}}})
}

fn class(expands: bool) -> Value {
    json!({"metadata": {"name": "fast"}, "allowVolumeExpansion": expands})
}

fn furnished(change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 2);
    change(&mut one);
    Fake::new().with("clusters", one).with("persistentvolumeclaims", claim("db-1", "10Gi", "10Gi"))
}

fn growable() -> Fake {
    furnished(|_| ()).with("storageclasses", class(true))
}

#[test]
fn volumes_grow_by_a_patch_of_the_size_alone() {
    let fake = growable();
    let answer = fake.answer(TOOL, json!({"name": "db", "storage_size": "20Gi"}));
    assert_eq!(fake.made("patch")[0].body, json!({"metadata": {"resourceVersion": "10"}, "spec": {"storage": {"size": "20Gi"}}}));
    assert_eq!((&answer.structured["previous_size"], &answer.structured["storage_size"]), (&json!("10Gi"), &json!("20Gi")));
    assert!(answer.text.contains("cannot shrink again"));
}

#[test]
fn d7_a_shrink_is_refused_with_the_safe_way_and_validation_is_never_touched() {
    for arguments in [
        json!({"name": "db", "storage_size": "5Gi"}),
        json!({"name": "db", "storage_size": "5Gi", "confirm_shrink": true, "extra_instances": 2}),
        json!({"name": "db", "storage_size": "5Gi", "confirm_shrink": true, "dry_run": true}),
    ] {
        let fake = growable();
        let answer = fake.answer(TOOL, arguments);
        assert_eq!(answer.structured["reason"], "ShrinkRefused");
        assert!(answer.text.contains("create_postgres_cluster") && answer.text.contains("subscription"), "{}", answer.text);
        assert!(fake.made("patch").is_empty());
    }
    let fake = growable();
    fake.answer(TOOL, json!({"name": "db", "storage_size": "20Gi"}));
    assert!(!fake.made("patch")[0].body.to_string().contains("validation"));
}

#[test]
fn d7_what_the_reference_left_behind_can_be_taken_off() {
    let fake = furnished(|one| one["metadata"]["annotations"] = json!({"cnpg.io/validation": "disabled"}));
    let answer = fake.answer(TOOL, json!({"name": "db", "restore_validation_only": true}));
    let metadata = json!({"resourceVersion": "10", "annotations": {"cnpg.io/validation": null}});
    assert_eq!(fake.made("patch")[0].body, json!({"metadata": metadata}));
    assert_eq!(answer.structured["validation_disabled"], false);
    let again = fake.answer(TOOL, json!({"name": "db", "restore_validation_only": true}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 1);
}

#[test]
fn the_same_size_in_other_words_changes_nothing() {
    let fake = growable();
    let answer = fake.answer(TOOL, json!({"name": "db", "storage_size": "10240Mi"}));
    assert!(!answer.is_error && answer.structured["changed"] == false && fake.made("patch").is_empty());
}

#[test]
fn a_class_that_cannot_grow_is_told_before_anything_is_changed() {
    let fake = furnished(|_| ()).with("storageclasses", class(false));
    let answer = fake.answer(TOOL, json!({"name": "db", "storage_size": "20Gi"}));
    assert_eq!(answer.structured["reason"], "VolumesCannotGrow");
    assert!(answer.text.contains("allowVolumeExpansion") && fake.made("patch").is_empty());
    let rebuilt =
        furnished(|one| one["spec"]["storage"]["resizeInUseVolumes"] = json!(false)).with("storageclasses", class(false));
    let answer = rebuilt.answer(TOOL, json!({"name": "db", "storage_size": "20Gi"}));
    assert!(!answer.is_error && answer.text.contains("delete_cluster_instance"), "{}", answer.text);
}

#[test]
fn a_class_that_may_not_be_read_is_told_and_not_guessed() {
    let fake = growable().failing("get", "storageclasses", 1, status(403, "Forbidden", "User \"x\" cannot get resource"));
    let answer = fake.answer(TOOL, json!({"name": "db", "storage_size": "20Gi"}));
    assert!(!answer.is_error && answer.text.contains("not known: StorageClass `fast`"), "{}", answer.text);
}

#[test]
fn a_size_is_needed_and_must_be_one() {
    let fake = growable();
    assert!(fake.answer(TOOL, json!({"name": "db"})).text.contains("no size is given"));
    for bad in ["0", "1.2.3Gi", "0Gi"] {
        let answer = fake.answer(TOOL, json!({"name": "db", "storage_size": bad}));
        assert!(answer.is_error && fake.made("patch").is_empty(), "{bad}");
    }
}

fn grown() -> Fake {
    let mut one = cluster("default", "db", 3);
    one["spec"]["storage"]["size"] = json!("20Gi");
    one["spec"]["walStorage"] = json!({"size": "5Gi"});
    Fake::new().with("clusters", one)
}

#[test]
fn the_status_tells_who_is_done_who_grows_and_what_comes_next() {
    let fake = grown()
        .with("persistentvolumeclaims", claim("db-1", "20Gi", "20Gi"))
        .with("persistentvolumeclaims", claim("db-1-wal", "5Gi", "5Gi"))
        .with("persistentvolumeclaims", claim("db-2", "20Gi", "10Gi"))
        .with("persistentvolumeclaims", claim("db-3", "10Gi", "10Gi"));
    let answer = fake.answer(STATUS, json!({"name": "db"}));
    let structured = &answer.structured;
    assert_eq!(structured["instances_at_desired_size"], json!(["db-1"]));
    assert_eq!(structured["instances_at_previous_size"], json!(["db-2", "db-3"]));
    assert_eq!((&structured["expanding"], &structured["resize_complete"]), (&json!(["db-2"]), &json!(false)));
    assert!(structured["next_step"].as_str().unwrap().contains("Wait"), "{}", answer.text);
}

#[test]
fn the_next_step_follows_from_what_is_left() {
    let step = |claims: Vec<Value>| {
        let fake = claims.into_iter().fold(grown(), |fake, one| fake.with("persistentvolumeclaims", one));
        fake.answer(STATUS, json!({"name": "db"})).structured["next_step"].as_str().unwrap().to_owned()
    };
    let done = || claim("db-1", "20Gi", "20Gi");
    assert!(step(vec![done(), claim("db-3", "10Gi", "10Gi")]).contains("`delete_cluster_instance` with `instance: \"db-3\"`"));
    assert!(step(vec![claim("db-1", "10Gi", "10Gi"), claim("db-2", "20Gi", "20Gi")]).contains("promote_cluster_instance"));
    let mut pending = claim("db-2", "20Gi", "10Gi");
    pending["status"]["conditions"] = json!([{"type": "FileSystemResizePending", "status": "True"}]);
    assert!(step(vec![done(), pending]).contains("`restart_instance` with `instance: \"db-2\"`"));
    assert!(step(vec![done()]).starts_with("Nothing"));
    assert!(step(vec![]).contains("No volume claims"));
}

#[test]
fn many_volumes_fit_into_an_answer_and_those_not_done_come_first() {
    let mut fake = grown();
    for number in 1..200 {
        let capacity = if number == 150 { "10Gi" } else { "20Gi" };
        fake = fake.with("persistentvolumeclaims", claim(&format!("db-{number}"), "20Gi", capacity));
    }
    let answer = fake.answer(STATUS, json!({"name": "db"}));
    assert_eq!(answer.structured["volumes"][0]["name"], "db-150");
    assert_eq!(answer.structured["volumes_left_out"], 139);
    assert!(answer.structured.to_string().len() < crate::answer::BUDGET);
}
