//! Plans: tried first, carried out only as they were shown.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::catalogue::{self, Entry};
use crate::fake::{Fake, cluster};
use crate::kind::{CLUSTERS, DATABASES};
use crate::plan;
use crate::problem::Problem;
use crate::profile::Profile;

fn fake() -> Fake {
    let fake = Fake::new().with("clusters", cluster("default", "db", 5));
    fake.settings.borrow_mut().profile = Profile::Admin;
    fake
}

fn down() -> Value {
    json!({"tool": "scale_postgres_cluster", "arguments": {"name": "db", "instances": 3}})
}

fn planned(fake: &Fake) -> Value {
    let answer = fake.answer("plan_change", down());
    assert!(!answer.is_error, "{}", answer.text);
    answer.structured
}

fn apply(fake: &Fake, plan: &Value) -> Answer {
    let mut arguments = down();
    arguments["plan_id"] = plan["plan_id"].clone();
    arguments["confirm_name"] = json!("db");
    fake.answer("apply_plan", arguments)
}

fn written(fake: &Fake) -> usize {
    fake.made("patch").iter().filter(|one| !one.dry_run).count()
}

#[test]
fn a_plan_is_tried_on_the_server_and_changes_nothing() {
    let fake = fake();
    let plan = planned(&fake);
    assert_eq!((fake.made("patch").len(), written(&fake)), (1, 0));
    assert_eq!(plan["basis"], json!(["clusters default/db", "failoverquorums default/db"]));
    assert_eq!((&plan["radius"]["irreversible"], &plan["radius"]["restart"]), (&json!(true), &json!(false)));
    assert_eq!(plan["trial"]["changes"][0]["path"], json!("spec.instances"));
}

#[test]
fn a_plan_is_carried_out_once_it_is_agreed_to() {
    let fake = fake();
    let answer = apply(&fake, &planned(&fake));
    assert!(!answer.is_error, "{}", answer.text);
    assert_eq!(written(&fake), 1);
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["instances"], json!(3));
}

#[test]
fn without_the_name_or_the_human_nothing_is_changed() {
    let fake = fake();
    let mut arguments = down();
    arguments["plan_id"] = planned(&fake)["plan_id"].clone();
    let answer = fake.answer("apply_plan", arguments.clone());
    assert_eq!(answer.structured["reason"], json!("ConfirmationRequired"));
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question("apply_plan", arguments);
    assert!(question.params["message"].as_str().unwrap().contains("Blast radius"));
    assert_eq!(written(&fake), 0);
}

#[test]
fn a_plan_is_refused_once_the_object_moved_but_not_when_its_status_did() {
    let fake = fake();
    let plan = planned(&fake);
    let mut moved = cluster("default", "db", 5);
    moved["metadata"]["resourceVersion"] = json!("12");
    moved["status"]["phase"] = json!("Creating a new replica");
    let status_moved = Fake::new().with("clusters", moved.clone());
    status_moved.settings.borrow_mut().profile = Profile::Admin;
    assert!(!apply(&status_moved, &plan).is_error);
    moved["spec"]["instances"] = json!(4);
    let spec_moved = Fake::new().with("clusters", moved);
    spec_moved.settings.borrow_mut().profile = Profile::Admin;
    let answer = apply(&spec_moved, &plan);
    assert_eq!((&answer.structured["reason"], written(&spec_moved)), (&json!("PlanIsStale"), 0));
}

#[test]
fn a_plan_holds_for_its_own_arguments_only() {
    let fake = fake();
    let plan = planned(&fake);
    let answer = fake.answer(
        "apply_plan",
        json!({"tool": "scale_postgres_cluster", "arguments": {"name": "db", "instances": 1}, "plan_id": plan["plan_id"], "confirm_name": "db"}),
    );
    assert_eq!((&answer.structured["reason"], written(&fake)), (&json!("PlanIsStale"), 0));
}

#[test]
fn only_tools_of_the_profile_that_can_be_tried_are_planned_and_their_arguments_are_checked() {
    let fake = fake();
    for (tool, arguments) in [
        ("list_postgres_clusters", json!({})),
        ("apply_plan", json!({})),
        ("scale_postgres_cluster", json!({"name": "db"})),
        ("scale_postgres_cluster", json!({"name": "db", "instances": 0})),
        ("scale_postgres_cluster", json!({"name": "db", "instances": 2, "force": true})),
    ] {
        let answer = fake.answer("plan_change", json!({"tool": tool, "arguments": arguments}));
        assert_eq!(answer.structured["reason"], json!("InvalidArgument"), "{tool} {arguments}");
    }
    fake.settings.borrow_mut().profile = Profile::Reader;
    assert!(fake.answer("plan_change", down()).is_error);
    assert!(fake.requests().is_empty());
}

/// A tool that looks at a cluster and its databases, changes the cluster, and looks again.
fn look_write_look(call: &Call<'_>, _: &str) -> Result<Outcome, Problem> {
    let target = CLUSTERS.within("default").named("db");
    call.list(&DATABASES.within("default").list())?;
    call.get(&target)?;
    let done = call.merge(&target, &json!({"spec": {"instances": 3}}), false)?;
    call.get(&target)?;
    Ok(Answer::new(String::new(), done.object).into())
}

fn shop() -> Value {
    json!({"metadata": {"name": "db-shop", "namespace": "default", "uid": "uid-shop"}, "spec": {"name": "shop"}})
}

fn twice(between: impl FnOnce() -> Fake) -> (Result<Outcome, Problem>, usize) {
    let entry = Entry { run: look_write_look, ..*catalogue::find("scale_postgres_cluster").unwrap() };
    let first = fake().with("databases", shop());
    let trial = with(&first, |call| plan::attempt(call, &entry, &Map::new())).unwrap();
    assert_eq!(written(&first), 0, "a trial writes nothing, whatever the tool asks for");
    let second = between();
    let done = with(&second, |call| plan::carry_out(call, &entry, &Map::new(), &trial));
    (done, written(&second))
}

fn with<T>(fake: &Fake, work: impl FnOnce(&Call<'_>) -> T) -> T {
    let (context, settings) = (fake.context.borrow().clone(), fake.settings.borrow().clone());
    work(&Call { api: fake, host: fake, context: &context, settings: &settings })
}

#[test]
fn what_the_tool_itself_wrote_is_no_stranger_to_its_plan() {
    let (done, written) = twice(|| fake().with("databases", shop()));
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(written, 1);
}

#[test]
fn a_dependent_that_was_replaced_after_the_plan_stops_it_before_anything_is_written() {
    let mut other = shop();
    other["metadata"]["uid"] = json!("uid-other");
    let (done, written) = twice(|| fake().with("databases", other));
    assert_eq!((done.unwrap_err().code, written), (409, 0));
}

#[test]
fn a_plan_and_its_refusal_do_not_repeat_a_password() {
    let role = |password: Value| json!({"tool": "update_postgres_role", "arguments": {"cluster_name": "db", "role_name": "shop", "password": password}});
    let fake = fake().with("databaseroles", super::roles::role("db-shop", "db", "shop"));
    let planned = fake.answer("plan_change", role(json!("hunter2hunter2")));
    assert!(!planned.is_error, "{}", planned.text);
    assert_eq!(planned.structured["arguments"]["password"], "[hidden]");
    for answer in
        [planned, fake.answer("plan_change", role(json!(770_812))), fake.answer("plan_change", role(json!(["hunter2"])))]
    {
        let whole = format!("{} {}", answer.text, answer.structured);
        assert!(!whole.contains("hunter2") && !whole.contains("770812"), "{whole}");
    }
}

#[test]
fn the_id_of_a_plan_gives_no_digest_of_a_password_to_guess_at() {
    let id = |password: Value| {
        let arguments = json!({"cluster_name": "db", "role_name": "shop", "password": password});
        let fake = fake().with("databaseroles", super::roles::role("db-shop", "db", "shop"));
        fake.answer("plan_change", json!({"tool": "update_postgres_role", "arguments": arguments})).structured["plan_id"].clone()
    };
    assert_eq!(id(json!("hunter2hunter2")), id(json!("another one of 20")));
    assert_ne!(id(json!("hunter2hunter2")), id(json!(null)), "that there is one counts");
}
