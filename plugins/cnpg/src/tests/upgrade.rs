//! upgrade_cluster_image.

use serde_json::{Value, json};

use super::backups::backup;
use super::image_catalogs::catalog;
use crate::answer::Answer;
use crate::fake::{Fake, cluster, invalid, status};
use crate::profile::Profile;

const TOOL: &str = "upgrade_cluster_image";
const NEW: &str = "registry/postgresql:18.1-system-bookworm";

fn running() -> Value {
    let mut one = cluster("default", "db", 3);
    one["spec"]["imageName"] = json!("registry/postgresql:17.5-system-bookworm");
    one["status"]["image"] = one["spec"]["imageName"].clone();
    one["status"]["pgDataImageInfo"] = json!({"majorVersion": 17});
    one
}

fn with(object: Value) -> Fake {
    let catalogs = [(17, "registry/postgresql:17.6-system-bookworm"), (18, NEW)];
    Fake::new().with("clusters", object).with("clusterimagecatalogs", catalog(None, "pg", &catalogs))
}

/// With a backup that is fresh enough for a major upgrade.
fn backed_up(object: Value) -> Fake {
    with(object).with("backups", backup("fresh", "db", "completed", 3))
}

fn major() -> Value {
    json!({"name": "db", "image": NEW, "allow_major": true, "confirm_name": "db"})
}

fn refused(fake: &Fake, arguments: Value) -> Answer {
    let answer = fake.answer(TOOL, arguments);
    assert!(answer.is_error, "{}", answer.text);
    assert!(fake.made("patch").is_empty());
    answer
}

#[test]
fn a_minor_step_patches_the_image_with_the_version_it_saw_and_takes_the_catalog_away() {
    let fake = with(running());
    let answer = fake.answer(TOOL, json!({"name": "db", "image": "registry/postgresql:17.6-system-bookworm"}));
    let spec = json!({"imageName": "registry/postgresql:17.6-system-bookworm", "imageCatalogRef": null});
    assert_eq!(fake.made("patch")[0].body, json!({"metadata": {"resourceVersion": "10"}, "spec": spec}));
    assert_eq!((&answer.structured["upgrade"], &answer.structured["confirmed_by"]), (&json!("minor"), &Value::Null));
    assert!(answer.text.contains("restarted, instance by instance"), "{}", answer.text);
    assert!(fake.made("list").iter().all(|one| one.plural != "backups"));
}

#[test]
fn a_catalog_takes_the_place_of_the_image_and_keeps_the_major_version_that_runs() {
    let fake = with(running());
    let answer = fake.answer(TOOL, json!({"name": "db", "catalog": "pg"}));
    let spec = &fake.made("patch")[0].body["spec"];
    let reference = json!({"apiGroup": "postgresql.cnpg.io", "kind": "ClusterImageCatalog", "name": "pg", "major": 17});
    assert_eq!((&spec["imageCatalogRef"], &spec["imageName"]), (&reference, &Value::Null));
    assert_eq!(answer.structured["image"], "registry/postgresql:17.6-system-bookworm");
    let stored = fake.stored("clusters", "db").unwrap();
    assert!(stored["spec"].get("imageName").is_none(), "CloudNativePG refuses both");
    let again = fake.answer(TOOL, json!({"name": "db", "catalog": "ClusterImageCatalog/pg"}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 1, "{}", again.text);
}

#[test]
fn where_to_must_be_said_and_only_once() {
    let parameter = |arguments: Value| refused(&with(running()), arguments).structured["causes"][0]["parameter"].clone();
    assert_eq!(parameter(json!({"name": "db"})), "image");
    assert_eq!(parameter(json!({"name": "db", "image": NEW, "catalog": "pg"})), "image");
    assert_eq!(parameter(json!({"name": "db", "image": "registry/postgresql:latest"})), "image");
    assert_eq!(parameter(json!({"name": "db", "image": NEW, "major": 17})), "major");
    assert_eq!(parameter(json!({"name": "db", "major": 18})), "catalog");
    assert_eq!(parameter(json!({"name": "db", "catalog": "none"})), "catalog");
    assert_eq!(parameter(json!({"name": "db", "catalog": "ImageCatalog/pg"})), "catalog");
    assert_eq!(parameter(json!({"name": "db", "catalog": "pg", "major": 16})), "major");
}

#[test]
fn a_catalog_that_may_not_be_read_is_an_error_unless_its_kind_is_named() {
    let forbidden = || status(403, "Forbidden", "User \"x\" cannot list resource \"clusterimagecatalogs\"");
    let fake = || with(running()).failing("list", "clusterimagecatalogs", 9, forbidden());
    assert_eq!(refused(&fake(), json!({"name": "db", "catalog": "pg"})).structured["code"], 403);
    let answer = fake().answer(TOOL, json!({"name": "db", "catalog": "ClusterImageCatalog/pg", "major": 17}));
    assert!(!answer.is_error && answer.text.contains("whether the catalog has 17 was not seen"), "{}", answer.text);
    assert_eq!(answer.structured["image"], Value::Null);
}

#[test]
fn a_major_step_needs_to_be_allowed() {
    for mut arguments in [json!({"name": "db", "image": NEW}), json!({"name": "db", "catalog": "pg", "major": 18})] {
        let answer = refused(&backed_up(running()), arguments.clone());
        assert_eq!(answer.structured["reason"], "MajorUpgrade");
        arguments["allow_major"] = json!(false);
        arguments["confirm_name"] = json!("db");
        assert_eq!(refused(&backed_up(running()), arguments).structured["reason"], "MajorUpgrade");
    }
}

#[test]
fn a_major_step_needs_a_completed_backup_of_this_cluster_and_version_from_the_last_day() {
    let reason = |fake: Fake| {
        let answer = refused(&fake, major());
        assert_eq!(answer.structured["next_tools"][0], "create_backup");
        (answer.structured["reason"].clone(), answer.text)
    };
    let (why, text) = reason(with(running()));
    assert!(why == "NoFreshBackup" && text.contains("there is none"), "{text}");
    // Long-lived, so that only its age counts against the first one.
    let mut old = running();
    old["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    let text = reason(with(old).with("backups", backup("a", "db", "completed", 25))).1;
    assert!(text.contains("the newest one is 25h old"), "{text}");
    for other in [backup("a", "db", "failed", 1), backup("a", "db", "running", 1), backup("a", "other", "completed", 1)] {
        assert!(reason(with(running()).with("backups", other)).1.contains("there is none"));
    }
    let mut before = backup("a", "db", "completed", 1);
    before["status"]["majorVersion"] = json!(16);
    assert!(reason(with(running()).with("backups", before)).1.contains("there is none"));
    let mut reborn = running();
    reborn["metadata"]["creationTimestamp"] = json!("2026-11-21T11:00:00Z");
    assert!(reason(backed_up(reborn)).1.contains("there is none"), "a backup of an earlier cluster of that name");
}

#[test]
fn a_major_step_goes_neither_back_nor_to_what_cannot_be_upgraded_to() {
    let mut arguments = major();
    arguments["image"] = json!("registry/postgresql:16.9");
    assert_eq!(refused(&backed_up(running()), arguments.clone()).structured["reason"], "Downgrade");
    let mut old = running();
    old["status"]["pgDataImageInfo"]["majorVersion"] = json!(14);
    arguments["image"] = json!("registry/postgresql:15.9");
    assert_eq!(refused(&backed_up(old), arguments).structured["reason"], "MajorTooOld");
}

#[test]
fn a_major_step_waits_for_a_healthy_cluster_that_stands_still() {
    let reason = |change: fn(&mut Value)| {
        let mut object = running();
        change(&mut object);
        refused(&backed_up(object), major()).structured["reason"].clone()
    };
    assert_eq!(reason(|one| one["status"]["readyInstances"] = json!(2)), "NotHealthy");
    assert_eq!(reason(|one| one["status"]["targetPrimary"] = json!("db-2")), "PrimaryMoving");
    assert_eq!(reason(|one| one["metadata"]["annotations"] = json!({"cnpg.io/hibernation": "on"})), "Hibernated");
}

#[test]
fn a_major_step_asks_the_human_and_else_needs_the_name() {
    let fake = backed_up(running());
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question(TOOL, json!({"name": "db", "image": NEW, "allow_major": true}));
    let message = question.params["message"].as_str().unwrap();
    assert!(message.contains("default/db from 17 to major version 18") && message.contains("nobody can connect"), "{message}");
    assert!(fake.made("patch").is_empty());
    let silent = json!({"name": "db", "image": NEW, "allow_major": true});
    assert_eq!(refused(&backed_up(running()), silent).structured["reason"], "ConfirmationRequired");
    let fake = backed_up(running());
    let answer = fake.answer(TOOL, major());
    assert_eq!((&answer.structured["upgrade"], &answer.structured["confirmed_by"]), (&json!("major"), &json!("confirm_name")));
    assert_eq!((&answer.structured["from_major"], &answer.structured["to_major"]), (&json!(17), &json!(18)));
    assert!(answer.text.contains("is being stopped and upgraded") && answer.text.contains("3h old"), "{}", answer.text);
}

#[test]
fn a_version_that_is_not_known_counts_as_another_one() {
    let fake = with(cluster("default", "db", 3));
    let answer = refused(&fake, json!({"name": "db", "image": NEW}));
    assert!(answer.structured["reason"] == "MajorUpgrade" && answer.text.contains("an unknown version"), "{}", answer.text);
}

#[test]
fn a_dry_run_of_a_major_step_asks_nobody_and_is_the_servers() {
    let fake = backed_up(running());
    let mut arguments = major();
    arguments["confirm_name"] = Value::Null;
    arguments["dry_run"] = json!(true);
    let answer = fake.answer(TOOL, arguments);
    assert!(fake.made("patch")[0].dry_run && answer.structured["changed"] == false);
    assert!(answer.text.contains("would be stopped") && answer.text.contains("```diff"), "{}", answer.text);
}

#[test]
fn what_was_agreed_to_is_not_done_to_a_cluster_that_moved_on_meanwhile() {
    let fake = backed_up(running());
    let mut moved = running();
    moved["metadata"]["resourceVersion"] = json!("11");
    moved["status"]["pgDataImageInfo"]["majorVersion"] = json!(18);
    *fake.meanwhile.borrow_mut() = Some(moved);
    let answer = fake.answer(TOOL, json!({"name": "db", "catalog": "pg"}));
    assert_eq!(answer.structured["reason"], "Changed", "{}", answer.text);
    assert_eq!(fake.made("patch").len(), 1);
}

#[test]
fn an_older_minor_version_and_another_distribution_are_told() {
    let answer = with(running()).answer(TOOL, json!({"name": "db", "image": "registry/postgresql:17.2-system-trixie"}));
    assert!(answer.text.contains("(2 after 5)") && answer.text.contains("(trixie after bookworm)"), "{}", answer.text);
}

#[test]
fn a_refusal_of_the_server_names_the_tools_own_parameters() {
    for (field, parameter) in [("spec.imageName", "image"), ("spec.imageCatalogRef.major", "major")] {
        let fake = with(running()).failing("patch", "clusters", 1, invalid(field, "no"));
        let answer = fake.answer(TOOL, json!({"name": "db", "image": "registry/postgresql:17.6"}));
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter);
    }
}

#[test]
fn a_plan_tells_a_minor_step_from_one_that_cannot_be_undone() {
    let radius = |arguments: Value| {
        let fake = backed_up(running());
        fake.settings.borrow_mut().profile = Profile::Admin;
        let answer = fake.answer("plan_change", json!({"tool": TOOL, "arguments": arguments}));
        assert!(!answer.is_error, "{}", answer.text);
        let radius = &answer.structured["radius"];
        (radius["restart"] == true, radius["downtime"] == true, radius["irreversible"] == true)
    };
    assert_eq!(radius(json!({"name": "db", "catalog": "pg"})), (true, false, false));
    assert_eq!(radius(json!({"name": "db", "image": NEW, "allow_major": true})), (true, true, true));
}

#[test]
fn a_planned_major_step_is_carried_out_with_the_name() {
    let fake = backed_up(running());
    fake.settings.borrow_mut().profile = Profile::Admin;
    let arguments = json!({"name": "db", "catalog": "pg", "major": 18, "allow_major": true});
    let plan = fake.answer("plan_change", json!({"tool": TOOL, "arguments": arguments})).structured;
    let apply = json!({"tool": TOOL, "arguments": arguments, "plan_id": plan["plan_id"], "confirm_name": "db"});
    let answer = fake.answer("apply_plan", apply);
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["imageCatalogRef"]["major"], 18);
}

/// The human agrees to what `question` asked.
fn agreed(fake: &Fake, state: Value, typed: &str) {
    let mut context = fake.context.borrow_mut();
    context.answers = vec![("confirm".into(), json!({"action": "accept", "content": {"confirm_name": typed}}))];
    context.state = Some(state);
}

fn asking(object: Value) -> (Fake, Value) {
    let fake = backed_up(object);
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let state = fake.question(TOOL, json!({"name": "db", "image": NEW, "allow_major": true})).state;
    (fake, state)
}

#[test]
fn the_humans_answer_is_about_the_cluster_that_was_looked_at() {
    let (fake, state) = asking(running());
    let arguments = json!({"name": "db", "image": NEW, "allow_major": true});
    agreed(&fake, json!({"uid": "uid-of-another"}), "db");
    assert_eq!(refused(&fake, arguments.clone()).structured["reason"], "Replaced");
    agreed(&fake, state.clone(), "other");
    assert_eq!(refused(&fake, arguments.clone()).structured["reason"], "Declined");
    agreed(&fake, state, "db");
    assert_eq!(fake.answer(TOOL, arguments).structured["confirmed_by"], "human");
}

#[test]
fn the_humans_answer_is_about_the_step_and_the_spec_that_were_shown() {
    let arguments = json!({"name": "db", "image": NEW, "allow_major": true});
    let mut other = running();
    other["spec"]["instances"] = json!(1);
    let mut older = running();
    older["status"]["pgDataImageInfo"]["majorVersion"] = json!(16);
    older["status"]["image"] = json!("registry/postgresql:16.9-system-bookworm");
    for now in [other, older] {
        let (_, state) = asking(running());
        let fake = backed_up(now);
        agreed(&fake, state, "db");
        assert_eq!(refused(&fake, arguments.clone()).structured["reason"], "Replaced");
    }
}

#[test]
fn what_was_agreed_to_is_done_though_the_operator_writes_a_status_and_not_to_another_spec() {
    let mut moved = running();
    moved["metadata"]["resourceVersion"] = json!("11");
    moved["status"]["readyInstances"] = json!(3);
    let fake = backed_up(running());
    *fake.meanwhile.borrow_mut() = Some(moved.clone());
    assert!(!fake.answer(TOOL, major()).is_error);
    moved["spec"]["instances"] = json!(5);
    let fake = backed_up(running());
    *fake.meanwhile.borrow_mut() = Some(moved);
    let answer = fake.answer(TOOL, major());
    assert_eq!((&answer.structured["reason"], fake.made("patch").len()), (&json!("Changed"), 1), "{}", answer.text);
}

#[test]
fn a_plan_rests_on_the_catalog_that_it_took_the_image_from() {
    let arguments = json!({"name": "db", "catalog": "pg", "major": 18, "allow_major": true});
    let fake = backed_up(running());
    fake.settings.borrow_mut().profile = Profile::Admin;
    let plan = fake.answer("plan_change", json!({"tool": TOOL, "arguments": arguments})).structured;
    assert!(plan["basis"].to_string().contains("clusterimagecatalogs pg"), "{}", plan["basis"]);
    let other = catalog(None, "pg", &[(18, "elsewhere/postgresql:18.1")]);
    let now = Fake::new().with("clusters", running()).with("clusterimagecatalogs", other);
    let now = now.with("backups", backup("fresh", "db", "completed", 3));
    now.settings.borrow_mut().profile = Profile::Admin;
    let apply = json!({"tool": TOOL, "arguments": arguments, "plan_id": plan["plan_id"], "confirm_name": "db"});
    let answer = now.answer("apply_plan", apply);
    assert_eq!(answer.structured["reason"], "PlanIsStale", "{}", answer.text);
    assert!(now.made("patch").iter().all(|one| one.dry_run));
}
