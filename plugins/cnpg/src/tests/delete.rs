//! delete_postgres_cluster.

use serde_json::{Value, json};

use crate::fake::{Fake, Request, Step, cluster, status};
use crate::json::merged;
use crate::settings::Gitops;

const TOOL: &str = "delete_postgres_cluster";

fn belongs(name: &str, owned: bool) -> Value {
    let owners = if owned { json!([{"kind": "Cluster", "uid": "uid-db"}]) } else { json!([]) };
    json!({
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "resourceVersion": "7", "labels": {"cnpg.io/cluster": "db"}, "ownerReferences": owners},
        "spec": {"cluster": {"name": "db"}}, "status": {"phase": "completed", "stoppedAt": "2026-11-21T06:00:00Z"},
    })
}

fn fake() -> Fake {
    Fake::new()
        .with("clusters", cluster("default", "db", 3))
        .with("persistentvolumeclaims", belongs("db-1", true))
        .with("persistentvolumeclaims", belongs("db-9", false))
        .with("databases", belongs("db-shop", false))
        .with("databaseroles", belongs("db-app", false))
        .with("backups", belongs("b1", false))
        .with("secrets", belongs("my-s3-credentials", false))
}

fn asking() -> Fake {
    let fake = fake();
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    fake
}

fn confirmed() -> Value {
    json!({"name": "db", "confirm_deletion": true, "confirm_name": "db"})
}

fn deletes(fake: &Fake) -> Vec<Request> {
    fake.made("delete")
}

#[test]
fn d1_only_a_confirmed_call_deletes() {
    for arguments in [
        json!({"name": "db"}),
        json!({"name": "db", "confirm_deletion": false}),
        json!({"name": "db", "confirm_deletion": false, "confirm_name": "db"}),
        json!({"name": "db", "confirm_deletion": true}),
        json!({"name": "db", "confirm_deletion": true, "confirm_name": "bd"}),
    ] {
        let fake = fake();
        let answer = fake.answer(TOOL, arguments.clone());
        assert!(answer.is_error && deletes(&fake).is_empty(), "{arguments}");
    }
    let fake = fake();
    let answer = fake.answer(TOOL, confirmed());
    assert_eq!((&answer.structured["deleted"], &answer.structured["confirmed_by"]), (&json!(true), &json!("confirm_name")));
    assert_eq!(deletes(&fake).len(), 1);
}

#[test]
fn d1_a_dry_run_is_the_servers_and_deletes_nothing() {
    let fake = fake();
    let answer = fake.answer(
        TOOL,
        json!({"name": "db", "dry_run": true, "confirm_deletion": true, "confirm_name": "db", "cascade": ["databases"]}),
    );
    let checked: Vec<String> = deletes(&fake).into_iter().map(|one| one.plural).collect();
    assert_eq!(checked, ["clusters", "databases"], "what would be deleted too is checked too");
    assert!(deletes(&fake).iter().all(|one| one.dry_run));
    assert_eq!(answer.structured["dependents"][0]["fate"], "chosen");
    assert_eq!((&answer.structured["deleted"], &answer.structured["dry_run"]), (&json!(false), &json!(true)));
}

#[test]
fn the_delete_is_fenced_by_uid_and_version() {
    let fake = fake();
    fake.answer(TOOL, confirmed());
    let fences = deletes(&fake)[0].delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-db"), Some("10")));
    assert_eq!((fences.propagation.as_deref(), fences.dry_run), (Some("Background"), false));
}

#[test]
fn d4_no_secret_is_read_or_deleted() {
    let fake = fake();
    let answer = fake.answer(TOOL, confirmed());
    assert!(fake.requests().iter().all(|one| one.plural != "secrets"));
    assert!(answer.text.contains("deletes no Secret"));
}

#[test]
fn d4_dependents_are_listed_and_stay_unless_cascade_names_them() {
    let fake = fake();
    let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "cascade": ["databases"]}));
    let fates: Vec<(&Value, &Value)> =
        answer.structured["dependents"].as_array().unwrap().iter().map(|one| (&one["name"], &one["fate"])).collect();
    assert_eq!(
        fates,
        [(&json!("db-shop"), &json!("deleted")), (&json!("db-app"), &json!("kept")), (&json!("b1"), &json!("kept"))]
    );
    let made: Vec<String> = deletes(&fake).into_iter().map(|one| one.plural).collect();
    assert_eq!(made, ["clusters", "databases"]);
    let fences = deletes(&fake)[1].delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-db-shop"), Some("7")));
    assert!(answer.text.contains("later cluster of the same name"));
}

#[test]
fn a_dependent_that_cannot_be_deleted_is_told() {
    let fake = fake().failing("delete", "databases", 1, status(403, "Forbidden", "x cannot delete"));
    let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "cascade": ["databases"]}));
    assert!(!answer.is_error && answer.structured["dependents"][0]["fate"] == "failed");
    assert!(answer.text.contains("could not be deleted"));
}

#[test]
fn d20_what_happens_to_volumes_is_told_from_their_owners() {
    let answer = fake().answer(TOOL, confirmed());
    assert_eq!(answer.structured["volumes"], json!({"garbage_collected": ["db-1"], "kept": ["db-9"]}));
    assert!(answer.text.contains("volume claims db-1, **with the data in them**"));
    assert!(answer.text.contains("Stays: volume claims db-9"));
    assert!(!answer.text.contains("PVCs remain"));
}

#[test]
fn the_human_is_asked_when_the_client_can() {
    let fake = asking();
    let question = fake.question(TOOL, confirmed());
    assert!(deletes(&fake).is_empty());
    let message = question.params["message"].as_str().unwrap();
    assert!(
        message.contains("default/db")
            && message.contains("with the data in them")
            && message.contains("Last good backup: 6h ago"),
        "{message}"
    );
    assert_eq!(question.params["requestedSchema"]["required"], json!(["confirm_name"]));
    assert_eq!(question.state, json!({"uid": "uid-db"}));
}

fn answered(answer: Value, state: Value) -> (Fake, crate::answer::Answer) {
    let fake = asking();
    fake.context.borrow_mut().answers = vec![("confirm".into(), answer)];
    fake.context.borrow_mut().state = Some(state);
    let answer = fake.answer(TOOL, json!({"name": "db"}));
    (fake, answer)
}

#[test]
fn only_the_name_typed_by_the_human_deletes() {
    let state = json!({"uid": "uid-db"});
    let (fake, answer) = answered(json!({"action": "accept", "content": {"confirm_name": "db"}}), state.clone());
    assert_eq!((&answer.structured["confirmed_by"], deletes(&fake).len()), (&json!("human"), 1));
    for no in [
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept", "content": {"confirm_name": "yes"}}),
        json!({"action": "accept"}),
    ] {
        let (fake, answer) = answered(no.clone(), state.clone());
        assert!(answer.is_error && deletes(&fake).is_empty(), "{no}");
    }
}

#[test]
fn consent_holds_only_for_the_cluster_that_was_shown() {
    let (fake, answer) =
        answered(json!({"action": "accept", "content": {"confirm_name": "db"}}), json!({"uid": "uid-of-the-old-one"}));
    assert!(answer.is_error && answer.structured["reason"] == "Replaced" && deletes(&fake).is_empty());
}

#[test]
fn a_newer_status_is_no_obstacle_but_another_object_is() {
    let newer = |change: &dyn Fn(&mut Value)| {
        let fake = fake();
        let mut other = cluster("default", "db", 3);
        other["metadata"]["resourceVersion"] = json!("11");
        change(&mut other);
        *fake.meanwhile.borrow_mut() = Some(other);
        let answer = fake.answer(TOOL, confirmed());
        (deletes(&fake).len(), answer)
    };
    let (times, answer) = newer(&|one| one["status"]["phase"] = json!("Failing over"));
    assert_eq!((times, answer.is_error), (2, false));
    let (times, answer) = newer(&|one| one["metadata"]["uid"] = json!("uid-other"));
    assert_eq!((times, &answer.structured["reason"]), (1, &json!("Replaced")));
    let (times, answer) = newer(&|one| one["spec"]["instances"] = json!(5));
    assert_eq!((times, &answer.structured["reason"]), (1, &json!("Conflict")));
}

#[test]
fn a_kind_that_may_not_be_listed_is_named() {
    let fake = fake().failing("list", "poolers", 1, status(403, "Forbidden", "x cannot list"));
    let answer = fake.answer(TOOL, confirmed());
    assert!(!answer.is_error && answer.structured["not_examined"] == json!(["poolers (Forbidden)"]));
}

fn backed_up(steps: Vec<Step>) -> Fake {
    let mut one = cluster("default", "db", 3);
    one["spec"]["plugins"] = json!([{"name": "barman", "isWALArchiver": true}]);
    Fake::new().with("clusters", one).watching(steps)
}

fn phase(phase: &str) -> Step {
    Step::Event(1_000, "MODIFIED", json!({"status": {"phase": phase, "error": "no space"}}))
}

#[test]
fn a_final_backup_is_completed_before_anything_is_deleted() {
    let fake = backed_up(vec![phase("running"), phase("completed")]);
    let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "final_backup": true}));
    let verbs: Vec<&str> =
        fake.requests().iter().map(|one| one.verb).filter(|verb| ["create", "watch", "delete"].contains(verb)).collect();
    assert_eq!(verbs, ["create", "watch", "delete"]);
    let body = &fake.made("create")[0].body;
    assert_eq!(body["spec"], json!({"cluster": {"name": "db"}, "method": "plugin", "pluginConfiguration": {"name": "barman"}}));
    assert_eq!(answer.structured["final_backup"], body["metadata"]["name"]);
    assert_eq!(fake.progress.borrow().len(), 3);
}

#[test]
fn a_final_backup_whose_snapshots_would_go_with_the_cluster_is_refused_before_anything_is_done() {
    let snapshotted = |owner: Value, plugins: Value| {
        let mut one = cluster("default", "db", 3);
        one["spec"]["backup"] = json!({"volumeSnapshot": {"className": "fast", "snapshotOwnerReference": owner}});
        one["spec"]["plugins"] = plugins;
        let fake = Fake::new().with("clusters", one).watching(vec![phase("completed")]);
        let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "final_backup": true}));
        (fake.made("create").len(), deletes(&fake).len(), answer)
    };
    let (backups, gone, answer) = snapshotted(json!("cluster"), json!([]));
    assert_eq!((backups, gone, answer.is_error), (0, 0, true), "{}", answer.text);
    assert!(answer.text.contains("snapshotOwnerReference") && answer.text.contains("Set it to `none`"), "{}", answer.text);
    let archived = json!([{"name": "barman", "isWALArchiver": true}]);
    for (owner, plugins) in [(json!("none"), json!([])), (json!("backup"), json!([])), (json!("cluster"), archived)] {
        let (backups, gone, answer) = snapshotted(owner.clone(), plugins);
        assert_eq!((backups, gone, answer.is_error), (1, 1, false), "{owner}: {}", answer.text);
    }
}

#[test]
fn what_a_gitops_tool_would_make_anew_is_not_deleted_unless_the_operator_allows_it() {
    let sign = json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}});
    let owned = || Fake::new().with("clusters", merged(&cluster("default", "db", 3), &sign));
    let fake = owned();
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let answer = fake.answer(TOOL, confirmed());
    assert!(answer.structured["reason"] == "GitOpsManaged" && deletes(&fake).is_empty(), "{}", answer.text);
    let fake = owned();
    fake.settings.borrow_mut().gitops = Gitops::Warn;
    let answer = fake.answer(TOOL, confirmed());
    assert!(answer.structured["notes"].to_string().contains("Argo CD") && deletes(&fake).len() == 1, "{}", answer.text);
}

#[test]
fn a_dependent_that_a_gitops_tool_would_make_anew_stays_and_the_human_is_told_before() {
    let sign = json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}});
    let arguments = json!({"name": "db", "confirm_name": "db", "cascade": ["databases"]});
    let owned =
        || Fake::new().with("clusters", cluster("default", "db", 3)).with("databases", merged(&belongs("db-shop", false), &sign));
    let fake = owned();
    let answer = fake.answer(TOOL, arguments.clone());
    let made: Vec<String> = deletes(&fake).into_iter().map(|one| one.plural).collect();
    assert_eq!(
        (made, &answer.structured["dependents"][0]["fate"]),
        (vec!["clusters".to_owned()], &json!("failed")),
        "{}",
        answer.text
    );
    let fake = owned();
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question(TOOL, arguments.clone());
    let words = question.params["message"].as_str().unwrap();
    assert!(words.contains("`db-shop` cannot be deleted") && words.contains("Argo CD"), "{words}");
    let fake = owned();
    fake.settings.borrow_mut().gitops = Gitops::Warn;
    assert_eq!(fake.answer(TOOL, arguments).structured["dependents"][0]["fate"], "deleted");
}

#[test]
fn without_a_completed_final_backup_nothing_is_deleted() {
    for (steps, reason) in [
        (vec![phase("failed")], "BackupFailed"),
        (vec![phase("running"), Step::Silence], "BackupPending"),
        (vec![Step::End, Step::Silence], "BackupPending"),
        (vec![Step::Event(1_000, "DELETED", json!({}))], "BackupDeleted"),
    ] {
        let fake = backed_up(steps);
        let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "final_backup": true}));
        assert!(answer.is_error && deletes(&fake).is_empty());
        assert_eq!(answer.structured["reason"], reason);
    }
    let answer = fake().answer(TOOL, json!({"name": "db", "confirm_name": "db", "final_backup": true}));
    assert!(answer.is_error && answer.text.contains("no backups configured"));
}

#[test]
fn a_final_backup_that_cannot_be_begun_or_followed_leaves_the_cluster_and_says_so() {
    let refused = |verb: &str| status(403, "Forbidden", &format!("User \"x\" cannot {verb} resource \"backups\""));
    let unreachable = || status(0, "Unreachable", "connection refused");
    for (verb, refusal) in [("create", refused("create")), ("watch", refused("watch")), ("watch", unreachable())] {
        let fake = backed_up(vec![]).failing(verb, "backups", 99, refusal);
        let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "final_backup": true}));
        assert!(answer.is_error && deletes(&fake).is_empty(), "{verb}");
        let created = fake.made("create")[0].body["metadata"]["name"].as_str().unwrap().to_owned();
        let told =
            if verb == "create" { "No backup of cluster `db` was begun".to_owned() } else { format!("`{created}` is requested") };
        assert!(answer.text.contains(&told), "{verb}: {}", answer.text);
        assert!(answer.text.contains("nothing was deleted"), "{}", answer.text);
    }
}

#[test]
fn a_final_backup_is_followed_through_a_watch_that_is_too_old() {
    let expired = || Step::Fail(status(410, "Expired", "too old resource version"));
    let fake = backed_up(vec![phase("running"), expired(), phase("completed")]);
    let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "final_backup": true}));
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!((fake.made("watch").len(), deletes(&fake).len()), (2, 1));
}

#[test]
fn a_dry_run_tells_which_dependent_may_not_be_deleted() {
    let fake =
        fake().failing("delete", "databases", 1, status(403, "Forbidden", "User \"x\" cannot delete resource \"databases\""));
    let answer = fake.answer(TOOL, json!({"name": "db", "dry_run": true, "cascade": ["databases"]}));
    assert!(!answer.is_error && answer.structured["dependents"][0]["fate"] == "failed");
    assert!(answer.text.contains("cannot be deleted"), "{}", answer.text);
}

#[test]
fn more_dependents_and_volumes_than_one_page_are_told_and_fit() {
    let fake = fake();
    let fake = (0..300).fold(fake, |fake, number| {
        fake.with("databases", belongs(&format!("db-{number:03}-with-quite-a-long-name-for-a-database"), false))
            .with("persistentvolumeclaims", belongs(&format!("claim-{number}"), true))
    });
    fake.page.set(250);
    let answer = fake.answer(TOOL, json!({"name": "db", "dry_run": true}));
    let unknown = answer.structured["not_examined"].to_string();
    assert!(
        unknown.contains("persistentvolumeclaims beyond the first 250") && unknown.contains("databases beyond the first 250")
    );
    assert_eq!(
        (answer.structured["dependents"].as_array().unwrap().len(), &answer.structured["dependents_count"]),
        (100, &json!(252))
    );
    assert!(answer.text.contains("and 230 more"), "{}", answer.text);
    assert!(answer.structured.to_string().len() < crate::answer::BUDGET);
}

#[test]
fn kinds_that_an_older_cloudnativepg_lacks_are_no_obstacle() {
    let fake = ["databases", "databaseroles", "publications", "subscriptions"].into_iter().fold(fake(), |fake, kind| {
        fake.failing("list", kind, 1, status(404, "NotFound", "the server could not find the requested resource"))
    });
    let answer = fake.answer(TOOL, confirmed());
    assert!(!answer.is_error && answer.structured["not_examined"] == json!([]), "{}", answer.text);
    assert_eq!(answer.structured["deleted"], true);
}
