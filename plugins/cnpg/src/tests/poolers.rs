//! Poolers.

use serde_json::{Value, json};

use crate::fake::{Fake, cluster, invalid};
use crate::json::merged;

fn pooler(name: &str, of: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler",
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "resourceVersion": "10"},
        "spec": {"cluster": {"name": of}, "type": "rw", "instances": 2, "pgbouncer": {"poolMode": "session", "parameters": {"default_pool_size": "20"}}},
        "status": {"instances": 1, "phase": "active"},
    })
}

fn fake() -> Fake {
    Fake::new().with("clusters", cluster("default", "db", 3)).with("poolers", pooler("db-rw-pool", "db"))
}

#[test]
fn a_new_pooler_is_posted_with_what_was_said() {
    let fake = fake();
    let asked = json!({"name": "db-ro-pool", "cluster_name": "db", "type": "ro", "instances": 3, "pool_mode": "transaction",
        "parameters": {"max_client_conn": 1000, "default_pool_size": null}});
    let answer = fake.answer("set_pooler", asked);
    assert!(!answer.is_error && answer.structured["created"] == true, "{}", answer.text);
    assert_eq!(
        fake.made("create")[0].body["spec"],
        json!({"cluster": {"name": "db"}, "type": "ro", "instances": 3,
            "pgbouncer": {"poolMode": "transaction", "parameters": {"max_client_conn": "1000"}}})
    );
}

#[test]
fn a_new_pooler_needs_its_cluster_and_a_name_of_its_own() {
    for (asked, parameter) in [
        (json!({"name": "new"}), "cluster_name"),
        (json!({"name": "db", "cluster_name": "db"}), "name"),
        (json!({"name": "db-rw-pool", "cluster_name": "other"}), "cluster_name"),
    ] {
        let fake = fake();
        let answer = fake.answer("set_pooler", asked.clone());
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{asked}: {}", answer.text);
        assert!(fake.made("create").is_empty() && fake.made("patch").is_empty());
    }
    let answer = fake().answer("set_pooler", json!({"name": "new", "cluster_name": "nobody"}));
    assert!(answer.is_error && answer.structured["code"] == 404);
}

#[test]
fn a_change_sends_only_what_was_said_on_the_version_that_was_read() {
    let fake = fake();
    let answer = fake.answer(
        "set_pooler",
        json!({"name": "db-rw-pool", "instances": 4, "parameters": {"default_pool_size": null, "max_client_conn": "500"}}),
    );
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!(
        fake.made("patch")[0].body,
        json!({"metadata": {"resourceVersion": "10"}, "spec": {"instances": 4,
            "pgbouncer": {"parameters": {"default_pool_size": null, "max_client_conn": "500"}}}})
    );
    assert!(answer.text.starts_with("Pooler `default/db-rw-pool` is changed"), "{}", answer.text);
    let again = fake.answer("set_pooler", json!({"name": "db-rw-pool", "instances": 4}));
    assert_eq!((&again.structured["changed"], fake.made("patch").len()), (&json!(false), 1));
}

#[test]
fn d1_a_dry_run_makes_and_changes_nothing() {
    let fake = fake();
    for asked in [json!({"name": "new", "cluster_name": "db"}), json!({"name": "db-rw-pool", "instances": 9})] {
        let answer = fake.answer("set_pooler", merged(&asked, &json!({"dry_run": true})));
        assert!(!answer.is_error && answer.structured["changed"] == false, "{}", answer.text);
    }
    assert!(fake.made("create").iter().chain(&fake.made("patch")).all(|one| one.dry_run));
}

#[test]
fn d12_a_second_writer_of_a_pooler_is_told_what_changed() {
    let fake = fake();
    let mut other = pooler("db-rw-pool", "db");
    other["metadata"]["resourceVersion"] = json!("11");
    other["spec"]["pgbouncer"]["poolMode"] = json!("transaction");
    *fake.meanwhile.borrow_mut() = Some(other);
    let answer = fake.answer("set_pooler", json!({"name": "db-rw-pool", "instances": 4}));
    assert!(answer.text.contains("somebody changed it") && answer.text.contains("poolMode"), "{}", answer.text);
    assert_eq!(fake.stored("poolers", "db-rw-pool").unwrap()["spec"]["pgbouncer"]["poolMode"], "transaction");
}

#[test]
fn a_parameter_that_cloudnativepg_does_not_allow_is_named() {
    let fake = fake().failing("patch", "poolers", 1, invalid("spec.pgbouncer.parameters.logfile", "not allowed"));
    let answer = fake.answer("set_pooler", json!({"name": "db-rw-pool", "parameters": {"logfile": "x"}}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "parameters");
}

#[test]
fn pausing_and_resuming_change_one_field_once() {
    let fake = fake();
    let answer = fake.answer("pause_pooler", json!({"name": "db-rw-pool"}));
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"pgbouncer": {"paused": true}}));
    assert!(answer.text.contains("clients wait") && answer.structured["changed"] == true, "{}", answer.text);
    assert_eq!(fake.answer("pause_pooler", json!({"name": "db-rw-pool"})).structured["changed"], false);
    assert!(fake.answer("get_pooler", json!({"name": "db-rw-pool"})).text.contains("**Paused**"));
    fake.answer("resume_pooler", json!({"name": "db-rw-pool"}));
    assert_eq!(fake.made("patch")[1].body["spec"], json!({"pgbouncer": {"paused": false}}));
    let answer = fake.answer("pause_pooler", json!({"name": "nobody"}));
    assert!(answer.is_error && answer.structured["next_tools"] == json!(["list_poolers"]));
}

#[test]
fn lists_and_details_tell_where_a_pooler_leads() {
    let fake = fake().with("poolers", pooler("other-pool", "other"));
    let answer = fake.answer("list_poolers", json!({"cluster_name": "db"}));
    assert_eq!((&answer.structured["count"], &answer.structured["poolers"][0]["running"]), (&json!(1), &json!(1)));
    assert!(answer.text.contains("| db-rw-pool | db | rw | session | 1/2 | active |"), "{}", answer.text);
    let answer = fake.answer("get_pooler", json!({"name": "db-rw-pool"}));
    assert_eq!(
        (&answer.structured["service"], &answer.structured["parameters"]),
        (&json!("db-rw-pool.default.svc"), &json!({"default_pool_size": "20"}))
    );
}

#[test]
fn d1_a_pooler_is_deleted_only_when_it_was_agreed_to() {
    for asked in [
        json!({}),
        json!({"confirm": true}),
        json!({"confirm": false, "confirm_name": "db-rw-pool"}),
        json!({"confirm_name": "db"}),
    ] {
        let fake = fake();
        let answer = fake.answer("delete_pooler", merged(&json!({"name": "db-rw-pool"}), &asked));
        assert!(answer.is_error && fake.made("delete").is_empty(), "{asked}");
    }
    let fake = fake();
    let answer = fake.answer("delete_pooler", json!({"name": "db-rw-pool", "dry_run": true}));
    assert!(!answer.is_error && fake.made("delete").iter().all(|one| one.dry_run));
    let answer = fake.answer("delete_pooler", json!({"name": "db-rw-pool", "confirm_name": "db-rw-pool"}));
    assert_eq!((&answer.structured["deleted"], &answer.structured["confirmed_by"]), (&json!(true), &json!("confirm_name")));
    let fences = fake.made("delete")[1].delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-db-rw-pool"), Some("10")));
}
