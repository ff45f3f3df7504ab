//! The tools on roles: reading and creating. Changing and deleting are in `roles_change`, secrets in `roles_secret`.

use serde_json::{Value, json};

use crate::fake::{Fake, Request, Step, cluster};
use crate::settings::{PrivilegedRoles, Settings};

pub(super) fn role(object: &str, cluster: &str, name: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "DatabaseRole",
        "metadata": {"name": object, "namespace": "default", "uid": format!("uid-{object}"), "resourceVersion": "5", "generation": 1},
        "spec": {"cluster": {"name": cluster}, "name": name, "login": true, "passwordSecret": {"name": format!("cnpg-{cluster}-user-{name}")}},
        "status": {"applied": true, "observedGeneration": 1, "secretResourceVersion": "7"},
    })
}

/// A cluster whose `spec.managed.roles` has these.
pub(super) fn inline(roles: Value) -> Value {
    let mut one = cluster("default", "db", 3);
    one["spec"]["managed"] = json!({"roles": roles});
    one
}

pub(super) fn fake() -> Fake {
    Fake::new().with("clusters", cluster("default", "db", 3))
}

/// CloudNativePG 1.25 to 1.29.
pub(super) fn older(roles: Value) -> Fake {
    Fake::new().with("clusters", inline(roles)).without(&["databaseroles"])
}

pub(super) fn event(kind: &'static str, object: Value) -> Step {
    Step::Event(1_000, kind, object)
}

fn create(fake: &Fake, more: Value) -> crate::answer::Answer {
    fake.answer("create_postgres_role", crate::json::merged(&json!({"cluster_name": "db", "role_name": "shop"}), &more))
}

/// Writes that were not rehearsals.
pub(super) fn real(fake: &Fake, verb: &str) -> Vec<Request> {
    fake.made(verb).into_iter().filter(|one| !one.dry_run).collect()
}

#[test]
fn a_role_is_declared_with_its_password_in_a_secret_that_goes_with_it() {
    let fake = fake();
    let answer = create(&fake, json!({"wait": false}));
    assert!(!answer.is_error, "{}", answer.text);
    let order: Vec<(String, String)> = fake
        .requests()
        .into_iter()
        .filter(|one| one.write.is_some() && !one.dry_run)
        .map(|one| (one.verb.into(), one.plural))
        .collect();
    let expected = [("apply", "secrets"), ("create", "databaseroles"), ("apply", "secrets")];
    assert_eq!(order, expected.map(|(verb, plural)| (verb.to_owned(), plural.to_owned())));
    let object = fake.stored("databaseroles", "db-shop").unwrap();
    assert_eq!(object["spec"]["passwordSecret"]["name"], "cnpg-db-user-shop");
    assert_eq!((&object["spec"]["login"], &object["spec"]["cluster"]["name"]), (&json!(true), &json!("db")));
    let secret = fake.stored("secrets", "cnpg-db-user-shop").unwrap();
    assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], object["metadata"]["uid"]);
    assert_eq!(
        (&secret["metadata"]["ownerReferences"][0]["kind"], &secret["type"]),
        (&json!("DatabaseRole"), &json!("kubernetes.io/basic-auth"))
    );
    assert_eq!(answer.structured["crd_name"], "db-shop");
    assert!(answer.text.contains("cnpg-db-user-shop"));
}

#[test]
fn nothing_is_written_before_the_api_server_accepted_all_of_it() {
    let fake = fake().failing("create", "databaseroles", 1, crate::fake::invalid("spec.connectionLimit", "must be -1 or more"));
    let answer = create(&fake, json!({"connection_limit": 5}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "connection_limit");
    assert!(real(&fake, "apply").is_empty() && real(&fake, "create").is_empty());
}

#[test]
fn every_attribute_reaches_its_field() {
    let fake = fake();
    *fake.settings.borrow_mut() = Settings { privileged_roles: PrivilegedRoles::Allow, ..Settings::default() };
    create(
        &fake,
        json!({
            "superuser": true, "inherit": false, "createdb": true, "createrole": true, "replication": true, "bypassrls": true,
            "in_roles": ["readers"], "connection_limit": 5, "valid_until": "2027-01-31T00:00:00Z", "comment": "for the shop",
            "disable_password": true, "client_certificate": true, "reclaim_policy": "delete", "wait": false,
        }),
    );
    let spec = &real(&fake, "create")[0].body["spec"];
    assert_eq!(
        *spec,
        json!({
            "cluster": {"name": "db"}, "name": "shop", "login": true, "superuser": true, "inherit": false, "createdb": true,
            "createrole": true, "replication": true, "bypassrls": true, "inRoles": ["readers"], "connectionLimit": 5,
            "validUntil": "2027-01-31T00:00:00Z", "comment": "for the shop", "disablePassword": true,
            "clientCertificate": {"enabled": true}, "databaseRoleReclaimPolicy": "delete",
        })
    );
    assert!(fake.made("apply").is_empty(), "no password, no Secret");
}

#[test]
fn a_dry_run_writes_nothing_and_shows_the_manifest() {
    let fake = fake();
    let answer = create(&fake, json!({"dry_run": true}));
    assert!(fake.requests().iter().all(|one| one.write.is_none() || one.dry_run));
    assert!(fake.made("create").len() == 1 && fake.made("apply").len() == 1);
    assert!(answer.text.contains("name: shop") && answer.structured["created"] == false, "{}", answer.text);
}

#[test]
fn d16_any_identifier_is_a_role() {
    for name in ["app_user", "MyDb", "Ärger mit Ümlauten"] {
        let fake = fake();
        let answer = create(&fake, json!({"role_name": name, "wait": false}));
        assert!(!answer.is_error, "{}", answer.text);
        let body = &real(&fake, "create")[0].body;
        assert_eq!(body["spec"]["name"], name);
        let object = body["metadata"]["name"].as_str().unwrap();
        assert!(object.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-'), "{object}");
    }
    for reserved in ["postgres", "streaming_replica", "pg_monitor2", "cnpg_x"] {
        let answer = create(&fake(), json!({"role_name": reserved}));
        assert_eq!(answer.structured["causes"][0]["parameter"], "role_name", "{reserved}");
    }
}

#[test]
fn d2_a_role_is_found_by_its_spec_and_not_by_the_name_of_its_object() {
    let fake =
        fake().with("databaseroles", role("db-shop", "db-x", "other")).with("databaseroles", role("anything", "db", "shop"));
    let answer = fake.answer("get_postgres_role_status", json!({"cluster_name": "db", "role_name": "shop"}));
    assert_eq!(answer.structured["crd_name"], "anything");
    let answer = fake.answer("get_postgres_role_status", json!({"cluster_name": "db", "role_name": "other"}));
    assert!(answer.is_error && answer.structured["reason"] == "NotFound");
    // The object name that the new role would get belongs to another cluster's.
    let fake = Fake::new().with("clusters", cluster("default", "db", 3)).with("databaseroles", role("db-shop", "db-x", "other"));
    let answer = create(&fake, json!({}));
    assert!(!answer.is_error, "{}", answer.text);
    assert!(real(&fake, "create")[0].body["metadata"]["name"].as_str().unwrap().starts_with("db-shop-"));
    assert_eq!(fake.stored("databaseroles", "db-shop").unwrap()["spec"]["name"], "other");
}

#[test]
fn d15_a_role_that_postgresql_has_is_not_taken_over_unless_that_is_asked_for() {
    let mut listed = cluster("default", "db", 3);
    listed["status"]["managedRolesStatus"] = json!({"byStatus": {"not-managed": ["shop"]}});
    let mut owner = cluster("default", "db", 3);
    owner["spec"]["bootstrap"] = json!({"initdb": {"database": "shop"}});
    let database = json!({"metadata": {"name": "d", "namespace": "default"}, "spec": {"cluster": {"name": "db"}, "name": "sales", "owner": "shop"}, "status": {"applied": true}});
    for fake in [Fake::new().with("clusters", listed), Fake::new().with("clusters", owner), fake().with("databases", database)] {
        let answer = create(&fake, json!({}));
        assert!(answer.is_error && answer.structured["reason"] == "RoleExists", "{}", answer.text);
        assert!(fake.requests().iter().all(|one| one.write.is_none()));
        let answer = create(&fake, json!({"adopt": true, "wait": false}));
        assert!(!answer.is_error && answer.text.contains("rewritten"), "{}", answer.text);
    }
    assert!(create(&fake(), json!({"role_name": "app"})).is_error, "the default owner");
}

#[test]
fn a_role_that_is_declared_is_not_created_again() {
    for fake in [
        fake().with("databaseroles", role("db-shop", "db", "shop")),
        Fake::new().with("clusters", inline(json!([{"name": "shop"}]))),
    ] {
        let answer = create(&fake, json!({"adopt": true}));
        assert!(
            answer.structured["reason"] == "AlreadyExists" && answer.text.contains("update_postgres_role"),
            "{}",
            answer.text
        );
        assert!(fake.requests().iter().all(|one| one.write.is_none()));
    }
}

#[test]
fn what_passes_over_permissions_is_refused_unless_the_operator_allows_it() {
    let mut boss = role("db-boss", "db", "boss");
    boss["spec"]["superuser"] = json!(true);
    for (parameter, more) in [
        ("superuser", json!({"superuser": true})),
        ("replication", json!({"replication": true})),
        ("bypassrls", json!({"bypassrls": true})),
        ("in_roles", json!({"in_roles": ["postgres"]})),
        ("in_roles", json!({"in_roles": ["pg_execute_server_program"]})),
        ("in_roles", json!({"in_roles": ["boss"]})),
    ] {
        let fake = fake().with("databaseroles", boss.clone());
        let answer = create(&fake, more.clone());
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{}", answer.text);
        assert!(fake.requests().iter().all(|one| one.write.is_none()) && answer.text.contains("privilegedRoles: allow"));
        *fake.settings.borrow_mut() = Settings { privileged_roles: PrivilegedRoles::Allow, ..Settings::default() };
        assert!(!create(&fake, json!({"wait": false, "superuser": true})).is_error);
    }
}

#[test]
fn the_wait_ends_when_postgresql_has_the_role_and_its_password() {
    let applied = |version: &str| {
        let mut one = role("db-shop", "db", "shop");
        one["status"]["secretResourceVersion"] = json!(version);
        one
    };
    let fake = fake().watching(vec![event("MODIFIED", applied("1")), event("MODIFIED", applied("2"))]);
    let answer = create(&fake, json!({}));
    assert_eq!(answer.structured["wait"]["outcome"], "ready", "{}", answer.text);
    assert_eq!(fake.stored("secrets", "cnpg-db-user-shop").unwrap()["metadata"]["resourceVersion"], "2");
    assert_eq!(answer.structured["wait"]["waited_seconds"], 2);
}

#[test]
fn what_postgresql_refuses_is_an_error_with_its_words() {
    let mut failed = role("db-shop", "db", "shop");
    failed["status"] = json!({"applied": false, "observedGeneration": 1, "message": "role \"readers\" does not exist"});
    let fake = fake().watching(vec![event("MODIFIED", failed)]);
    let answer = create(&fake, json!({"in_roles": ["readers"]}));
    assert!(answer.is_error && answer.structured["reason"] == "NotApplied", "{}", answer.text);
    assert!(answer.text.contains("does not exist") && answer.text.contains("The declaration stays"));
}

#[test]
fn d13_an_older_cloudnativepg_gets_the_role_into_its_list_and_nothing_else_is_lost() {
    let fake = older(json!([{"name": "other", "login": true}]));
    let answer = create(&fake, json!({"wait": false}));
    assert!(!answer.is_error, "{}", answer.text);
    let patch = &real(&fake, "patch")[0].body;
    assert_eq!(patch[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "10"}));
    assert_eq!((&patch[1]["op"], &patch[1]["path"]), (&json!("add"), &json!("/spec/managed/roles/-")));
    let roles = fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"].clone();
    assert_eq!((roles[0]["name"].as_str(), roles[1]["name"].as_str()), (Some("other"), Some("shop")));
    assert_eq!(roles[1]["passwordSecret"]["name"], "cnpg-db-user-shop");
    let secret = fake.stored("secrets", "cnpg-db-user-shop").unwrap();
    assert_eq!(secret["metadata"]["ownerReferences"][0]["kind"], "Cluster");
    assert_eq!((&answer.structured["source"], &answer.structured["crd_name"]), (&json!("inline"), &Value::Null));
    for refused in [json!({"client_certificate": true}), json!({"reclaim_policy": "delete"})] {
        assert!(create(&older(json!([])), refused).text.contains("1.30"));
    }
}

#[test]
fn d13_all_five_tools_work_without_the_databaserole_kind() {
    let entry = json!([{"name": "shop", "login": true, "passwordSecret": {"name": "cnpg-db-user-shop"}}]);
    for (tool, more) in [
        ("list_postgres_roles", json!({})),
        ("get_postgres_role_status", json!({"role_name": "shop"})),
        ("create_postgres_role", json!({"role_name": "new", "wait": false})),
        ("update_postgres_role", json!({"role_name": "shop", "createdb": true})),
        ("delete_postgres_role", json!({"role_name": "shop", "confirm_name": "shop", "wait": false})),
    ] {
        let fake = older(entry.clone());
        let answer = fake.answer(tool, crate::json::merged(&json!({"cluster_name": "db"}), &more));
        assert!(!answer.is_error, "{tool}: {}", answer.text);
        assert!(fake.requests().iter().all(|one| one.plural != "databaseroles"), "{tool}");
    }
}

#[test]
fn the_first_role_of_a_list_makes_the_list() {
    for managed in [json!(null), json!({}), json!({"roles": []})] {
        let mut one = cluster("default", "db", 3);
        one["spec"]["managed"] = managed;
        let fake = Fake::new().with("clusters", one).without(&["databaseroles"]);
        assert!(!create(&fake, json!({"wait": false})).is_error);
        assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"][0]["name"], "shop");
    }
}

#[test]
fn two_writers_of_one_list_keep_each_others_roles() {
    let fake = older(json!([]));
    let mut theirs = inline(json!([{"name": "theirs"}]));
    theirs["metadata"]["resourceVersion"] = json!("11");
    // Rehearsals of the list and of the Secret, then the Secret: they come in before the list is written.
    fake.interlope(3, "clusters", theirs);
    let answer = create(&fake, json!({"wait": false}));
    assert!(!answer.is_error, "{}", answer.text);
    let roles = fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"].clone();
    assert_eq!((roles[0]["name"].as_str(), roles[1]["name"].as_str()), (Some("theirs"), Some("shop")));
    assert!(answer.text.contains("somebody") && answer.text.contains("spec.managed.roles"), "{}", answer.text);
}

#[test]
fn two_writers_of_one_role_do_not_overwrite_each_other() {
    let fake = older(json!([]));
    let mut theirs = inline(json!([{"name": "shop", "createdb": true}]));
    theirs["metadata"]["resourceVersion"] = json!("11");
    fake.interlope(3, "clusters", theirs);
    let answer = create(&fake, json!({"wait": false}));
    assert_eq!(answer.structured["reason"], "AlreadyExists", "{}", answer.text);
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"], json!([{"name": "shop", "createdb": true}]));
}

#[test]
fn the_loser_of_two_creates_learns_it_and_leaves_the_secret_with_the_winner() {
    let fake = fake();
    fake.interlope(3, "databaseroles", role("db-shop", "db", "shop"));
    let answer = create(&fake, json!({"createdb": true}));
    assert_eq!(answer.structured["reason"], "AlreadyExists", "{}", answer.text);
    assert!(answer.text.contains("Somebody else created it"));
    let secret = fake.stored("secrets", "cnpg-db-user-shop").unwrap();
    assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], "uid-db-shop");
    assert!(fake.stored("databaseroles", "db-shop").unwrap()["spec"].get("createdb").is_none());
}

#[test]
fn lists_show_both_declarations_with_their_state() {
    let mut one = inline(json!([{"name": "old", "login": true, "validUntil": "2027-01-01T00:00:00Z"}]));
    one["status"]["managedRolesStatus"] = json!({"byStatus": {"reconciled": ["old"]}});
    let mut failed = role("db-bad", "db", "bad");
    failed["status"] = json!({"applied": false, "observedGeneration": 1, "message": "no\nsuch | role"});
    let fake = Fake::new()
        .with("clusters", one)
        .with("databaseroles", role("db-shop", "db", "shop"))
        .with("databaseroles", failed)
        .with("databaseroles", role("x-shop", "x", "shop"));
    let answer = fake.answer("list_postgres_roles", json!({"cluster_name": "db"}));
    let states: Vec<(&Value, &Value, &Value)> =
        answer.structured["roles"].as_array().unwrap().iter().map(|one| (&one["name"], &one["source"], &one["state"])).collect();
    assert_eq!(
        states,
        [
            (&json!("bad"), &json!("databaserole"), &json!("failed")),
            (&json!("old"), &json!("inline"), &json!("applied")),
            (&json!("shop"), &json!("databaserole"), &json!("applied")),
        ]
    );
    assert_eq!(answer.structured["legacy_managed_roles"], json!(["old"]));
    assert!(answer.text.contains("no such \\| role"), "{}", answer.text);
}

#[test]
fn a_long_list_of_roles_comes_in_pages_within_the_budget() {
    let mut fake = fake();
    for at in 0..200 {
        let mut one = role(&format!("db-r{at:03}"), "db", &format!("r{at:03}"));
        one["spec"]["comment"] = json!("x".repeat(250));
        fake = fake.with("databaseroles", one);
    }
    let (mut seen, mut cursor) = (0, Value::Null);
    loop {
        let answer = fake.answer("list_postgres_roles", json!({"cluster_name": "db", "cursor": cursor, "limit": 500}));
        assert!(answer.structured.to_string().len() <= 25_000, "{}", answer.structured.to_string().len());
        seen += answer.structured["roles"].as_array().unwrap().len();
        cursor = answer.structured["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, 200);
}

#[test]
fn the_status_of_a_role_tells_why_it_is_not_applied() {
    let mut one = role("db-shop", "db", "shop");
    one["metadata"]["generation"] = json!(2);
    one["spec"]["validUntil"] = json!("2026-11-20T12:00:00Z");
    one["status"]["message"] = json!("waiting for the primary");
    let fake = fake().with("databaseroles", one);
    let answer = fake.answer("get_postgres_role_status", json!({"cluster_name": "db", "role_name": "shop"}));
    assert_eq!((&answer.structured["state"], &answer.structured["generation"]), (&json!("pending"), &json!(2)));
    assert!(answer.text.contains("waiting for the primary") && answer.text.contains("expired 24h ago"), "{}", answer.text);
    assert!(fake.requests().iter().all(|one| one.plural != "secrets"));
}

#[test]
fn parameters_of_the_reference_are_all_there_and_those_of_its_first_version() {
    let attributes = "login superuser inherit createdb createrole replication bypassrls in_roles connection_limit valid_until comment disable_password client_certificate reclaim_policy";
    for (tool, parameters) in [
        ("list_postgres_roles", "cluster_name namespace format".to_owned()),
        ("get_postgres_role_status", "cluster_name role_name namespace format".into()),
        ("create_postgres_role", format!("cluster_name role_name namespace dry_run {attributes}")),
        ("update_postgres_role", format!("cluster_name role_name namespace dry_run password reset_password {attributes}")),
        ("delete_postgres_role", "cluster_name role_name drop_role namespace dry_run confirm".into()),
    ] {
        let entry = crate::catalogue::find(tool).unwrap();
        for one in parameters.split(' ') {
            assert!(entry.parameters.iter().any(|parameter| parameter.name == one), "{tool}.{one}");
        }
        assert!(entry.promised, "{tool}");
    }
}
