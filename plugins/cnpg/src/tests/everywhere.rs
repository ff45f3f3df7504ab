//! `all_namespaces` of tools that work on one object.

use serde_json::{Value, json};

use crate::catalogue;
use crate::fake::{Fake, cluster, status};
use crate::needs::needs;

fn fake() -> Fake {
    Fake::new()
        .with("clusters", cluster("prod", "shop", 3))
        .with("clusters", cluster("prod", "db", 3))
        .with("clusters", cluster("test", "db", 3))
}

#[test]
fn the_only_one_of_its_name_is_found_wherever_it_is() {
    let fake = fake();
    let answer = fake.answer("scale_postgres_cluster", json!({"name": "shop", "instances": 5, "all_namespaces": true}));
    assert_eq!((&answer.structured["namespace"], &answer.structured["changed"]), (&json!("prod"), &json!(true)));
    let sought = &fake.made("list")[0];
    assert_eq!((&sought.namespace, sought.form.as_str()), (&None, "metadata"));
    let ignored =
        json!({"cluster": "shop", "namespace": "elsewhere", "all_namespaces": true, "dry_run": true, "method": "volumeSnapshot"});
    assert_eq!(fake.answer("create_backup", ignored).structured["namespace"], "prod");
}

#[test]
fn several_of_one_name_are_told_and_nothing_is_done() {
    for (tool, arguments) in [
        ("delete_postgres_cluster", json!({"name": "db", "confirm_deletion": true, "confirm_name": "db"})),
        ("set_parameters", json!({"name": "db", "set": {"work_mem": "8MB"}})),
        ("list_postgres_roles", json!({"cluster_name": "db"})),
        ("wait_for", json!({"kind": "cluster", "name": "db"})),
    ] {
        let fake = fake();
        let mut arguments = arguments;
        arguments["all_namespaces"] = json!(true);
        let answer = fake.answer(tool, arguments);
        assert_eq!(answer.structured["reason"], "Ambiguous", "{tool}");
        assert!(answer.text.contains("prod, test") && fake.requests().len() == 1, "{tool}: {}", answer.text);
    }
}

#[test]
fn none_of_that_name_and_no_permission_to_look_are_told_apart() {
    let gone = fake().answer("get_parameters", json!({"name": "none", "all_namespaces": true}));
    assert_eq!((&gone.structured["code"], &gone.structured["reason"]), (&json!(404), &json!("NotFound")));
    let fake = fake().failing("list", "clusters", 1, status(403, "Forbidden", "User \"x\" cannot list resource \"clusters\""));
    let answer = fake.answer("get_parameters", json!({"name": "shop", "all_namespaces": true}));
    assert!(answer.structured["missing_rule"].as_str().unwrap().contains("ClusterRole"), "{}", answer.text);
}

#[test]
fn what_is_new_is_put_where_its_cluster_is() {
    let fake = fake();
    let answer = fake.answer("set_pooler", json!({"name": "new", "cluster_name": "shop", "all_namespaces": true}));
    assert_eq!(answer.structured["namespace"], "prod", "{}", answer.text);
    let answer = fake.answer("restore_cluster", json!({"new_name": "again", "object_store": "s3", "all_namespaces": true}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "all_namespaces");
}

#[test]
fn false_and_null_look_where_the_tool_looks_by_itself() {
    for value in [json!(false), Value::Null] {
        let answer = fake().answer("get_cluster_status", json!({"name": "db", "namespace": "test", "all_namespaces": value}));
        assert_eq!(answer.structured["namespace"], "test");
    }
}

#[test]
fn every_tool_on_something_that_exists_takes_it_and_may_look() {
    let without = |tool: &&catalogue::Entry| !tool.takes().iter().any(|one| one.name == "all_namespaces");
    let names: Vec<&str> = catalogue::all().filter(without).map(|one| one.name).collect();
    assert_eq!(names, ["create_postgres_cluster", "plan_change", "apply_plan", "get_operator_info"]);
    let all = needs();
    for tool in catalogue::all() {
        for (_, kind) in tool.sought() {
            let rules = &all.iter().find(|one| one.name == tool.name).unwrap().rules;
            assert!(rules.iter().any(|one| one.resource == kind.plural && one.verbs.contains(&"list")), "{}", tool.name);
        }
    }
}

#[test]
fn a_plan_finds_the_object_too() {
    let fake = fake();
    fake.settings.borrow_mut().profile = crate::profile::Profile::Admin;
    let arguments = json!({"name": "shop", "instances": 5, "all_namespaces": true});
    let plan = fake.answer("plan_change", json!({"tool": "scale_postgres_cluster", "arguments": arguments}));
    assert!(plan.structured["basis"].to_string().contains("clusters prod/shop"), "{}", plan.text);
}
