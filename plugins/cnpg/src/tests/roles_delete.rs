//! delete_postgres_role.

use serde_json::{Value, json};

use super::roles::{event, fake, inline, older, real, role};
use crate::answer::Answer;
use crate::fake::{Fake, Request};
use crate::json::merged;

fn shop() -> Fake {
    fake()
        .with("databaseroles", role("db-shop", "db", "shop"))
        .with("secrets", json!({"metadata": {"name": "cnpg-db-user-shop", "namespace": "default"}}))
}

fn arguments(more: Value) -> Value {
    merged(&json!({"cluster_name": "db", "role_name": "shop"}), &more)
}

fn delete(fake: &Fake, more: Value) -> Answer {
    fake.answer("delete_postgres_role", arguments(more))
}

fn writes(fake: &Fake) -> Vec<Request> {
    fake.requests().into_iter().filter(|one| (one.write.is_some() || one.delete.is_some()) && !one.dry_run).collect()
}

#[test]
fn d1_only_a_confirmed_call_deletes() {
    for more in [
        json!({}),
        json!({"confirm": true}),
        json!({"confirm": false}),
        json!({"confirm": false, "confirm_name": "shop"}),
        json!({"confirm": true, "confirm_name": "db-shop"}),
        json!({"drop_role": true}),
    ] {
        let fake = shop();
        let answer = delete(&fake, more.clone());
        assert!(answer.is_error && writes(&fake).is_empty(), "{more}: {}", answer.text);
    }
    let answer = delete(&shop(), json!({"confirm": true, "confirm_name": "shop"}));
    assert_eq!((&answer.structured["deleted"], &answer.structured["confirmed_by"]), (&json!(true), &json!("confirm_name")));
}

#[test]
fn d1_the_human_is_asked_when_the_client_can() {
    let fake = shop();
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question("delete_postgres_role", arguments(json!({"confirm": true, "drop_role": true})));
    let words = question.params.to_string();
    assert!(words.contains("Drop role shop") && words.contains("DROP ROLE") && writes(&fake).is_empty(), "{words}");
    fake.context.borrow_mut().answers =
        vec![("confirm".into(), json!({"action": "accept", "content": {"confirm_name": "shop"}}))];
    fake.context.borrow_mut().state = Some(question.state);
    let answer = delete(&fake, json!({"drop_role": true}));
    assert_eq!(answer.structured["confirmed_by"], "human", "{}", answer.text);
}

#[test]
fn the_delete_is_fenced_and_the_role_stays_in_postgresql_unless_it_is_dropped() {
    let fake = shop();
    let answer = delete(&fake, json!({"confirm_name": "shop"}));
    let fences = real(&fake, "delete")[0].delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-db-shop"), Some("5")));
    assert!(fake.made("patch").is_empty() && answer.text.contains("Stays: the role in PostgreSQL"), "{}", answer.text);
    assert_eq!((&answer.structured["gone"], &answer.structured["drop_role"]), (&json!(true), &json!(false)));
}

#[test]
fn dropping_sets_the_policy_first_and_waits_for_the_finalizer() {
    let mut one = role("db-shop", "db", "shop");
    one["metadata"]["finalizers"] = json!(["cnpg.io/deleteRole"]);
    let fake = fake().with("databaseroles", one.clone()).watching(vec![event("DELETED", one)]);
    let answer = delete(&fake, json!({"confirm_name": "shop", "drop_role": true}));
    assert_eq!(
        real(&fake, "patch")[0].body,
        json!({"metadata": {"resourceVersion": "5"}, "spec": {"databaseRoleReclaimPolicy": "delete"}})
    );
    assert_eq!(real(&fake, "delete")[0].delete.clone().unwrap().resource_version.as_deref(), Some("6"));
    assert!(answer.structured["gone"] == true && answer.text.contains("Gone after"), "{}", answer.text);
}

#[test]
fn a_role_that_owns_objects_is_told_with_postgresqls_words() {
    let mut one = role("db-shop", "db", "shop");
    one["metadata"]["finalizers"] = json!(["cnpg.io/deleteRole"]);
    let mut stuck = one.clone();
    stuck["metadata"]["deletionTimestamp"] = json!("2026-11-21T12:00:00Z");
    stuck["status"] = json!({"applied": false, "message": "role \"shop\" cannot be dropped because some objects depend on it"});
    let fake = fake().with("databaseroles", one).watching(vec![event("MODIFIED", stuck.clone())]);
    let answer = delete(&fake, json!({"confirm_name": "shop", "drop_role": true, "timeout": 5}));
    assert!(answer.structured["gone"] == false && answer.text.contains("some objects depend on it"), "{}", answer.text);
    let fake = super::roles::fake().with("databaseroles", stuck);
    let again = delete(&fake, json!({"confirm_name": "shop"}));
    assert!(again.structured["reason"] == "BeingDeleted" && again.text.contains("some objects depend on it"), "{}", again.text);
}

#[test]
fn a_role_that_shall_stay_is_kept_although_its_policy_says_delete() {
    let mut one = role("db-shop", "db", "shop");
    one["spec"]["databaseRoleReclaimPolicy"] = json!("delete");
    let fake = fake().with("databaseroles", one.clone());
    delete(&fake, json!({"confirm_name": "shop", "drop_role": false}));
    assert_eq!(real(&fake, "patch")[0].body["spec"]["databaseRoleReclaimPolicy"], "retain");
    let fake = super::roles::fake().with("databaseroles", one);
    let answer = delete(&fake, json!({"confirm_name": "shop"}));
    assert!(fake.made("patch").is_empty() && answer.structured["drop_role"] == true, "left out: as the policy says");
}

#[test]
fn d3_no_secret_is_touched() {
    let mut vault = role("db-shop", "db", "shop");
    vault["spec"]["passwordSecret"]["name"] = json!("my-vault-secret");
    let fake = fake().with("databaseroles", vault);
    let answer = delete(&fake, json!({"confirm_name": "shop", "drop_role": true}));
    assert!(fake.requests().iter().all(|one| one.plural != "secrets"));
    assert!(
        answer.structured["secret_fate"] == "kept" && answer.text.contains("Stays: Secret `my-vault-secret`"),
        "{}",
        answer.text
    );
    assert_eq!(delete(&shop(), json!({"dry_run": true})).structured["secret_fate"], "garbage_collected");
}

#[test]
fn a_dry_run_is_the_servers_and_changes_nothing() {
    for fake in [shop(), older(json!([{"name": "shop"}]))] {
        let answer = delete(&fake, json!({"dry_run": true, "drop_role": true, "confirm_name": "shop"}));
        assert!(writes(&fake).is_empty() && !fake.made("patch").is_empty(), "{}", answer.text);
        assert!(answer.structured["deleted"] == false && answer.text.contains("Would go"), "{}", answer.text);
    }
}

#[test]
fn d2_a_role_of_another_cluster_is_never_deleted() {
    // Both would be called a-b-c by the reference.
    let fake =
        Fake::new().with("clusters", crate::fake::cluster("default", "a", 1)).with("databaseroles", role("a-b-c", "a-b", "c"));
    let answer = fake.answer("delete_postgres_role", json!({"cluster_name": "a", "role_name": "b-c", "confirm_name": "b-c"}));
    assert!(answer.is_error && writes(&fake).is_empty(), "{}", answer.text);
}

#[test]
fn an_object_that_took_the_name_meanwhile_is_left_alone() {
    let fake = shop();
    let mut another = role("db-shop", "db", "shop");
    another["metadata"]["uid"] = json!("uid-another");
    another["metadata"]["resourceVersion"] = json!("9");
    fake.interlope(0, "databaseroles", another);
    let answer = delete(&fake, json!({"confirm_name": "shop"}));
    assert!(answer.structured["reason"] == "Replaced" && fake.stored("databaseroles", "db-shop").is_some(), "{}", answer.text);
}

#[test]
fn what_a_gitops_tool_would_make_again_is_not_deleted() {
    let mut owned = role("db-shop", "db", "shop");
    owned["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"});
    let fake = fake().with("databaseroles", owned);
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let answer = delete(&fake, json!({"drop_role": true}));
    assert!(answer.structured["reason"] == "GitOpsManaged" && writes(&fake).is_empty(), "refused before the human is asked");
}

/// The cluster as CloudNativePG shows it while it drops the role: pending first, then reconciled.
fn at(status: &str, version: &str) -> Value {
    let mut one = inline(json!([{"name": "other"}, {"name": "shop", "ensure": "absent"}]));
    one["metadata"]["resourceVersion"] = json!(version);
    one["status"]["managedRolesStatus"] = json!({"byStatus": {status: ["shop"]}});
    one
}

fn listed() -> Fake {
    let mut one = inline(json!([{"name": "other"}, {"name": "shop"}]));
    one["status"]["managedRolesStatus"] = json!({"byStatus": {"reconciled": ["shop", "other"]}});
    Fake::new().with("clusters", one).without(&["databaseroles"])
}

fn names(fake: &Fake) -> Vec<(String, Value)> {
    let roles = fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"].clone();
    roles.as_array().unwrap().iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["ensure"].clone())).collect()
}

#[test]
fn d11_an_entry_is_declared_absent_and_taken_out_when_the_role_is_gone() {
    let fake =
        listed().watching(vec![event("MODIFIED", at("pending-reconciliation", "12")), event("MODIFIED", at("reconciled", "13"))]);
    let answer = delete(&fake, json!({"confirm_name": "shop"}));
    assert!(!answer.is_error && answer.structured["gone"] == true, "{}", answer.text);
    let patches = real(&fake, "patch");
    assert_eq!((&patches[0].body[2]["op"], &patches[0].body[2]["value"]["ensure"]), (&json!("replace"), &json!("absent")));
    assert_eq!(patches[1].body[2], json!({"op": "remove", "path": "/spec/managed/roles/1"}));
    assert_eq!(names(&fake), [("other".to_owned(), Value::Null)]);
}

#[test]
fn d11_a_status_from_before_does_not_count_as_confirmation() {
    let fake = listed().watching(vec![event("MODIFIED", at("reconciled", "12"))]);
    let answer = delete(&fake, json!({"confirm_name": "shop", "timeout": 5}));
    assert_eq!(names(&fake), [("other".to_owned(), Value::Null), ("shop".to_owned(), json!("absent"))]);
    assert!(answer.structured["gone"] == false && answer.text.contains("call again"), "{}", answer.text);
}

#[test]
fn d11_a_later_call_takes_out_what_was_confirmed_long_ago() {
    let mut done = at("reconciled", "12");
    done["metadata"]["managedFields"] =
        json!([{"manager": "portcullis-cnpg", "operation": "Update", "time": "2026-11-21T11:50:00Z"}]);
    let fake = Fake::new().with("clusters", done).without(&["databaseroles"]);
    let answer = delete(&fake, json!({}));
    assert!(!answer.is_error && answer.structured["gone"] == true, "{}", answer.text);
    assert_eq!(names(&fake), [("other".to_owned(), Value::Null)]);
}

#[test]
fn d11_what_somebody_else_declared_absent_just_now_is_not_taken_out() {
    let mut done = at("reconciled", "12");
    let managed = |other: Value| {
        json!([{"manager": "portcullis-cnpg", "operation": "Update", "time": "2026-11-21T11:50:00Z"},
            merged(&json!({"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-21T11:59:50Z"}), &other)])
    };
    done["metadata"]["managedFields"] = managed(json!({}));
    let fake = Fake::new().with("clusters", done.clone()).without(&["databaseroles"]);
    let answer = delete(&fake, json!({"timeout": 5}));
    assert!(answer.structured["gone"] == false && names(&fake).len() == 2, "{}", answer.text);
    // The operator writes the status all the time.
    done["metadata"]["managedFields"] = managed(json!({"manager": "manager", "subresource": "status"}));
    let fake = Fake::new().with("clusters", done).without(&["databaseroles"]);
    assert!(delete(&fake, json!({})).structured["gone"] == true && names(&fake).len() == 1);
}

#[test]
fn d1_finishing_what_was_begun_is_stopped_by_a_flag_that_says_no_and_by_another_name() {
    let mut done = at("reconciled", "12");
    done["metadata"]["managedFields"] =
        json!([{"manager": "portcullis-cnpg", "operation": "Update", "time": "2026-11-21T11:50:00Z"}]);
    for more in [json!({"confirm": false}), json!({"confirm_name": "other"})] {
        let fake = Fake::new().with("clusters", done.clone()).without(&["databaseroles"]);
        let answer = delete(&fake, more.clone());
        assert!(answer.is_error && writes(&fake).is_empty() && names(&fake).len() == 2, "{more}: {}", answer.text);
    }
}

#[test]
fn an_entry_whose_role_owns_objects_stays_absent_and_says_why() {
    let mut stuck = at("pending-reconciliation", "12");
    stuck["status"]["managedRolesStatus"]["cannotReconcile"] = json!({"shop": ["owner of database sales"]});
    let fake = listed().watching(vec![event("MODIFIED", stuck)]);
    let answer = delete(&fake, json!({"confirm_name": "shop"}));
    assert!(answer.structured["reason"] == "NotDropped" && answer.text.contains("owner of database sales"), "{}", answer.text);
    assert_eq!(names(&fake)[1], ("shop".to_owned(), json!("absent")));
}

#[test]
fn an_entry_whose_role_shall_stay_is_only_taken_out() {
    let fake = listed();
    let answer = delete(&fake, json!({"confirm_name": "shop", "drop_role": false}));
    assert!(answer.text.contains("Stays: the role in PostgreSQL") && names(&fake).len() == 1, "{}", answer.text);
    assert_eq!(real(&fake, "patch").len(), 1);
}
