//! Writing: create, update, patch, apply, delete, and everything that refuses.

use std::sync::Arc;

use serde_json::{Value, json};

use super::server::{APPLY, JSON_PATCH, MERGE, Server, cluster, expect, refused};

/// The fields of the causes, each once: a real server names a field that scale reads a second time, with a leading dot.
fn fields(status: &Value) -> Vec<&str> {
    let causes = status["details"]["causes"].as_array().unwrap().iter();
    let mut fields: Vec<&str> =
        causes.filter_map(|cause| cause["field"].as_str()).map(|field| field.trim_start_matches('.')).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

pub(crate) async fn a_new_object_is_stamped_and_defaulted(server: Arc<Server>) {
    let created = server.cluster("db").await;
    let meta = &created["metadata"];
    assert_eq!(
        (meta["name"].as_str(), meta["namespace"].as_str(), meta["generation"].as_u64()),
        (Some("db"), Some(server.namespace.as_str()), Some(1))
    );
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(!meta[field].as_str().unwrap().is_empty(), "{field}");
    }
    assert_eq!(created["spec"]["logLevel"], "info");
    assert_eq!(meta["managedFields"][0]["operation"], "Update");
    assert_eq!(expect(200, &server.get(&server.cnpg("clusters/db")).await), created);
}

pub(crate) async fn a_second_create_already_exists(server: Arc<Server>) {
    server.cluster("db").await;
    let status = refused(409, "AlreadyExists", &server.post(&server.cnpg("clusters"), &cluster("db")).await);
    assert_eq!(status["message"], r#"clusters.postgresql.cnpg.io "db" already exists"#);
}

pub(crate) async fn causes_name_the_fields_of_an_invalid_object(server: Arc<Server>) {
    let mut wrong = cluster("db");
    wrong["spec"]["instances"] = json!("three");
    wrong["spec"]["logLevel"] = json!("loud");
    let status = refused(422, "Invalid", &server.post(&server.cnpg("clusters"), &wrong).await);
    assert_eq!(fields(&status), ["spec.instances", "spec.logLevel"]);
    let role =
        json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "DatabaseRole", "metadata": {"name": "r"}, "spec": {"name": "r"}});
    let status = refused(422, "Invalid", &server.post(&server.cnpg("databaseroles"), &role).await);
    assert_eq!(fields(&status), ["spec.cluster"]);
}

pub(crate) async fn a_body_that_is_no_such_object_is_refused(server: Arc<Server>) {
    let path = server.cnpg("clusters");
    assert_eq!(server.post(&path, &json!({"metadata": {"name": "x"}})).await.code, 400);
    let mut other = cluster("x");
    other["kind"] = json!("Pooler");
    assert_eq!(fields(&refused(422, "Invalid", &server.post(&path, &other).await)), ["kind"]);
    other["apiVersion"] = json!("postgresql.cnpg.io/v0");
    assert_eq!(server.post(&path, &other).await.code, 400);
    let mut named = cluster("Not_A_Name");
    assert_eq!(server.post(&path, &named).await.code, 422);
    named["metadata"] = json!({"name": "x", "namespace": "elsewhere"});
    assert_eq!(server.post(&path, &named).await.code, 400);
    let nowhere = server.post("/apis/postgresql.cnpg.io/v1/namespaces/nowhere/clusters", &cluster("x")).await;
    assert_eq!(refused(404, "NotFound", &nowhere)["message"], r#"namespaces "nowhere" not found"#);
}

pub(crate) async fn unknown_fields_are_pruned(server: Arc<Server>) {
    let mut extra = cluster("db");
    extra["spec"]["nonsense"] = json!(1);
    let created = expect(201, &server.post(&server.cnpg("clusters"), &extra).await);
    assert!(created["spec"].get("nonsense").is_none());
}

pub(crate) async fn an_update_needs_the_latest_version(server: Arc<Server>) {
    let mut first = server.cluster("db").await;
    let path = server.cnpg("clusters/db");
    first["spec"]["instances"] = json!(4);
    let second = expect(200, &server.put(&path, &first).await);
    assert_ne!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let status = refused(409, "Conflict", &server.put(&path, &first).await);
    assert!(status["message"].as_str().unwrap().contains("the object has been modified"), "{status}");
    let mut unversioned = second.clone();
    unversioned["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    refused(422, "Invalid", &server.put(&path, &unversioned).await);
    assert_eq!(server.put(&server.cnpg("clusters/other"), &second).await.code, 400);
}

pub(crate) async fn generation_follows_the_spec_only(server: Arc<Server>) {
    server.cluster("db").await;
    let path = server.cnpg("clusters/db");
    let labelled = expect(200, &server.patch(&path, MERGE, &json!({"metadata": {"labels": {"a": "b"}}})).await);
    assert_eq!(labelled["metadata"]["generation"], 1);
    let scaled = expect(200, &server.patch(&path, MERGE, &json!({"spec": {"instances": 1}})).await);
    assert_eq!(scaled["metadata"]["generation"], 2);
    let same = expect(200, &server.patch(&path, MERGE, &json!({"spec": {"instances": 1}})).await);
    assert_eq!(same["metadata"]["resourceVersion"], scaled["metadata"]["resourceVersion"]);
}

pub(crate) async fn a_merge_patch_can_be_guarded_by_the_version(server: Arc<Server>) {
    let version = server.cluster("db").await["metadata"]["resourceVersion"].clone();
    let path = server.cnpg("clusters/db");
    let patch = |instances: u32| json!({"metadata": {"resourceVersion": version}, "spec": {"instances": instances}});
    expect(200, &server.patch(&path, MERGE, &patch(4)).await);
    refused(409, "Conflict", &server.patch(&path, MERGE, &patch(5)).await);
    refused(404, "NotFound", &server.patch(&server.cnpg("clusters/none"), MERGE, &json!({})).await);
    let status = refused(422, "Invalid", &server.patch(&path, MERGE, &json!({"spec": {"instances": "x"}})).await);
    assert_eq!(fields(&status), ["spec.instances"]);
}

pub(crate) async fn a_json_patch_tests_before_it_writes(server: Arc<Server>) {
    server.cluster("db").await;
    let path = server.cnpg("clusters/db");
    let patch = |expected: u32| json!([{"op": "test", "path": "/spec/instances", "value": expected}, {"op": "replace", "path": "/spec/instances", "value": 5}]);
    refused(422, "Invalid", &server.patch(&path, JSON_PATCH, &patch(9)).await);
    let patched = expect(200, &server.patch(&path, JSON_PATCH, &patch(3)).await);
    assert_eq!(patched["spec"]["instances"], 5);
}

pub(crate) async fn other_patches_are_unsupported(server: Arc<Server>) {
    server.cluster("db").await;
    let kind = ("content-type", "application/strategic-merge-patch+json");
    refused(415, "UnsupportedMediaType", &server.patch(&server.cnpg("clusters/db"), kind, &json!({})).await);
}

pub(crate) async fn an_apply_owns_what_it_names(server: Arc<Server>) {
    let path = server.cnpg("clusters/db");
    let config = |instances: u32, log: Option<&str>| {
        let mut config = cluster("db");
        config["spec"]["instances"] = json!(instances);
        log.into_iter().for_each(|log| config["spec"]["description"] = json!(log));
        config
    };
    let one = format!("{path}?fieldManager=one");
    let created = expect(201, &server.patch(&one, APPLY, &config(3, Some("text"))).await);
    assert_eq!(created["metadata"]["managedFields"][0]["manager"], "one");
    assert_eq!(created["metadata"]["managedFields"][0]["operation"], "Apply");
    let without = expect(200, &server.patch(&one, APPLY, &config(3, None)).await);
    assert!(without["spec"].get("description").is_none(), "{without}");
    let two = format!("{path}?fieldManager=two");
    let status = refused(409, "Conflict", &server.patch(&two, APPLY, &config(5, None)).await);
    assert!(status["message"].as_str().unwrap().contains(r#"conflict with "one""#), "{status}");
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldManagerConflict");
    assert_eq!(fields(&status), ["spec.instances"]);
    let forced = expect(200, &server.patch(&format!("{two}&force=true"), APPLY, &config(5, None)).await);
    assert_eq!(forced["spec"]["instances"], 5);
    refused(409, "Conflict", &server.patch(&one, APPLY, &config(3, None)).await);
}

pub(crate) async fn an_apply_needs_a_manager(server: Arc<Server>) {
    let answer = server.patch(&server.cnpg("clusters/db"), APPLY, &cluster("db")).await;
    assert!(matches!(answer.code, 400 | 422), "{}", answer.text);
    assert!(answer.text.contains("fieldManager"), "{}", answer.text);
}

pub(crate) async fn status_has_its_own_endpoint(server: Arc<Server>) {
    let mut with_status = cluster("db");
    with_status["status"] = json!({"phase": "made up"});
    let created = expect(201, &server.post(&server.cnpg("clusters"), &with_status).await);
    assert!(created.get("status").is_none(), "{created}");
    let both = json!({"spec": {"instances": 9}, "status": {"phase": "Cluster in healthy state"}});
    let status = expect(200, &server.patch(&server.cnpg("clusters/db/status"), MERGE, &both).await);
    assert_eq!((&status["spec"]["instances"], &status["metadata"]["generation"]), (&json!(3), &json!(1)));
    let main = expect(200, &server.patch(&server.cnpg("clusters/db"), MERGE, &json!({"status": {"phase": "lost"}})).await);
    assert_eq!(main["status"]["phase"], "Cluster in healthy state");
}

pub(crate) async fn a_dry_run_changes_nothing(server: Arc<Server>) {
    let all = server.cnpg("clusters?dryRun=All");
    let planned = expect(201, &server.post(&all, &cluster("db")).await);
    assert_eq!(planned["spec"]["logLevel"], "info");
    refused(404, "NotFound", &server.get(&server.cnpg("clusters/db")).await);
    let live = server.cluster("db").await;
    let one = server.cnpg("clusters/db?dryRun=All");
    let patched = expect(200, &server.patch(&one, MERGE, &json!({"spec": {"instances": 7}})).await);
    assert_eq!(patched["spec"]["instances"], 7);
    expect(200, &server.delete(&one, None).await);
    assert_eq!(expect(200, &server.get(&server.cnpg("clusters/db")).await), live);
    assert!(server.post(&server.cnpg("clusters?dryRun=Some"), &cluster("x")).await.code >= 400);
}

pub(crate) async fn a_delete_can_be_guarded(server: Arc<Server>) {
    let live = server.cluster("db").await;
    let path = server.cnpg("clusters/db");
    let guard = |field: &str, value: &Value| json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {field: value}, "propagationPolicy": "Background"});
    refused(409, "Conflict", &server.delete(&path, Some(&guard("uid", &json!("00000000-0000-0000-0000-000000000000")))).await);
    refused(409, "Conflict", &server.delete(&path, Some(&guard("resourceVersion", &json!("1")))).await);
    let done = expect(200, &server.delete(&path, Some(&guard("uid", &live["metadata"]["uid"]))).await);
    assert_eq!((&done["status"], &done["details"]["name"]), (&json!("Success"), &json!("db")));
    refused(404, "NotFound", &server.delete(&path, None).await);
}

pub(crate) async fn a_finalizer_holds_its_object(server: Arc<Server>) {
    let mut held = cluster("db");
    held["metadata"]["finalizers"] = json!(["example.org/wait"]);
    expect(201, &server.post(&server.cnpg("clusters"), &held).await);
    let path = server.cnpg("clusters/db");
    let held = expect(200, &server.delete(&path, None).await);
    assert!(held["metadata"]["deletionTimestamp"].is_string(), "{held}");
    expect(200, &server.get(&path).await);
    expect(200, &server.patch(&path, MERGE, &json!({"metadata": {"finalizers": null}})).await);
    refused(404, "NotFound", &server.get(&path).await);
}

pub(crate) async fn a_collection_is_deleted_by_label(server: Arc<Server>) {
    server.config_map("a", "x").await;
    server.config_map("b", "y").await;
    expect(200, &server.delete(&server.core("configmaps?labelSelector=app%3Dx"), None).await);
    assert_eq!(server.get(&server.core("configmaps/a")).await.code, 404);
    assert_eq!(server.get(&server.core("configmaps/b")).await.code, 200);
}

pub(crate) async fn the_scale_of_a_cluster_is_its_instances(server: Arc<Server>) {
    server.cluster("db").await;
    let path = server.cnpg("clusters/db/scale");
    let scale = expect(200, &server.get(&path).await);
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
    let scaled = expect(200, &server.patch(&path, MERGE, &json!({"spec": {"replicas": 2}})).await);
    assert_eq!(scaled["spec"]["replicas"], 2);
    assert_eq!(expect(200, &server.get(&server.cnpg("clusters/db")).await)["spec"]["instances"], 2);
}

pub(crate) async fn string_data_is_encoded(server: Arc<Server>) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}});
    expect(201, &server.post(&server.core("secrets"), &secret).await);
    let patched = expect(200, &server.patch(&server.core("secrets/s"), MERGE, &json!({"stringData": {"c": "d"}})).await);
    assert_eq!((&patched["data"], patched.get("stringData")), (&json!({"a": "Yg==", "c": "ZA=="}), None));
}
