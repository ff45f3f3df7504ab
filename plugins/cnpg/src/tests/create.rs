//! create_postgres_cluster.

use serde_json::{Value, json};

use crate::fake::{Fake, Request, invalid, status};
use crate::settings::Settings;

const TOOL: &str = "create_postgres_cluster";

fn created(arguments: Value) -> Value {
    let fake = Fake::new();
    let answer = fake.answer(TOOL, arguments);
    assert!(!answer.is_error, "{}", answer.text);
    fake.made("create")[0].body.clone()
}

fn refused(arguments: Value) -> (Value, Vec<Request>) {
    let fake = Fake::new();
    let answer = fake.answer(TOOL, arguments);
    assert!(answer.is_error, "{}", answer.text);
    (answer.structured, fake.requests())
}

#[test]
fn d21_no_image_and_no_parameter_is_made_up() {
    let body = created(json!({"name": "db"}));
    assert_eq!(body["spec"], json!({"instances": 3, "storage": {"size": "10Gi"}}));
    assert_eq!(body["metadata"], json!({"name": "db", "namespace": "default"}));
}

#[test]
fn the_post_is_strict_and_carries_our_field_manager() {
    let fake = Fake::new();
    fake.answer(TOOL, json!({"name": "db"}));
    let options = fake.made("create")[0].write.clone().unwrap();
    assert_eq!(options.field_manager.as_deref(), Some("portcullis-cnpg"));
    assert_eq!((options.field_validation.as_deref(), options.dry_run), (Some("Strict"), false));
}

#[test]
fn d1_a_dry_run_creates_nothing_and_does_not_wait() {
    let fake = Fake::new();
    *fake.warnings.borrow_mut() = vec!["in-tree Barman is deprecated".into()];
    let answer = fake.answer(TOOL, json!({"name": "db", "dry_run": true, "wait": true}));
    let requests = fake.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].verb == "create" && requests[0].dry_run);
    assert_eq!((&answer.structured["created"], &answer.structured["dry_run"]), (&json!(false), &json!(true)));
    assert!(answer.text.contains("instances: 3") && answer.text.contains("+ spec.enablePDB: true"), "{}", answer.text);
    assert!(answer.text.contains("in-tree Barman is deprecated"));
}

#[test]
fn every_parameter_reaches_its_field() {
    let body = created(json!({
        "name": "db", "instances": 2, "storage_size": "20Gi", "storage_class": "fast", "wal_storage_size": "5Gi",
        "container_image": "registry/postgresql:17.5-minimal-trixie", "image_pull_policy": "Always", "node_selector": {"disk": "ssd"},
        "tolerations": [{"key": "db", "operator": "Exists"}], "resources": {"requests": {"cpu": "1"}},
        "parameters": {"max_connections": 200}, "database": "shop", "sync": {"number": 1, "data_durability": "preferred"},
        "backup": {"object_store": "s3", "volume_snapshot_class": "csi"}, "namespace": "prod",
    }));
    assert_eq!(body["metadata"]["namespace"], "prod");
    assert_eq!(
        body["spec"],
        json!({
            "instances": 2, "storage": {"size": "20Gi", "storageClass": "fast"}, "walStorage": {"size": "5Gi", "storageClass": "fast"},
            "imageName": "registry/postgresql:17.5-minimal-trixie", "imagePullPolicy": "Always",
            "affinity": {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "db", "operator": "Exists"}]},
            "resources": {"requests": {"cpu": "1"}},
            "postgresql": {"parameters": {"max_connections": "200"}, "synchronous": {"method": "any", "number": 1, "dataDurability": "preferred"}},
            "bootstrap": {"initdb": {"database": "shop", "owner": "shop"}},
            "plugins": [{"name": "barman-cloud.cloudnative-pg.io", "isWALArchiver": true, "parameters": {"barmanObjectName": "s3"}}],
            "backup": {"volumeSnapshot": {"className": "csi"}},
        })
    );
}

#[test]
fn d16_what_the_webhook_refuses_is_refused_before_anything_is_sent() {
    for (parameter, arguments) in [
        ("instances", json!({"name": "db", "instances": 999})),
        ("storage_size", json!({"name": "db", "storage_size": "banana"})),
        ("storage_size", json!({"name": "db", "storage_size": "0Gi"})),
        ("wal_storage_size", json!({"name": "db", "wal_storage_size": "much"})),
        ("container_image", json!({"name": "db", "container_image": "registry/postgresql:latest"})),
        ("container_image", json!({"name": "db", "container_image": "localhost:5000/postgresql"})),
        ("container_image", json!({"name": "db", "container_image": "registry/postgresql:17", "image_catalog": "pg"})),
        ("postgres_version", json!({"name": "db", "container_image": "registry/postgresql:17", "postgres_version": "16"})),
        ("sync", json!({"name": "db", "instances": 2, "sync": 2})),
    ] {
        let (problem, requests) = refused(arguments.clone());
        assert_eq!(problem["causes"][0]["parameter"], parameter, "{arguments}");
        assert!(requests.is_empty(), "{arguments}");
    }
}

#[test]
fn d16_the_input_schema_refuses_names_and_numbers_that_cannot_be() {
    let entry = crate::catalogue::find(TOOL).unwrap();
    let validator = jsonschema::validator_for(&crate::parameter::input_schema(&entry.takes())).unwrap();
    assert!(validator.is_valid(&json!({"name": "a".repeat(50)})));
    for bad in [
        json!({"name": "a".repeat(51)}),
        json!({"name": "1db"}),
        json!({"name": "my_db"}),
        json!({"name": "DB"}),
        json!({"name": "db-"}),
        json!({"name": "db", "instances": 0}),
        json!({"name": "db", "postgres_version": "banana"}),
        json!({"name": "db", "banana": 1}),
        json!({"name": "db", "image_pull_policy": "Sometimes"}),
        json!({}),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

fn catalog(name: &str, majors: &[i64]) -> Value {
    let images: Vec<Value> =
        majors.iter().map(|major| json!({"major": major, "image": format!("registry/postgresql:{major}")})).collect();
    json!({"metadata": {"name": name}, "spec": {"images": images}})
}

#[test]
fn d21_a_version_is_taken_from_a_catalog_that_carries_it() {
    let fake =
        Fake::new().with("clusterimagecatalogs", catalog("old", &[15])).with("clusterimagecatalogs", catalog("pg", &[16, 17]));
    fake.answer(TOOL, json!({"name": "db", "postgres_version": "16"}));
    let spec = &fake.made("create")[0].body["spec"];
    assert_eq!(
        spec["imageCatalogRef"],
        json!({"apiGroup": "postgresql.cnpg.io", "kind": "ClusterImageCatalog", "name": "pg", "major": 16})
    );
    assert!(spec.get("imageName").is_none());
}

#[test]
fn d21_a_version_that_nobody_carries_is_refused_unless_the_operator_named_a_repository() {
    let (problem, requests) = refused(json!({"name": "db", "postgres_version": 16}));
    assert!(problem["hint"].as_str().unwrap().contains("container_image"));
    assert!(requests.iter().all(|one| one.verb == "list"));
    let fake = Fake::new();
    *fake.settings.borrow_mut() = Settings { image_repository: Some("registry/postgresql".into()), ..Settings::default() };
    fake.answer(TOOL, json!({"name": "db", "postgres_version": "16.4"}));
    assert_eq!(fake.made("create")[0].body["spec"]["imageName"], "registry/postgresql:16.4");
}

/// An ImageCatalog of namespace `default`.
fn of_namespace(name: &str, majors: &[i64]) -> Value {
    let mut one = catalog(name, majors);
    one["metadata"]["namespace"] = json!("default");
    one
}

#[test]
fn a_catalog_of_the_namespace_is_enough_where_cluster_wide_ones_may_not_be_read() {
    let refused = || status(403, "Forbidden", "User \"x\" cannot list resource \"clusterimagecatalogs\" at the cluster scope");
    for arguments in [json!({"postgres_version": "17"}), json!({"postgres_version": "17", "image_catalog": "ours"})] {
        let fake =
            Fake::new().with("imagecatalogs", of_namespace("ours", &[17])).failing("list", "clusterimagecatalogs", 9, refused());
        let answer = fake.answer(TOOL, crate::json::merged(&arguments, &json!({"name": "db"})));
        assert!(!answer.is_error, "{}", answer.text);
        assert_eq!(fake.made("create")[0].body["spec"]["imageCatalogRef"]["name"], "ours");
        let fake =
            Fake::new().with("imagecatalogs", of_namespace("old", &[15])).failing("list", "clusterimagecatalogs", 9, refused());
        let answer = fake.answer(TOOL, crate::json::merged(&arguments, &json!({"name": "db"})));
        assert!(answer.is_error && answer.structured["code"] == 403 && answer.structured["missing_rule"].is_string());
    }
}

#[test]
fn catalogs_that_this_cloudnativepg_does_not_know_count_as_none() {
    let unknown = || status(404, "NotFound", "the server could not find the requested resource");
    let fake =
        Fake::new().with("imagecatalogs", of_namespace("ours", &[17])).failing("list", "clusterimagecatalogs", 1, unknown());
    assert!(!fake.answer(TOOL, json!({"name": "db", "postgres_version": "17"})).is_error);
    let fake = Fake::new().failing("list", "*", 2, unknown());
    let answer = fake.answer(TOOL, json!({"name": "db", "postgres_version": "17"}));
    assert!(answer.is_error && answer.text.contains("no image catalog carries PostgreSQL 17"), "{}", answer.text);
}

#[test]
fn several_catalogs_are_a_question_of_image_catalog() {
    let fake = Fake::new().with("clusterimagecatalogs", catalog("a", &[17])).with("clusterimagecatalogs", catalog("b", &[17]));
    let answer = fake.answer(TOOL, json!({"name": "db", "postgres_version": "17"}));
    assert!(answer.is_error && answer.text.contains("`ClusterImageCatalog/a`, `ClusterImageCatalog/b`"));
    fake.answer(TOOL, json!({"name": "db", "postgres_version": "17", "image_catalog": "b"}));
    assert_eq!(fake.made("create")[0].body["spec"]["imageCatalogRef"]["name"], "b");
    let answer = fake.answer(TOOL, json!({"name": "db", "postgres_version": "15", "image_catalog": "b"}));
    assert!(answer.is_error && answer.text.contains("has 17, not 15"));
}

#[test]
fn causes_of_the_server_name_the_parameter() {
    let fake = Fake::new().failing("create", "clusters", 1, invalid("spec.storage.size", "can't be 1Mi"));
    let answer = fake.answer(TOOL, json!({"name": "db"}));
    assert!(answer.is_error);
    assert_eq!(
        answer.structured["causes"][0],
        json!({"parameter": "storage_size", "field": "spec.storage.size", "message": "can't be 1Mi"})
    );
    assert!(answer.text.contains("parameter `storage_size`: can't be 1Mi"));
}

#[test]
fn d20_only_true_things_are_claimed() {
    let answer = Fake::new().answer(TOOL, json!({"name": "db"}));
    assert!(answer.text.contains("no backups are configured") && answer.text.contains("asynchronous"));
    for claim in ["monitoring", "latest minor"] {
        assert!(!answer.text.contains(claim), "{claim}");
    }
}

#[test]
fn the_settings_decide_the_default_namespace_and_the_most_instances() {
    let fake = Fake::new();
    *fake.settings.borrow_mut() = Settings { default_namespace: Some("team-a".into()), max_instances: 3, ..Settings::default() };
    fake.answer(TOOL, json!({"name": "db"}));
    assert_eq!(fake.made("create")[0].namespace.as_deref(), Some("team-a"));
    let answer = fake.answer(TOOL, json!({"name": "db", "instances": 4}));
    assert!(answer.is_error && answer.text.contains("between 1 and 3"));
}

#[test]
fn a_dry_run_that_shows_very_much_fits_all_the_same() {
    let parameters: serde_json::Map<String, Value> =
        (0..400).map(|number| (format!("extension.parameter_{number}"), json!("x".repeat(100)))).collect();
    let answer = Fake::new().answer(TOOL, json!({"name": "db", "parameters": parameters, "dry_run": true}));
    assert!(!answer.is_error && answer.text.contains("**Cut for length**"));
    assert!(answer.text.len() <= crate::answer::BUDGET && answer.structured.to_string().len() <= crate::answer::BUDGET);
}
