//! update_postgres_role: attributes, and passwords in Secrets.

use serde_json::{Value, json};

use super::roles::{event, fake, inline, older, real, role};
use crate::answer::Answer;
use crate::fake::{Fake, invalid, status};
use crate::json::merged;
use crate::settings::{PrivilegedRoles, Settings};

const SECRET: &str = "cnpg-db-user-shop";

fn shop() -> Fake {
    fake().with("databaseroles", role("db-shop", "db", "shop"))
}

fn update(fake: &Fake, more: Value) -> Answer {
    fake.answer("update_postgres_role", merged(&json!({"cluster_name": "db", "role_name": "shop"}), &more))
}

fn spec(fake: &Fake) -> Value {
    fake.stored("databaseroles", "db-shop").unwrap()["spec"].clone()
}

/// All that a caller or an operator could read of a call, and what must not be in it.
fn assert_hidden(fake: &Fake, answer: &Answer, clear: Option<&str>) {
    let stored =
        fake.made("apply").into_iter().filter(|one| one.plural == "secrets").map(|one| one.body["data"]["password"].clone());
    let seen = format!("{}\n{}\n{:?}\n{:?}", answer.text, answer.structured, fake.logged.borrow(), fake.progress.borrow());
    for encoded in stored {
        assert!(!seen.contains(encoded.as_str().unwrap()), "{seen}");
    }
    assert!(clear.is_none_or(|one| !seen.contains(one)), "{seen}");
}

#[test]
fn only_what_was_asked_for_changes_and_the_patch_carries_its_version() {
    let fake = shop();
    let answer = update(&fake, json!({"createdb": true, "login": true, "connection_limit": 7, "wait": false}));
    let body = &real(&fake, "patch")[0].body;
    assert_eq!(*body, json!({"metadata": {"resourceVersion": "5"}, "spec": {"createdb": true, "connectionLimit": 7}}));
    assert_eq!((&answer.structured["changed"], &answer.structured["password_changed"]), (&json!(true), &json!(false)));
    assert!(answer.text.contains("+ spec.createdb: true") && fake.made("apply").is_empty());
}

#[test]
fn what_is_so_already_is_not_written() {
    let fake = shop();
    let answer = update(&fake, json!({"login": true, "inherit": true, "superuser": false}));
    assert!(!answer.is_error && answer.structured["changed"] == false && fake.made("patch").is_empty(), "{}", answer.text);
}

#[test]
fn a_dry_run_is_the_servers_and_writes_neither_role_nor_secret() {
    let fake = shop();
    let answer = update(&fake, json!({"createdb": true, "reset_password": true, "dry_run": true}));
    assert!(fake.requests().iter().all(|one| one.write.is_none() || one.dry_run));
    assert!(answer.structured["changed"] == false && answer.text.contains("would be written into Secret"), "{}", answer.text);
}

#[test]
fn d14_disabling_the_password_takes_the_reference_to_the_secret_out() {
    let fake = shop();
    update(&fake, json!({"disable_password": true, "wait": false}));
    assert_eq!(real(&fake, "patch")[0].body["spec"], json!({"disablePassword": true, "passwordSecret": null}));
    assert!(spec(&fake).get("passwordSecret").is_none() && spec(&fake)["disablePassword"] == true);
    let answer = update(&fake, json!({"reset_password": true}));
    assert!(answer.is_error && answer.text.contains("disable_password: false"), "{}", answer.text);
    update(&fake, json!({"reset_password": true, "disable_password": false, "wait": false}));
    assert!(spec(&fake).get("disablePassword").is_none() && spec(&fake)["passwordSecret"]["name"] == SECRET);
}

#[test]
fn d10_a_rotated_password_is_picked_up_at_once() {
    let mut applied = role("db-shop", "db", "shop");
    applied["status"]["secretResourceVersion"] = json!("1");
    let fake = shop().watching(vec![event("MODIFIED", role("db-shop", "db", "shop")), event("MODIFIED", applied)]);
    let answer = update(&fake, json!({"reset_password": true}));
    let secret = fake.stored("secrets", SECRET).unwrap();
    assert_eq!(secret["metadata"]["labels"]["cnpg.io/reload"], "true");
    assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], "uid-db-shop");
    assert!(fake.made("patch").is_empty(), "the declaration is as it was");
    assert_eq!(answer.structured["wait"], json!({"outcome": "ready", "waited_seconds": 2, "problem": null}), "{}", answer.text);
    assert_hidden(&fake, &answer, None);
}

#[test]
fn a_password_has_32_characters_and_another_one_comes_next_time() {
    let fake = shop();
    let made = || fake.made("apply").last().unwrap().body["data"]["password"].as_str().unwrap().to_owned();
    update(&fake, json!({"reset_password": true, "wait": false}));
    let first = made();
    update(&fake, json!({"reset_password": true, "wait": false}));
    assert_ne!(first, made());
    // 32 bytes are 44 digits of base64, one of them padding.
    assert!(first.len() == 44 && first.ends_with('=') && !first.ends_with("=="), "{first}");
}

#[test]
fn a_password_in_clear_is_taken_and_never_repeated() {
    for fake in [
        shop(),
        shop().failing("apply", "secrets", 9, invalid("data.password", "aHVudGVyMmh1bnRlcjI= (hunter2hunter2) is no good")),
    ] {
        let answer = update(&fake, json!({"password": "hunter2hunter2", "wait": false}));
        assert_hidden(&fake, &answer, Some("hunter2"));
        assert!(!answer.text.contains("aHVudGVy"), "{}", answer.text);
        assert_eq!(fake.made("apply").last().unwrap().body["data"]["password"], "aHVudGVyMmh1bnRlcjI=");
    }
    let schema = crate::parameter::input_schema(&crate::catalogue::find("update_postgres_role").unwrap().takes());
    assert_eq!(schema["properties"]["password"]["writeOnly"], true);
    assert!(update(&shop(), json!({"password": "x", "reset_password": true})).is_error);
}

#[test]
fn the_password_of_a_privileged_role_may_be_rotated_but_not_chosen() {
    let mut boss = role("db-shop", "db", "shop");
    boss["spec"]["superuser"] = json!(true);
    let fake = fake().with("databaseroles", boss);
    let answer = update(&fake, json!({"password": "known"}));
    assert!(answer.structured["causes"][0]["parameter"] == "password" && fake.made("apply").is_empty(), "{}", answer.text);
    assert!(!update(&fake, json!({"reset_password": true, "wait": false})).is_error);
    *fake.settings.borrow_mut() = Settings { privileged_roles: PrivilegedRoles::Allow, ..Settings::default() };
    assert!(!update(&fake, json!({"password": "known", "wait": false})).is_error);
}

#[test]
fn an_update_does_not_make_a_role_privileged() {
    for more in [json!({"superuser": true}), json!({"add_roles": ["pg_write_server_files"]}), json!({"in_roles": ["postgres"]})] {
        let fake = shop();
        let answer = update(&fake, more);
        assert!(answer.structured["reason"] == "PrivilegedRole" && fake.made("patch").is_empty(), "{}", answer.text);
    }
}

#[test]
fn d3_a_secret_that_somebody_else_made_is_not_overwritten() {
    let mut vault = role("db-shop", "db", "shop");
    vault["spec"]["passwordSecret"]["name"] = json!("my-vault-secret");
    let fake = fake().with("databaseroles", vault);
    let answer = update(&fake, json!({"reset_password": true}));
    assert!(answer.structured["reason"] == "ForeignSecret" && answer.text.contains("replace_secret"), "{}", answer.text);
    assert!(fake.requests().iter().all(|one| one.write.is_none()));
    update(&fake, json!({"reset_password": true, "replace_secret": true, "wait": false}));
    assert_eq!(spec(&fake)["passwordSecret"]["name"], SECRET);
    assert!(fake.requests().iter().all(|one| one.name.as_deref() != Some("my-vault-secret")));
}

#[test]
fn d3_a_secret_of_our_name_that_somebody_else_wrote_is_left_alone() {
    // Its other keys would stay, and an apply would not conflict over ours.
    let theirs = json!({
        "metadata": {"name": SECRET, "namespace": "default", "uid": "u", "resourceVersion": "3",
            "managedFields": [{"manager": "kubectl-create", "operation": "Update", "fieldsV1": {"f:data": {"f:token": {}}}}]},
        "data": {"token": "dGhlaXJz"},
    });
    let fake = shop().with("secrets", theirs.clone());
    let answer = update(&fake, json!({"reset_password": true}));
    assert!(answer.structured["reason"] == "ForeignSecret" && answer.text.contains("kubectl-create"), "{}", answer.text);
    assert_eq!(fake.stored("secrets", SECRET).unwrap(), theirs);
    // And one whose password is owned by another manager is a conflict of the apply.
    let mut conflict = status(409, "Conflict", "Apply failed with 1 conflict");
    conflict.causes = invalid(".data.password", "conflict with \"external-secrets\" using v1").causes;
    let fake = shop().failing("apply", "secrets", 9, conflict);
    let answer = update(&fake, json!({"reset_password": true}));
    assert!(answer.structured["reason"] == "ForeignSecret" && answer.text.contains("external-secrets"), "{}", answer.text);
    // The host tells no words of a refusal that may quote a Secret.
    let fake = shop().failing("apply", "secrets", 9, status(409, "Conflict", "its own words are hidden"));
    let answer = update(&fake, json!({"reset_password": true}));
    assert!(answer.structured["reason"] == "ForeignSecret" && answer.structured["retryable"] == false, "{}", answer.text);
}

#[test]
fn two_writers_of_one_secret_are_both_told_which_password_holds() {
    let fake = shop();
    update(&fake, json!({"reset_password": true, "wait": false}));
    let mut theirs = fake.stored("secrets", SECRET).unwrap();
    theirs["metadata"]["resourceVersion"] = json!("9");
    // Rehearsal and write of before, then our rehearsal: they come in before our write.
    fake.interlope(3, "secrets", theirs);
    let answer = update(&fake, json!({"reset_password": true, "wait": false}));
    assert!(!answer.is_error && answer.text.contains("another call wrote Secret"), "{}", answer.text);
    let versions: Vec<Value> = real(&fake, "apply").iter().map(|one| one.body["metadata"]["resourceVersion"].clone()).collect();
    assert_eq!(versions, [Value::Null, json!("1"), json!("9")]);
}

#[test]
fn no_secret_is_ever_read() {
    for more in [json!({"reset_password": true}), json!({"createdb": true}), json!({"disable_password": true})] {
        let fake = shop();
        update(&fake, merged(&more, &json!({"wait": false})));
        assert!(fake.requests().iter().filter(|one| one.plural == "secrets").all(|one| one.verb == "apply"
            && one.write.as_ref().is_some_and(|write| write.reply == portcullis_plugin::kubernetes::METADATA)));
    }
}

#[test]
fn memberships_are_added_and_taken_away_from_what_is_there_now() {
    let mut member = role("db-shop", "db", "shop");
    member["spec"]["inRoles"] = json!(["a", "b"]);
    let fake = fake().with("databaseroles", member.clone());
    member["metadata"]["resourceVersion"] = json!("6");
    member["spec"]["inRoles"] = json!(["a", "b", "theirs"]);
    // Before our write somebody else adds a membership.
    fake.interlope(0, "databaseroles", member);
    let answer = update(&fake, json!({"add_roles": ["c"], "remove_roles": ["a"], "wait": false}));
    assert_eq!(spec(&fake)["inRoles"], json!(["b", "theirs", "c"]), "{}", answer.text);
    assert!(answer.text.contains("somebody") && answer.text.contains("spec.inRoles"), "{}", answer.text);
    assert!(update(&fake, json!({"in_roles": ["x"], "add_roles": ["y"]})).is_error);
}

#[test]
fn attributes_are_unset_by_name_since_null_means_left_out() {
    let mut one = role("db-shop", "db", "shop");
    one["spec"]["validUntil"] = json!("2027-01-01T00:00:00Z");
    one["spec"]["comment"] = json!("x");
    let fake = fake().with("databaseroles", one);
    update(&fake, json!({"unset": ["valid_until"], "comment": null, "wait": false}));
    assert_eq!(real(&fake, "patch")[0].body["spec"], json!({"validUntil": null}));
    assert!(spec(&fake)["comment"] == "x" && spec(&fake).get("validUntil").is_none());
    assert!(update(&fake, json!({"unset": ["comment"], "comment": "y"})).is_error);
}

#[test]
fn a_moment_that_is_none_is_refused_by_its_parameter() {
    for bad in ["tomorrow", "2027-01-31", "2027-01-31T00:00:00"] {
        let answer = update(&shop(), json!({"valid_until": bad}));
        assert_eq!(answer.structured["causes"][0]["parameter"], "valid_until", "{bad}");
    }
}

#[test]
fn an_entry_of_the_list_is_changed_by_a_patch_that_tests_it() {
    let entry = json!({"name": "shop", "login": true, "passwordSecret": {"name": SECRET}});
    let fake = older(json!([{"name": "other"}, entry.clone()]));
    let answer = update(&fake, json!({"createdb": true, "reset_password": true, "wait": false}));
    let patch = &real(&fake, "patch")[0].body;
    assert_eq!(patch[1], json!({"op": "test", "path": "/spec/managed/roles/1", "value": entry}));
    assert_eq!(patch[2]["value"]["createdb"], true);
    let roles = fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"].clone();
    assert_eq!((&roles[0], &roles[1]["createdb"]), (&json!({"name": "other"}), &json!(true)));
    assert_eq!(fake.stored("secrets", SECRET).unwrap()["metadata"]["ownerReferences"][0]["uid"], "uid-db");
    assert_eq!(answer.structured["changes"], json!([{"path": "role.createdb", "from": null, "to": true}]));
}

#[test]
fn an_entry_that_somebody_took_out_is_not_put_back() {
    let fake = older(json!([{"name": "shop", "login": true}]));
    let mut theirs = inline(json!([]));
    theirs["metadata"]["resourceVersion"] = json!("11");
    fake.interlope(0, "clusters", theirs);
    let answer = update(&fake, json!({"createdb": true}));
    assert!(answer.is_error && answer.text.contains("somebody took role `shop` out"), "{}", answer.text);
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["managed"]["roles"], json!([]));
}

#[test]
fn a_role_that_a_gitops_tool_owns_is_not_changed() {
    let mut owned = role("db-shop", "db", "shop");
    owned["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"});
    let fake = fake().with("databaseroles", owned);
    let answer = update(&fake, json!({"createdb": true, "reset_password": true}));
    assert!(
        answer.structured["reason"] == "GitOpsManaged" && fake.requests().iter().all(|one| one.write.is_none()),
        "{}",
        answer.text
    );
}
