//! Publications and subscriptions.

use serde_json::{Value, json};

use crate::fake::{Fake, Step, cluster, invalid};
use crate::json::merged;

fn fake() -> Fake {
    Fake::new().with("clusters", cluster("default", "db", 3))
}

fn publication(object: &str, cluster: &str, database: &str, name: &str, policy: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Publication",
        "metadata": {"name": object, "namespace": "default", "uid": format!("uid-{object}"), "resourceVersion": "10", "finalizers": ["f"]},
        "spec": {"cluster": {"name": cluster}, "dbname": database, "name": name, "publicationReclaimPolicy": policy,
            "target": {"objects": [{"tablesInSchema": "sales"}, {"table": {"schema": "public", "name": "orders", "columns": ["id"]}}]}},
        "status": {"applied": true},
    })
}

fn publish(more: &Value) -> Value {
    merged(&json!({"cluster_name": "db", "database_name": "shop", "publication_name": "feed", "wait": false}), more)
}

fn subscribe(more: &Value) -> Value {
    let asked = json!({"cluster_name": "db", "database_name": "shop", "subscription_name": "intake", "publication_name": "feed",
        "external_cluster": "source", "wait": false});
    merged(&asked, more)
}

#[test]
fn a_publication_says_exactly_what_it_publishes() {
    for (asked, target) in [
        (json!({"all_tables": true}), json!({"allTables": true})),
        (json!({"schemas": ["sales"]}), json!({"objects": [{"tablesInSchema": "sales"}]})),
        (
            json!({"tables": ["public.orders", "plain", {"name": "items", "columns": ["id"], "only": true}]}),
            json!({"objects": [{"table": {"schema": "public", "name": "orders"}}, {"table": {"name": "plain"}},
                {"table": {"name": "items", "columns": ["id"], "only": true}}]}),
        ),
    ] {
        let fake = fake();
        let answer = fake.answer("create_publication", publish(&merged(&asked, &json!({"parameters": {"publish": "insert"}}))));
        assert!(!answer.is_error, "{}", answer.text);
        let body = &fake.made("create")[0].body;
        assert_eq!((&body["spec"]["target"], &body["spec"]["parameters"]), (&target, &json!({"publish": "insert"})));
        assert_eq!(
            (&body["spec"]["dbname"], &body["spec"]["name"], &body["kind"]),
            (&json!("shop"), &json!("feed"), &json!("Publication"))
        );
        assert_eq!(body["spec"]["publicationReclaimPolicy"], "retain");
    }
}

#[test]
fn a_target_that_postgresql_does_not_know_is_refused_before_anything_is_sent() {
    for (asked, parameter) in [
        (json!({}), "tables"),
        (json!({"all_tables": true, "tables": ["a"]}), "all_tables"),
        (json!({"schemas": ["s"], "tables": [{"name": "a", "columns": ["id"]}]}), "tables"),
        (json!({"all_tables": true, "publication_name": "x".repeat(64)}), "publication_name"),
    ] {
        let fake = fake();
        let answer = fake.answer("create_publication", publish(&asked));
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{}", answer.text);
        assert!(fake.requests().is_empty(), "{asked}");
    }
}

#[test]
fn d2_publications_of_one_name_in_two_databases_are_two_objects() {
    let fake = fake();
    for database in ["shop", "stock"] {
        let answer = fake.answer("create_publication", publish(&json!({"database_name": database, "all_tables": true})));
        assert!(!answer.is_error && answer.structured["created"] == true, "{}", answer.text);
    }
    let names: Vec<Value> = fake.made("create").iter().map(|one| one.body["metadata"]["name"].clone()).collect();
    assert_ne!(names[0], names[1]);
}

#[test]
fn a_publication_that_is_declared_otherwise_is_no_success() {
    let fake = fake().with("publications", publication("feed", "db", "shop", "feed", "retain"));
    let answer = fake.answer("create_publication", publish(&json!({"all_tables": true})));
    assert!(answer.is_error && answer.structured["reason"] == "AlreadyExists" && fake.made("create").is_empty());
}

#[test]
fn lists_say_what_is_published_in_words() {
    let fake = fake()
        .with("publications", publication("feed", "db", "shop", "feed", "retain"))
        .with("publications", publication("other", "db", "stock", "feed", "retain"));
    let answer = fake.answer("list_publications", json!({"cluster_name": "db", "database_name": "shop"}));
    assert_eq!(answer.structured["count"], 1);
    assert_eq!(answer.structured["publications"][0]["publishes"], "schema sales, public.orders (id)");
    assert!(answer.text.contains("| shop | schema sales, public.orders (id) | stays | applied | feed |"), "{}", answer.text);
}

#[test]
fn a_drop_needs_consent_and_a_declaration_alone_does_not() {
    let asked = json!({"cluster_name": "db", "database_name": "shop", "publication_name": "feed", "wait": false});
    let fake = fake().with("publications", publication("feed", "db", "shop", "feed", "retain"));
    let answer = fake.answer("delete_publication", merged(&asked, &json!({"drop": true})));
    assert!(answer.is_error && answer.text.contains("subscriptions to it stop") && fake.made("patch").is_empty());
    let answer = fake.answer("delete_publication", merged(&asked, &json!({"drop": true, "confirm_name": "feed"})));
    assert!(!answer.is_error && answer.structured["dropped"] == true, "{}", answer.text);
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"publicationReclaimPolicy": "delete"}));
    let answer = fake.answer("delete_publication", merged(&asked, &json!({"drop": false})));
    assert!(!answer.is_error && answer.structured["dropped"] == false, "{}", answer.text);
}

#[test]
fn d2_the_publication_of_the_other_database_is_left_alone() {
    let fake = fake().with("publications", publication("feed", "db", "stock", "feed", "delete"));
    let asked = json!({"cluster_name": "db", "database_name": "shop", "publication_name": "feed", "confirm_name": "feed"});
    let answer = fake.answer("delete_publication", asked);
    assert!(answer.is_error && answer.structured["code"] == 404 && fake.made("delete").is_empty());
}

fn knowing(entries: Value) -> Fake {
    let mut one = cluster("default", "db", 3);
    one["spec"]["externalClusters"] = entries;
    Fake::new().with("clusters", one)
}

#[test]
fn a_subscription_to_a_cluster_that_is_known_touches_nothing_else() {
    let fake = knowing(json!([{"name": "source"}]));
    let answer = fake
        .answer("create_subscription", subscribe(&json!({"publication_database": "app", "parameters": {"copy_data": "false"}})));
    assert!(!answer.is_error && fake.made("patch").is_empty(), "{}", answer.text);
    assert_eq!(
        fake.made("create")[0].body["spec"],
        json!({"cluster": {"name": "db"}, "dbname": "shop", "name": "intake", "publicationName": "feed", "externalClusterName": "source",
            "publicationDBName": "app", "parameters": {"copy_data": "false"}, "subscriptionReclaimPolicy": "retain"})
    );
}

#[test]
fn an_unknown_cluster_is_refused_with_those_that_are_known() {
    let fake = knowing(json!([{"name": "other"}]));
    let answer = fake.answer("create_subscription", subscribe(&json!({})));
    assert!(answer.is_error && answer.structured["causes"][0]["parameter"] == "external_cluster");
    assert!(answer.text.contains("It knows other.") && fake.made("create").is_empty(), "{}", answer.text);
}

#[test]
fn a_new_connection_is_added_to_the_atomic_list_by_a_tested_patch() {
    let connection =
        json!({"connection": {"host": "source-rw.prod", "port": 5433, "user": "repl", "password_secret": "source-repl/pw"}});
    let entry = json!({"name": "source", "connectionParameters": {"host": "source-rw.prod", "port": "5433", "user": "repl"},
        "password": {"name": "source-repl", "key": "pw"}});
    let fake = knowing(json!([{"name": "other"}]));
    let answer = fake.answer("create_subscription", subscribe(&connection));
    assert!(!answer.is_error && answer.text.contains("external cluster `source` is added"), "{}", answer.text);
    assert_eq!(
        fake.made("patch")[0].body,
        json!([{"op": "test", "path": "/metadata/resourceVersion", "value": "10"},
            {"op": "add", "path": "/spec/externalClusters/-", "value": entry}])
    );
    assert!(fake.requests().iter().all(|one| one.plural != "secrets"));
    let none = super::replication::fake();
    none.answer("create_subscription", subscribe(&connection));
    assert_eq!(none.made("patch")[0].body[1], json!({"op": "add", "path": "/spec/externalClusters", "value": [entry]}));
}

#[test]
fn d12_two_writers_of_external_clusters_lose_nothing() {
    let fake = knowing(json!([{"name": "one"}]));
    let mut other = cluster("default", "db", 3);
    other["metadata"]["resourceVersion"] = json!("11");
    other["spec"]["externalClusters"] = json!([{"name": "one"}, {"name": "two"}]);
    *fake.meanwhile.borrow_mut() = Some(other);
    let answer = fake.answer("create_subscription", subscribe(&json!({"connection": {"host": "h"}})));
    assert!(!answer.is_error && answer.text.contains("somebody changed it"), "{}", answer.text);
    let names: Vec<Value> = fake.stored("clusters", "db").unwrap()["spec"]["externalClusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["one", "two", "source"]);
}

#[test]
fn another_connection_under_a_known_name_is_not_overwritten() {
    let fake = knowing(json!([{"name": "source", "connectionParameters": {"host": "elsewhere"}}]));
    let answer = fake.answer("create_subscription", subscribe(&json!({"connection": {"host": "h"}})));
    assert!(answer.is_error && answer.structured["causes"][0]["parameter"] == "connection" && fake.made("patch").is_empty());
}

#[test]
fn d1_a_dry_run_of_a_subscription_changes_neither_object() {
    let fake = fake();
    let answer = fake.answer("create_subscription", subscribe(&json!({"connection": {"host": "h"}, "dry_run": true})));
    assert!(!answer.is_error, "{}", answer.text);
    assert!(fake.made("patch").iter().chain(&fake.made("create")).all(|one| one.dry_run));
    assert!(fake.stored("subscriptions", "db-shop-intake").is_none());
}

#[test]
fn a_connection_that_was_added_is_told_when_the_subscription_is_refused() {
    let fake = fake().failing("create", "subscriptions", 1, invalid("spec.parameters", "unrecognized option"));
    let answer = fake.answer("create_subscription", subscribe(&json!({"connection": {"host": "h"}, "parameters": {"a": "b"}})));
    assert_eq!(answer.structured["causes"][0]["parameter"], "parameters");
    assert!(answer.text.contains("is added to `spec.externalClusters` of the cluster all the same"), "{}", answer.text);
}

#[test]
fn no_password_is_taken_in_clear() {
    let entry = crate::catalogue::find("create_subscription").unwrap();
    let validator = jsonschema::validator_for(&crate::parameter::input_schema(&entry.takes())).unwrap();
    assert!(validator.is_valid(&subscribe(&json!({"connection": {"host": "h"}}))));
    assert!(!validator.is_valid(&subscribe(&json!({"connection": {"host": "h", "password": "secret"}}))));
}

#[test]
fn a_subscription_is_waited_for_and_its_refusal_told() {
    let refused =
        Step::Event(500, "MODIFIED", json!({"status": {"applied": false, "message": "could not connect to the publisher"}}));
    let fake = knowing(json!([{"name": "source"}])).watching(vec![refused]);
    let answer = fake.answer("create_subscription", subscribe(&json!({"wait": true})));
    assert!(answer.is_error && answer.text.contains("could not connect to the publisher"), "{}", answer.text);
}
