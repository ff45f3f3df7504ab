//! restart_instance, fence_instances, unfence_instances.

use serde_json::{Value, json};

use crate::fake::{Fake, cluster, pod, status};

fn furnished(change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 3);
    one["status"]["instanceNames"] = json!(["db-1", "db-2", "db-3"]);
    change(&mut one);
    Fake::new()
        .with("clusters", one)
        .with("pods", pod("db-1", "primary"))
        .with("pods", pod("db-2", "replica"))
        .with("pods", pod("db-3", "replica"))
}

fn fake() -> Fake {
    furnished(|_| ())
}

fn fenced(list: &'static str) -> Fake {
    furnished(move |one| one["metadata"]["annotations"] = json!({"cnpg.io/fencedInstances": list}))
}

fn annotation(fake: &Fake) -> Value {
    fake.stored("clusters", "db").unwrap()["metadata"]["annotations"]["cnpg.io/fencedInstances"].clone()
}

#[test]
fn the_primary_is_restarted_in_place_through_the_status() {
    let fake = fake();
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-1"}));
    let patch = &fake.made("patch")[0];
    assert_eq!((patch.subresource.as_deref(), &patch.body["metadata"]["resourceVersion"]), (Some("status"), &json!("10")));
    assert_eq!(patch.body["status"]["phase"], "Primary instance is being restarted in-place");
    assert_eq!(patch.body["status"]["phaseReason"], "Requested by the user");
    assert!(fake.made("delete").is_empty() && answer.structured["role"] == "primary");
}

#[test]
fn a_replica_is_restarted_by_deleting_exactly_its_pod() {
    let fake = fake();
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "2"}));
    let delete = &fake.made("delete")[0];
    assert_eq!((delete.plural.as_str(), delete.name.as_deref()), ("pods", Some("db-2")));
    let fences = delete.delete.clone().unwrap();
    assert_eq!((fences.uid.as_deref(), fences.resource_version.as_deref()), (Some("uid-db-2"), Some("5")));
    assert!(fake.made("patch").is_empty() && answer.structured["changed"] == true);
}

#[test]
fn a_pod_whose_status_moved_on_is_deleted_and_another_of_its_name_is_not() {
    for (change, times) in [(json!({"metadata": {"resourceVersion": "6"}}), 2), (json!({"metadata": {"uid": "uid-new"}}), 1)] {
        let fake = fake();
        *fake.meanwhile.borrow_mut() = Some(crate::json::merged(&pod("db-2", "replica"), &change));
        let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
        assert_eq!((fake.made("delete").len(), answer.is_error), (times, times == 1), "{}", answer.text);
    }
}

#[test]
fn a_pod_that_a_failover_made_the_primary_in_between_is_not_deleted() {
    let fake = fake();
    let mut moved = cluster("default", "db", 3);
    moved["status"]["currentPrimary"] = json!("db-2");
    moved["status"]["targetPrimary"] = json!("db-2");
    *fake.meanwhile.borrow_mut() = Some(moved);
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
    assert_eq!((&answer.structured["reason"], fake.made("delete").len()), (&json!("PrimaryMoved"), 1), "{}", answer.text);
    let fake = self::fake();
    *fake.meanwhile.borrow_mut() =
        Some(crate::json::merged(&pod("db-2", "primary"), &json!({"metadata": {"resourceVersion": "6"}})));
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
    assert_eq!((&answer.structured["reason"], fake.made("delete").len()), (&json!("PrimaryMoved"), 1), "{}", answer.text);
    let fake = self::fake();
    let mut deciding = cluster("default", "db", 3);
    deciding["status"]["targetPrimary"] = json!("pending");
    *fake.meanwhile.borrow_mut() = Some(deciding);
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
    assert_eq!((&answer.structured["reason"], fake.made("delete").len()), (&json!("PrimaryMoving"), 1), "{}", answer.text);
}

#[test]
fn a_fenced_instance_and_a_cluster_whose_primary_moves_are_not_restarted() {
    let answer = fenced("[\"db-2\"]").answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
    assert_eq!(answer.structured["reason"], "Fenced");
    let fake = furnished(|one| one["status"]["targetPrimary"] = json!("pending"));
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
    assert_eq!(answer.structured["reason"], "PrimaryMoving");
    assert!(fake.made("delete").is_empty());
}

#[test]
fn what_a_restart_costs_is_told() {
    let mut one = cluster("default", "db", 2);
    one["spec"]["postgresql"] = json!({"synchronous": {"method": "any", "number": 1}});
    let fake = Fake::new().with("clusters", one).with("pods", pod("db-1", "primary")).with("pods", pod("db-2", "replica"));
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2", "dry_run": true}));
    assert!(answer.text.contains("no other healthy replica") && answer.text.contains("wants 1 standby"), "{}", answer.text);
    assert!(fake.made("delete")[0].dry_run);
}

#[test]
fn fencing_adds_to_what_is_fenced_already() {
    let fake = fenced("[\"db-3\"]");
    let answer = fake.answer("fence_instances", json!({"name": "db", "instances": ["2"]}));
    assert_eq!(annotation(&fake), "[\"db-2\",\"db-3\"]");
    assert_eq!(fake.made("patch")[0].body["metadata"]["resourceVersion"], "10");
    assert_eq!(answer.structured["fenced"], json!(["db-2", "db-3"]));
    let again = fake.answer("fence_instances", json!({"name": "db", "instances": ["db-2"]}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 1);
}

#[test]
fn another_fence_set_in_between_is_kept() {
    let fake = fake();
    let mut changed = cluster("default", "db", 3);
    changed["metadata"]["resourceVersion"] = json!("11");
    changed["metadata"]["annotations"] = json!({"cnpg.io/fencedInstances": "[\"db-3\"]"});
    changed["status"]["instanceNames"] = json!(["db-1", "db-2", "db-3"]);
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer("fence_instances", json!({"name": "db", "instances": ["db-2"]}));
    assert_eq!(annotation(&fake), "[\"db-2\",\"db-3\"]");
    assert!(answer.structured["notes"].to_string().contains("db-3"), "{}", answer.text);
    assert_eq!(answer.structured["fenced"], json!(["db-2", "db-3"]));
}

#[test]
fn d1_fencing_the_primary_needs_consent() {
    for arguments in [
        json!({"name": "db", "instances": ["db-1"]}),
        json!({"name": "db", "all": true}),
        json!({"name": "db", "all": true, "confirm": true}),
        json!({"name": "db", "all": true, "confirm": false, "confirm_name": "db"}),
    ] {
        let fake = fake();
        let answer = fake.answer("fence_instances", arguments.clone());
        assert!(answer.is_error && fake.made("patch").is_empty(), "{arguments}");
    }
    let fake = fake();
    fake.answer("fence_instances", json!({"name": "db", "all": true, "confirm": true, "confirm_name": "db"}));
    assert_eq!(annotation(&fake), "[\"*\"]");
}

#[test]
fn an_instance_that_became_the_primary_in_between_is_not_fenced_without_consent() {
    let fake = fake();
    let mut moved = cluster("default", "db", 3);
    moved["metadata"]["resourceVersion"] = json!("11");
    moved["status"] = json!({"currentPrimary": "db-2", "targetPrimary": "db-2", "instanceNames": ["db-1", "db-2", "db-3"]});
    *fake.meanwhile.borrow_mut() = Some(moved);
    let answer = fake.answer("fence_instances", json!({"name": "db", "instances": ["db-2"]}));
    assert_eq!((&answer.structured["reason"], fake.made("patch").len()), (&json!("PrimaryMoved"), 1), "{}", answer.text);
}

#[test]
fn a_primary_other_than_the_one_that_was_agreed_to_is_not_fenced() {
    let moved = || {
        let mut one = cluster("default", "db", 3);
        one["metadata"]["resourceVersion"] = json!("11");
        one["status"] = json!({"currentPrimary": "db-2", "targetPrimary": "db-2", "instanceNames": ["db-1", "db-2", "db-3"]});
        one
    };
    let fake = fake();
    *fake.meanwhile.borrow_mut() = Some(moved());
    let answer = fake.answer("fence_instances", json!({"name": "db", "all": true, "confirm": true, "confirm_name": "db"}));
    assert_eq!((&answer.structured["reason"], fake.made("patch").len()), (&json!("PrimaryMoved"), 1), "{}", answer.text);
    let asked = self::fake();
    asked.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let state = asked.question("fence_instances", json!({"name": "db", "all": true})).state;
    for (fake, patches) in [(Fake::new().with("clusters", moved()), 0), (self::fake(), 1)] {
        fake.context.borrow_mut().answers =
            vec![("confirm".into(), json!({"action": "accept", "content": {"confirm_name": "db"}}))];
        fake.context.borrow_mut().state = Some(state.clone());
        let answer = fake.answer("fence_instances", json!({"name": "db", "all": true}));
        assert_eq!((answer.is_error, fake.made("patch").len()), (patches == 0, patches), "{}", answer.text);
    }
}

#[test]
fn who_is_fenced_is_not_overwritten_when_it_cannot_be_read() {
    for written in ["db-3", "", "{\"db-3\": true}"] {
        for tool in ["fence_instances", "unfence_instances"] {
            let fake = fenced(written);
            let answer = fake.answer(tool, json!({"name": "db", "instances": ["db-2"]}));
            assert_eq!(
                (&answer.structured["reason"], &annotation(&fake)),
                (&json!("FenceUnreadable"), &json!(written)),
                "{tool}"
            );
        }
        let fake = fenced(written);
        let answer = fake.answer("unfence_instances", json!({"name": "db", "all": true}));
        assert!(!answer.is_error && annotation(&fake).is_null(), "{}", answer.text);
    }
}

#[test]
fn an_instance_that_is_not_there_cannot_be_fenced() {
    let fake = fake();
    let answer = fake.answer("fence_instances", json!({"name": "db", "instances": ["db-9"]}));
    assert!(answer.is_error && answer.text.contains("it has db-1, db-2, db-3") && fake.made("patch").is_empty());
    assert!(fake.answer("fence_instances", json!({"name": "db"})).text.contains("all: true"));
}

#[test]
fn unfencing_takes_out_only_what_is_named_and_the_last_one_removes_the_annotation() {
    let fake = fenced("[\"db-2\",\"db-3\"]");
    let answer = fake.answer("unfence_instances", json!({"name": "db", "instances": ["db-2"]}));
    assert_eq!((annotation(&fake), &answer.structured["fenced"]), (json!("[\"db-3\"]"), &json!(["db-3"])));
    fake.answer("unfence_instances", json!({"name": "db", "instances": ["db-3"]}));
    assert_eq!(fake.made("patch")[1].body["metadata"]["annotations"], json!({"cnpg.io/fencedInstances": null}));
    assert!(annotation(&fake).is_null());
}

#[test]
fn one_of_all_cannot_be_unfenced_and_all_of_them_can() {
    let fake = fenced("[\"*\"]");
    let answer = fake.answer("unfence_instances", json!({"name": "db", "instances": ["db-2"]}));
    assert!(answer.is_error && answer.text.contains("all: true"));
    fake.answer("unfence_instances", json!({"name": "db", "all": true}));
    assert!(annotation(&fake).is_null());
}

#[test]
fn a_refused_pod_delete_names_the_missing_rule() {
    let fake = fake().failing("delete", "pods", 1, status(403, "Forbidden", "User \"x\" cannot delete resource \"pods\""));
    let answer = fake.answer("restart_instance", json!({"name": "db", "instance": "db-2"}));
    assert!(answer.structured["missing_rule"].as_str().unwrap().contains("- delete"));
}
