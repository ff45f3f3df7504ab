//! Databases: list, status, create, update, delete.

use serde_json::{Value, json};

use crate::fake::{Fake, Request, Step, cluster, status};
use crate::settings::Gitops;

const CREATE: &str = "create_postgres_database";
const UPDATE: &str = "update_postgres_database";
const DELETE: &str = "delete_postgres_database";

/// A Database object.
fn database(object: &str, cluster: &str, name: &str, policy: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Database",
        "metadata": {"name": object, "namespace": "default", "uid": format!("uid-{object}"), "resourceVersion": "10", "generation": 1,
            "creationTimestamp": "2026-11-20T12:00:00Z", "finalizers": ["cnpg.io/deleteDatabase"]},
        "spec": {"cluster": {"name": cluster}, "name": name, "owner": "app", "databaseReclaimPolicy": policy},
        "status": {"applied": true, "observedGeneration": 1},
    })
}

fn fake() -> Fake {
    Fake::new().with("clusters", cluster("default", "db", 3))
}

fn arguments(name: &str) -> Value {
    json!({"cluster_name": "db", "database_name": name, "owner": "app", "wait": false})
}

fn event(kind: &'static str, applied: Value, message: &str) -> Step {
    Step::Event(
        1_000,
        kind,
        json!({"metadata": {"generation": 1}, "status": {"applied": applied, "message": message, "observedGeneration": 1}}),
    )
}

fn target(request: &Request) -> (&str, Option<&str>) {
    (request.plural.as_str(), request.name.as_deref())
}

#[test]
fn a_database_is_posted_strictly_with_what_was_asked_for_and_nothing_else() {
    let fake = fake();
    let answer = fake.answer(
        CREATE,
        json!({"cluster_name": "db", "database_name": "shop", "owner": "app", "encoding": "UTF8", "locale_provider": "icu", "icu_locale": "de",
            "locale_ctype": "C", "template": "template0", "connection_limit": 20, "allow_connections": true, "reclaim_policy": "delete",
            "extensions": ["hstore", {"name": "postgis", "schema": "gis"}], "schemas": [{"name": "gis", "owner": "app"}], "wait": false}),
    );
    assert!(!answer.is_error, "{}", answer.text);
    let made = &fake.made("create")[0];
    assert_eq!(made.body["metadata"]["name"], "db-shop");
    assert_eq!(
        made.body["spec"],
        json!({"cluster": {"name": "db"}, "name": "shop", "owner": "app", "databaseReclaimPolicy": "delete", "encoding": "UTF8",
            "localeProvider": "icu", "icuLocale": "de", "localeCType": "C", "template": "template0", "connectionLimit": 20,
            "allowConnections": true, "extensions": [{"name": "hstore"}, {"name": "postgis", "schema": "gis"}],
            "schemas": [{"name": "gis", "owner": "app"}]})
    );
    let options = made.write.clone().unwrap();
    assert_eq!(
        (options.field_manager.as_deref(), options.field_validation.as_deref()),
        (Some("portcullis-cnpg"), Some("Strict"))
    );
    assert_eq!((&answer.structured["created"], &answer.structured["crd_name"]), (&json!(true), &json!("db-shop")));
    assert!(answer.text.contains("deleting that drops it"));
}

#[test]
fn d1_a_dry_run_declares_nothing() {
    let fake = fake();
    let answer = fake.answer(CREATE, json!({"cluster_name": "db", "database_name": "shop", "owner": "app", "dry_run": true}));
    assert!(fake.made("create").iter().all(|one| one.dry_run) && fake.made("watch").is_empty());
    assert_eq!((&answer.structured["created"], &answer.structured["dry_run"]), (&json!(false), &json!(true)));
    assert!(answer.text.contains("databaseReclaimPolicy: retain"), "{}", answer.text);
}

#[test]
fn creating_waits_until_the_operator_has_applied_it_or_says_why_not() {
    let asked = json!({"cluster_name": "db", "database_name": "shop", "owner": "app"});
    let good = fake().watching(vec![event("MODIFIED", Value::Null, ""), event("MODIFIED", json!(true), "")]);
    let answer = good.answer(CREATE, asked.clone());
    assert_eq!(answer.structured["wait"]["outcome"], "applied");
    assert_eq!(good.made("watch")[0].list.clone().unwrap().field_selector.as_deref(), Some("metadata.name=db-shop"));
    let bad = fake().watching(vec![event("MODIFIED", json!(false), "role \"app\" does not exist\nNext: drop all")]);
    let answer = bad.answer(CREATE, asked.clone());
    assert!(answer.is_error && answer.structured["reason"] == "NotApplied");
    assert!(answer.text.contains("role \"app\" does not exist Next: drop all"), "on one line: {}", answer.text);
    let answer = fake().answer(CREATE, asked);
    assert_eq!(answer.structured["wait"]["outcome"], "timed_out");
}

#[test]
fn the_same_database_asked_for_twice_is_made_once_and_another_owner_is_no_accident() {
    let fake = fake().with("databases", database("old-name", "db", "shop", "retain"));
    let answer = fake.answer(CREATE, arguments("shop"));
    assert!(!answer.is_error && answer.structured["created"] == false && answer.structured["crd_name"] == "old-name");
    let mut other = arguments("shop");
    other["owner"] = json!("mallory");
    let answer = fake.answer(CREATE, other);
    assert!(answer.is_error && answer.text.contains("owner is \"app\", not \"mallory\""), "{}", answer.text);
    assert!(answer.text.contains("update_postgres_database") && fake.made("create").is_empty());
}

#[test]
fn d2_two_clusters_never_share_an_object() {
    let fake = Fake::new().with("clusters", cluster("default", "a", 1)).with("clusters", cluster("default", "a-b", 1));
    for (cluster, name) in [("a", "b-c"), ("a-b", "c")] {
        let answer = fake.answer(CREATE, json!({"cluster_name": cluster, "database_name": name, "owner": "app", "wait": false}));
        assert!(!answer.is_error, "{}", answer.text);
    }
    let names: Vec<Value> = fake.made("create").iter().map(|one| one.body["metadata"]["name"].clone()).collect();
    assert_eq!(names[0], "a-b-c", "as the reference called it");
    assert_ne!(names[0], names[1]);
}

#[test]
fn d2_the_database_that_is_deleted_is_the_one_whose_spec_was_named() {
    // What the reference made for cluster a-b, database c; it would delete it when asked for a, b-c.
    let fake = Fake::new().with("databases", database("a-b-c", "a-b", "c", "delete"));
    let answer =
        fake.answer(DELETE, json!({"cluster_name": "a", "database_name": "b-c", "confirm": true, "confirm_name": "b-c"}));
    assert!(
        answer.is_error && answer.structured["code"] == 404 && fake.made("delete").is_empty() && fake.made("patch").is_empty()
    );
    let fake = fake.with("databases", database("somewhere", "a", "b-c", "retain"));
    fake.answer(DELETE, json!({"cluster_name": "a", "database_name": "b-c", "wait": false}));
    assert_eq!(target(&fake.made("delete")[0]), ("databases", Some("somewhere")));
}

#[test]
fn d2_a_name_that_another_cluster_has_taken_is_stepped_around() {
    let fake =
        Fake::new().with("clusters", cluster("default", "a-b", 1)).with("databases", database("a-b-c", "a", "b-c", "retain"));
    let answer = fake.answer(CREATE, json!({"cluster_name": "a-b", "database_name": "c", "owner": "app", "wait": false}));
    assert!(!answer.is_error, "{}", answer.text);
    assert!(fake.made("create")[0].body["metadata"]["name"].as_str().unwrap().starts_with("a-b-c-"));
}

#[test]
fn d16_any_name_of_postgresql_is_taken() {
    for name in ["app_user", "MyDb", "Größe", "with space", "1st", &"x".repeat(63)] {
        let fake = fake();
        let answer = fake.answer(CREATE, arguments(name));
        assert!(!answer.is_error, "{}", answer.text);
        let body = &fake.made("create")[0].body;
        assert_eq!(body["spec"]["name"], name);
        let object = body["metadata"]["name"].as_str().unwrap();
        assert!(
            object.starts_with("db-")
                && object.bytes().all(|one| one == b'-' || one.is_ascii_lowercase() || one.is_ascii_digit())
        );
    }
}

#[test]
fn d16_what_cannot_be_is_refused_before_anything_is_sent() {
    for (parameter, change) in [
        ("database_name", json!({"database_name": "x".repeat(64)})),
        ("database_name", json!({"database_name": ""})),
        ("database_name", json!({"database_name": "template1"})),
        ("owner", json!({"owner": "x".repeat(64)})),
        ("icu_locale", json!({"icu_locale": "de"})),
        ("builtin_locale", json!({"builtin_locale": "C.UTF-8", "locale_provider": "icu"})),
        ("extensions", json!({"extensions": ["hstore", {"name": "hstore"}]})),
    ] {
        let fake = fake();
        let answer = fake.answer(CREATE, crate::json::merged(&arguments("shop"), &change));
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{}", answer.text);
        assert!(fake.requests().iter().all(|one| one.verb != "create"));
    }
}

#[test]
fn rules_of_the_crd_name_the_parameter() {
    for (field, message, parameter) in [
        ("spec.owner", "owner is required", "owner"),
        ("spec", "icuRules is only available when localeProvider is set to `icu`", "icu_rules"),
        ("spec.localeProvider", "localeProvider is immutable", "locale_provider"),
    ] {
        let fake = fake().failing("create", "databases", 1, crate::fake::invalid(field, message));
        assert_eq!(fake.answer(CREATE, arguments("shop")).structured["causes"][0]["parameter"], parameter);
    }
}

#[test]
fn a_database_for_a_cluster_that_is_not_there_is_refused() {
    let fake = Fake::new();
    let answer = fake.answer(CREATE, arguments("shop"));
    assert!(answer.is_error && answer.structured["code"] == 404 && fake.made("create").is_empty());
}

#[test]
fn an_owner_that_nobody_declared_is_worth_a_word() {
    let role = json!({"metadata": {"name": "r", "namespace": "default"}, "spec": {"cluster": {"name": "db"}, "name": "shop"}});
    let said = |fake: Fake, owner: &str| {
        let mut one = arguments("shop");
        one["owner"] = json!(owner);
        fake.answer(CREATE, one).text.contains("no object declares role")
    };
    assert!(said(fake(), "shop"));
    assert!(!said(fake(), "app") && !said(fake().with("databaseroles", role), "shop"));
    let refused = status(403, "Forbidden", "x cannot list");
    assert!(!said(fake().failing("list", "databaseroles", 1, refused), "shop"));
}

#[test]
fn listing_shows_every_cluster_or_one_with_what_the_operator_says() {
    let mut ill = database("db-ill", "db", "ill", "delete");
    ill["status"] = json!({"applied": false, "message": "role | missing"});
    let fake = fake()
        .with("databases", database("db-shop", "db", "shop", "retain"))
        .with("databases", ill)
        .with("databases", database("other-shop", "other", "shop", "retain"));
    let answer = fake.answer("list_postgres_databases", json!({"cluster_name": "db"}));
    assert_eq!((&answer.structured["count"], &answer.structured["cluster"]), (&json!(2), &json!("db")));
    let first = &answer.structured["databases"][0];
    assert_eq!(
        (&first["database_name"], &first["state"], &first["message"]),
        (&json!("ill"), &json!("failed"), &json!("role | missing"))
    );
    assert_eq!(
        (&first["crd_name"], &first["reclaim_policy"], &first["applied"]),
        (&json!("db-ill"), &json!("delete"), &json!(false))
    );
    assert!(answer.text.contains("role \\| missing"), "{}", answer.text);
    assert_eq!(fake.answer("list_postgres_databases", json!({"all_namespaces": true})).structured["count"], 3);
}

#[test]
fn d22_a_long_list_comes_in_pages_that_miss_nothing() {
    let fake = (0..400).fold(fake(), |fake, number| {
        fake.with("databases", database(&format!("db-{number:03}"), "db", &format!("d{number:03}"), "retain"))
    });
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let answer = fake.answer("list_postgres_databases", json!({"cluster_name": "db", "limit": 500, "cursor": cursor}));
        seen.extend(answer.structured["databases"].as_array().unwrap().iter().map(|one| one["database_name"].clone()));
        cursor = answer.structured["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 400);
}

#[test]
fn the_status_tells_each_part_and_puts_what_failed_first() {
    let mut one = database("db-shop", "db", "shop", "delete");
    one["metadata"]["generation"] = json!(2);
    one["spec"]["encoding"] = json!("UTF8");
    one["spec"]["extensions"] = json!([{"name": "hstore"}, {"name": "postgis", "version": "3.5"}]);
    one["status"]["extensions"] =
        json!([{"name": "hstore", "applied": true}, {"name": "postgis", "applied": false, "message": "not\navailable"}]);
    let answer = fake()
        .with("databases", one)
        .answer("get_postgres_database_status", json!({"cluster_name": "db", "database_name": "shop"}));
    assert_eq!(answer.structured["status"]["state"], "pending", "generation 2 is not applied yet");
    assert_eq!(answer.structured["create_options"]["encoding"], "UTF8");
    assert_eq!(answer.structured["parts"]["extensions"]["entries"][0]["name"], "postgis");
    assert!(answer.text.contains("| postgis | present, version 3.5 | no | not available |"), "{}", answer.text);
    assert!(answer.text.contains("drops the database"));
}

#[test]
fn what_is_not_declared_is_told_with_what_is() {
    let fake = fake().with("databases", database("db-shop", "db", "shop", "retain"));
    let answer = fake.answer("get_postgres_database_status", json!({"cluster_name": "db", "database_name": "shup"}));
    assert!(answer.is_error && answer.text.contains("Declared for this cluster: `shop`"), "{}", answer.text);
}

#[test]
fn two_objects_for_one_database_are_a_question_and_not_a_choice() {
    let fake =
        fake().with("databases", database("x", "db", "shop", "delete")).with("databases", database("y", "db", "shop", "retain"));
    let answer = fake.answer(DELETE, json!({"cluster_name": "db", "database_name": "shop", "confirm_name": "shop"}));
    assert!(answer.is_error && answer.text.contains("x, y") && fake.made("delete").is_empty());
}

#[test]
fn an_update_lays_what_is_named_over_what_is_there() {
    let mut one = database("db-shop", "db", "shop", "retain");
    one["spec"]["extensions"] = json!([{"name": "hstore", "version": "1.8"}, {"name": "citext"}]);
    let fake = fake().with("databases", one).watching(vec![event("MODIFIED", json!(true), "")]);
    let answer = fake.answer(
        UPDATE,
        json!({"cluster_name": "db", "database_name": "shop", "owner": "sales", "extensions": [{"name": "hstore", "schema": "public"}, "postgis"]}),
    );
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!(
        fake.made("patch")[0].body,
        json!({"metadata": {"resourceVersion": "10"}, "spec": {"owner": "sales",
            "extensions": [{"name": "hstore", "version": "1.8", "schema": "public"}, {"name": "citext"}, {"name": "postgis"}]}})
    );
    assert!(answer.text.contains("- spec.owner: \"app\"\n+ spec.owner: \"sales\""), "{}", answer.text);
}

#[test]
fn an_update_that_changes_nothing_sends_nothing() {
    let fake = fake().with("databases", database("db-shop", "db", "shop", "retain"));
    let answer = fake.answer(UPDATE, json!({"cluster_name": "db", "database_name": "shop", "owner": "app"}));
    assert!(answer.structured["changed"] == false && fake.made("patch").is_empty());
    let answer = fake.answer(UPDATE, json!({"cluster_name": "db", "database_name": "shop"}));
    assert!(answer.is_error && answer.text.contains("nothing to change was given"));
}

#[test]
fn d12_a_second_writer_loses_nothing_and_is_told_what_changed() {
    let fake = fake().with("databases", database("db-shop", "db", "shop", "retain"));
    let mut other = database("db-shop", "db", "shop", "retain");
    other["metadata"]["resourceVersion"] = json!("11");
    other["spec"]["extensions"] = json!([{"name": "citext"}]);
    *fake.meanwhile.borrow_mut() = Some(other);
    let answer =
        fake.answer(UPDATE, json!({"cluster_name": "db", "database_name": "shop", "extensions": ["hstore"], "wait": false}));
    let last = &fake.made("patch")[1].body;
    assert_eq!(
        last,
        &json!({"metadata": {"resourceVersion": "11"}, "spec": {"extensions": [{"name": "citext"}, {"name": "hstore"}]}})
    );
    assert!(answer.text.contains("somebody changed it") && answer.text.contains("spec.extensions"), "{}", answer.text);
}

#[test]
fn dropping_an_extension_needs_consent() {
    let asked = json!({"cluster_name": "db", "database_name": "shop", "extensions": [{"name": "postgis", "ensure": "absent"}], "wait": false});
    let fake = fake().with("databases", database("db-shop", "db", "shop", "retain"));
    let answer = fake.answer(UPDATE, asked.clone());
    assert!(answer.is_error && answer.text.contains("extension `postgis` is dropped") && fake.made("patch").is_empty());
    let mut confirmed = asked;
    confirmed["confirm_name"] = json!("shop");
    assert!(!fake.answer(UPDATE, confirmed).is_error);
}

#[test]
fn d1_confirm_false_never_deletes_and_confirm_true_alone_drops_nothing() {
    for policy in ["retain", "delete"] {
        let fake = fake().with("databases", database("db-shop", "db", "shop", policy));
        let answer =
            fake.answer(DELETE, json!({"cluster_name": "db", "database_name": "shop", "confirm": false, "confirm_name": "shop"}));
        assert!(answer.is_error && fake.made("delete").is_empty(), "{policy}");
    }
    let fake = fake().with("databases", database("db-shop", "db", "shop", "delete"));
    for asked in [json!({}), json!({"confirm": true}), json!({"confirm": true, "confirm_name": "shup"})] {
        let answer = fake.answer(DELETE, crate::json::merged(&json!({"cluster_name": "db", "database_name": "shop"}), &asked));
        assert!(answer.is_error && fake.made("delete").is_empty() && fake.made("patch").is_empty(), "{}", answer.text);
    }
}

#[test]
fn deleting_a_declaration_that_keeps_its_database_is_fenced_and_told_as_what_it_is() {
    let fake =
        fake().with("databases", database("db-shop", "db", "shop", "retain")).watching(vec![event("DELETED", json!(true), "")]);
    let answer = fake.answer(DELETE, json!({"cluster_name": "db", "database_name": "shop"}));
    let fences = fake.made("delete")[0].delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-db-shop"), Some("10")));
    assert_eq!((&answer.structured["deleted"], &answer.structured["dropped"]), (&json!(true), &json!(false)));
    assert_eq!(answer.structured["wait"]["outcome"], "gone");
    assert!(answer.text.contains("stays in PostgreSQL"));
}

#[test]
fn drop_decides_the_policy_before_the_object_goes() {
    for (policy, drop, patched) in [("retain", true, "delete"), ("delete", false, "retain")] {
        let fake = fake().with("databases", database("db-shop", "db", "shop", policy));
        let answer = fake.answer(
            DELETE,
            json!({"cluster_name": "db", "database_name": "shop", "drop": drop, "confirm_name": "shop", "wait": false}),
        );
        assert!(!answer.is_error, "{}", answer.text);
        assert_eq!(
            fake.made("patch")[0].body,
            json!({"metadata": {"resourceVersion": "10"}, "spec": {"databaseReclaimPolicy": patched}})
        );
        let fences = fake.made("delete")[0].delete.clone().unwrap();
        assert_eq!(fences.resource_version.as_deref(), Some("11"), "the version with the policy that was asked for");
        assert_eq!(answer.structured["dropped"], drop);
    }
}

#[test]
fn the_human_is_asked_about_a_drop_and_shown_what_goes_with_it() {
    let publication = json!({"metadata": {"name": "feed", "namespace": "default"}, "spec": {"cluster": {"name": "db"}, "dbname": "shop", "name": "feed"}});
    let fake = fake().with("databases", database("db-shop", "db", "shop", "delete")).with("publications", publication);
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question(DELETE, json!({"cluster_name": "db", "database_name": "shop"}));
    let message = question.params["message"].as_str().unwrap();
    assert!(message.contains("Drop database shop of PostgreSQL cluster default/db?"), "{message}");
    assert!(message.contains("with all that is in it") && message.contains("publications declared inside it go with it: feed"));
    assert!(fake.made("delete").is_empty() && fake.made("patch").is_empty());
}

#[test]
fn d1_a_dry_run_of_a_deletion_deletes_nothing() {
    let fake = fake().with("databases", database("db-shop", "db", "shop", "retain"));
    let answer = fake.answer(DELETE, json!({"cluster_name": "db", "database_name": "shop", "drop": true, "dry_run": true}));
    assert!(fake.made("delete").iter().all(|one| one.dry_run) && fake.made("patch").iter().all(|one| one.dry_run));
    assert_eq!((fake.made("delete").len(), fake.made("patch").len()), (1, 1));
    assert_eq!((&answer.structured["deleted"], &answer.structured["dropped"]), (&json!(false), &json!(false)));
}

#[test]
fn a_finalizer_that_keeps_the_object_is_told_with_the_operators_reason() {
    let fake = fake().with("databases", database("db-shop", "db", "shop", "delete")).watching(vec![event(
        "MODIFIED",
        json!(false),
        "database \"shop\" is being accessed by other users",
    )]);
    let answer = fake.answer(DELETE, json!({"cluster_name": "db", "database_name": "shop", "confirm_name": "shop"}));
    assert_eq!(answer.structured["wait"]["outcome"], "timed_out");
    assert!(answer.text.contains("being accessed by other users"), "{}", answer.text);
}

#[test]
fn a_database_that_argo_owns_is_neither_changed_nor_deleted() {
    let mut one = database("db-shop", "db", "shop", "retain");
    one["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"});
    let fake = fake().with("databases", one);
    for (tool, more) in [(DELETE, json!({})), (UPDATE, json!({"owner": "sales"}))] {
        let asked = crate::json::merged(&json!({"cluster_name": "db", "database_name": "shop", "wait": false}), &more);
        let answer = fake.answer(tool, asked);
        assert!(answer.is_error && answer.structured["reason"] == "GitOpsManaged", "{tool}: {}", answer.text);
    }
    assert!(fake.made("delete").is_empty() && fake.made("patch").is_empty());
    fake.settings.borrow_mut().gitops = Gitops::Warn;
    let answer = fake.answer(DELETE, json!({"cluster_name": "db", "database_name": "shop", "wait": false}));
    assert!(!answer.is_error && answer.text.contains("Argo CD"));
}
