//! Reading: discovery, lists, selectors, pages, forms.

use std::sync::Arc;

use serde_json::json;

use super::server::{Server, expect, refused};

pub(crate) async fn discovery_names_every_resource(server: Arc<Server>) {
    let groups = expect(200, &server.get("/apis").await);
    let has_group = groups["groups"].as_array().unwrap().iter().any(|group| group["name"] == "postgresql.cnpg.io");
    assert!(has_group, "{groups}");
    let list = expect(200, &server.get("/apis/postgresql.cnpg.io/v1").await);
    let names: Vec<&str> =
        list["resources"].as_array().unwrap().iter().filter_map(|resource| resource["name"].as_str()).collect();
    for name in ["clusters", "clusters/status", "clusters/scale", "databases", "databaseroles", "clusterimagecatalogs"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let core = expect(200, &server.get("/api/v1").await);
    let pods = core["resources"].as_array().unwrap().iter().find(|resource| resource["name"] == "pods").unwrap().clone();
    assert_eq!((pods["kind"].as_str(), pods["namespaced"].as_bool()), (Some("Pod"), Some(true)));
    assert_eq!(expect(200, &server.get("/api").await)["versions"], json!(["v1"]));
}

pub(crate) async fn health_and_version_are_open(server: Arc<Server>) {
    let nobody = server.admin.with_token("");
    for path in ["/readyz", "/livez"] {
        assert_eq!(nobody.send("GET", path, &[], None).await.unwrap().text, "ok");
    }
    let version = expect(200, &nobody.send("GET", "/version", &[], None).await.unwrap());
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1."), "{version}");
}

pub(crate) async fn a_missing_object_is_not_found_by_name(server: Arc<Server>) {
    let status = refused(404, "NotFound", &server.get(&server.cnpg("clusters/none")).await);
    assert_eq!(status["message"], r#"clusters.postgresql.cnpg.io "none" not found"#);
    assert_eq!(status["details"]["name"], "none");
    let status = refused(404, "NotFound", &server.get(&server.core("pods/none")).await);
    assert_eq!(status["message"], r#"pods "none" not found"#);
}

pub(crate) async fn what_nobody_serves_is_not_found(server: Arc<Server>) {
    for path in [server.cnpg("nothings"), "/apis/nobody.example/v1/things".to_owned(), "/apis/nobody.example/v1".to_owned()] {
        assert_eq!(server.get(&path).await.code, 404, "{path}");
    }
}

pub(crate) async fn selectors_narrow_a_list(server: Arc<Server>) {
    for (name, app) in [("a", "x"), ("b", "y"), ("c", "z")] {
        server.config_map(name, app).await;
    }
    for (query, wanted) in [
        ("labelSelector=app%3Dx", "a"),
        ("labelSelector=app!%3Dx,app", "b c"),
        ("labelSelector=app+in+(x,y)", "a b"),
        ("labelSelector=app+notin+(x,y),app", "c"),
        ("fieldSelector=metadata.name%3Db", "b"),
        ("labelSelector=app&fieldSelector=metadata.name!%3Db", "a c"),
    ] {
        let list = expect(200, &server.get(&server.core(&format!("configmaps?{query}"))).await);
        let names: Vec<&str> =
            list["items"].as_array().unwrap().iter().filter_map(|item| item["metadata"]["name"].as_str()).collect();
        // A newer server adds a config map of its own, which has no label `app`.
        assert_eq!(names.join(" "), wanted, "{query}");
    }
}

pub(crate) async fn a_broken_selector_is_a_bad_request(server: Arc<Server>) {
    for query in ["labelSelector=a+b", "fieldSelector=spec.instances%3D3"] {
        refused(400, "BadRequest", &server.get(&server.cnpg(&format!("clusters?{query}"))).await);
    }
}

pub(crate) async fn pages_follow_one_another(server: Arc<Server>) {
    for number in 0..5 {
        server.config_map(&format!("m{number}"), "page").await;
    }
    let path = server.core("configmaps?labelSelector=app%3Dpage&limit=2");
    let (mut names, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = expect(200, &server.get(&format!("{path}&continue={token}")).await);
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["metadata"]["continue"].as_str() {
            Some(next) if !next.is_empty() => token = next.to_owned(),
            _ => break,
        }
        // What comes later is not part of this list.
        server.config_map(&format!("new{pages}"), "page").await;
    }
    assert_eq!((names.join(" ").as_str(), pages), ("m0 m1 m2 m3 m4", 3));
}

pub(crate) async fn a_broken_continue_token_is_a_bad_request(server: Arc<Server>) {
    assert_eq!(server.get(&server.core("configmaps?limit=1&continue=%21")).await.code, 400);
}

pub(crate) async fn a_table_has_the_printer_columns(server: Arc<Server>) {
    server.cluster("db").await;
    let status =
        json!({"status": {"instances": 3, "readyInstances": 2, "phase": "Creating a new replica", "currentPrimary": "db-1"}});
    expect(200, &server.patch(&server.cnpg("clusters/db/status"), super::server::MERGE, &status).await);
    let accept = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
    let path = server.cnpg("clusters?includeObject=Metadata");
    let table = expect(200, &server.admin.send("GET", &path, &[accept], None).await.unwrap());
    assert_eq!((table["kind"].as_str(), table["apiVersion"].as_str()), (Some("Table"), Some("meta.k8s.io/v1")));
    let names: Vec<&str> =
        table["columnDefinitions"].as_array().unwrap().iter().filter_map(|column| column["name"].as_str()).collect();
    assert_eq!(names, ["Name", "Age", "Instances", "Ready", "Status", "Primary", "SyncTopology"]);
    let cells = &table["rows"][0]["cells"];
    assert_eq!(
        (&cells[0], &cells[2], &cells[3], &cells[4], &cells[5]),
        (&json!("db"), &json!(3), &json!(2), &json!("Creating a new replica"), &json!("db-1"))
    );
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert!(table["rows"][0]["object"]["spec"].is_null());
    let path = server.cnpg("clusters?includeObject=Object");
    let table = expect(200, &server.admin.send("GET", &path, &[accept], None).await.unwrap());
    assert_eq!(table["rows"][0]["object"]["spec"]["instances"], 3);
}

pub(crate) async fn metadata_alone_carries_no_data(server: Arc<Server>) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"a": "b"}}, "stringData": {"password": "x"}});
    expect(201, &server.post(&server.core("secrets"), &secret).await);
    let list = ("accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    let found = expect(200, &server.admin.send("GET", &server.core("secrets?labelSelector=a%3Db"), &[list], None).await.unwrap());
    assert_eq!(found["kind"], "PartialObjectMetadataList");
    assert_eq!(found["items"][0]["metadata"]["name"], "s");
    assert!(found["items"][0].get("data").is_none());
    let one = ("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    let patch = json!({"stringData": {"password": "y"}});
    let patched =
        server.admin.send("PATCH", &server.core("secrets/s"), &[one, super::server::MERGE], Some(&patch)).await.unwrap();
    let patched = expect(200, &patched);
    assert_eq!(patched["kind"], "PartialObjectMetadata");
    assert!(patched.get("data").is_none());
}

pub(crate) async fn protobuf_alone_is_not_acceptable_for_custom_resources(server: Arc<Server>) {
    let accept = ("accept", "application/vnd.kubernetes.protobuf");
    let answer = server.admin.send("GET", &server.cnpg("clusters"), &[accept], None).await.unwrap();
    assert_eq!(answer.code, 406);
}
