//! Plans: tried first, carried out only as they were shown.

use serde_json::{Value, json};

use crate::fake::{Fake, cluster};
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

fn apply(fake: &Fake, plan: &Value) -> crate::answer::Answer {
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
