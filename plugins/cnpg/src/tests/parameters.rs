//! get_parameters and set_parameters.

use serde_json::{Value, json};

use crate::fake::{Fake, cluster, invalid, pod, status};

const GET: &str = "get_parameters";
const SET: &str = "set_parameters";

fn furnished(parameters: Value) -> Fake {
    let mut one = cluster("default", "db", 2);
    one["spec"]["postgresql"] = json!({"parameters": parameters, "shared_preload_libraries": ["pg_cron"]});
    Fake::new().with("clusters", one).with("pods", pod("db-1", "primary")).with("pods", pod("db-2", "replica"))
}

fn fake() -> Fake {
    furnished(json!({"work_mem": "4MB", "max_connections": "200"}))
}

#[test]
fn only_what_is_named_and_differs_is_written() {
    let fake = fake();
    let set = json!({"work_mem": "64MB", "max_connections": 200, "jit": false});
    let answer = fake.answer(SET, json!({"name": "db", "set": set, "unset": ["wal_keep_size"]}));
    let parameters = json!({"work_mem": "64MB", "jit": "off"});
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"postgresql": {"parameters": parameters}}));
    assert_eq!(fake.made("patch")[0].body["metadata"], json!({"resourceVersion": "10"}));
    assert_eq!(answer.structured["need_restart"], json!([]));
    let stored = fake.stored("clusters", "db").unwrap()["spec"]["postgresql"]["parameters"].clone();
    assert_eq!(stored, json!({"work_mem": "64MB", "max_connections": "200", "jit": "off"}));
}

#[test]
fn unsetting_takes_a_parameter_out_and_leaves_the_others() {
    let fake = fake();
    fake.answer(SET, json!({"name": "db", "unset": ["work_mem"]}));
    assert_eq!(fake.made("patch")[0].body["spec"]["postgresql"]["parameters"], json!({"work_mem": null}));
    let stored = fake.stored("clusters", "db").unwrap()["spec"]["postgresql"]["parameters"].clone();
    assert_eq!(stored, json!({"max_connections": "200"}));
}

#[test]
fn what_cloudnativepg_keeps_to_itself_is_refused_by_name_before_anything_is_sent() {
    let fake = fake();
    let set = json!({"work_mem": "64MB", "Archive_Mode": "off", "synchronous_standby_names": "*"});
    let answer = fake.answer(SET, json!({"name": "db", "set": set}));
    assert_eq!(answer.structured["reason"], "FixedParameter");
    assert!(fake.requests().is_empty(), "the whole call is refused");
    let causes = answer.structured["causes"].to_string();
    assert!(causes.contains("Archive_Mode") && causes.contains("spec.postgresql.synchronous"), "{causes}");
}

#[test]
fn a_value_cannot_begin_another_setting() {
    let fake = fake();
    let answer = fake.answer(SET, json!({"name": "db", "set": {"work_mem": "4MB\nssl = off"}}));
    assert!(answer.is_error && fake.requests().is_empty());
    let answer = fake.answer(SET, json!({"name": "db", "set": {"work_mem = 1\nssl": "off"}}));
    assert!(answer.is_error && fake.requests().is_empty());
}

#[test]
fn a_restart_is_told_before_it_happens_and_so_is_its_order() {
    let fake = fake();
    let answer = fake.answer(SET, json!({"name": "db", "set": {"max_connections": 100}, "dry_run": true}));
    assert_eq!(answer.structured["need_restart"], json!(["max_connections"]));
    assert!(answer.text.contains("max_connections decreases: the primary restarts first"), "{}", answer.text);
    assert!(fake.made("patch")[0].dry_run);
}

#[test]
fn nothing_named_both_named_and_nothing_to_change_are_told_apart() {
    let fake = fake();
    assert!(fake.answer(SET, json!({"name": "db"})).text.contains("no parameter is named"));
    let both = json!({"name": "db", "set": {"jit": "on"}, "unset": ["jit"]});
    assert!(fake.answer(SET, both).text.contains("in `set` too"));
    let same = fake.answer(SET, json!({"name": "db", "set": {"work_mem": "4MB"}, "unset": ["jit"]}));
    assert!(!same.is_error && same.structured["changed"] == false && fake.made("patch").is_empty());
}

#[test]
fn a_parameter_that_somebody_else_set_in_between_stays() {
    let fake = fake();
    let mut changed = cluster("default", "db", 2);
    changed["metadata"]["resourceVersion"] = json!("11");
    changed["spec"]["postgresql"] = json!({"parameters": {"work_mem": "4MB", "max_connections": "200", "jit": "off"}});
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer(SET, json!({"name": "db", "set": {"work_mem": "8MB"}}));
    let stored = fake.stored("clusters", "db").unwrap()["spec"]["postgresql"]["parameters"].clone();
    assert_eq!(stored, json!({"work_mem": "8MB", "max_connections": "200", "jit": "off"}));
    assert!(answer.text.contains("spec.postgresql.parameters.jit"), "{}", answer.text);
}

#[test]
fn what_the_webhook_refuses_is_told_with_its_parameter() {
    let fake =
        fake().failing("patch", "clusters", 1, invalid("spec.postgresql.parameters.shared_buffers", "more than the memory"));
    let answer = fake.answer(SET, json!({"name": "db", "set": {"shared_buffers": "64GB"}}));
    assert!(answer.is_error && answer.text.contains("more than the memory"), "{}", answer.text);
    assert_eq!(answer.structured["causes"][0]["parameter"], "set");
}

#[test]
fn the_spec_and_a_pending_restart_are_shown() {
    let fake = fake().saying("db-2", json!({"pendingRestart": true}));
    let answer = fake.answer(GET, json!({"name": "db"}));
    assert_eq!(answer.structured["parameters"], json!({"work_mem": "4MB", "max_connections": "200"}));
    assert_eq!(answer.structured["need_restart"], json!(["max_connections"]));
    assert_eq!(answer.structured["shared_preload_libraries"], json!(["pg_cron"]));
    assert_eq!(answer.structured["restart_pending"], true);
    assert!(answer.text.contains("db-2 waits for a restart") && answer.text.contains("| max_connections | 200 | restart |"));
    let quiet = self::fake().answer(GET, json!({"name": "db"}));
    assert_eq!(quiet.structured["restart_pending"], false);
    let blind = self::fake().answer(GET, json!({"name": "db", "live": false}));
    assert_eq!(blind.structured["restart_pending"], Value::Null);
}

#[test]
fn without_permission_to_ask_the_parameters_are_shown_all_the_same() {
    let refused = status(403, "Forbidden", "User \"x\" cannot get resource \"pods/proxy\"");
    let fake = fake().failing("proxy", "pods", 9, refused);
    let answer = fake.answer(GET, json!({"name": "db"}));
    assert!(!answer.is_error && answer.structured["restart_pending"].is_null());
    assert_eq!((fake.made("proxy").len(), &answer.structured["parameters"]["work_mem"]), (1, &json!("4MB")));
}

#[test]
fn many_parameters_fit_into_an_answer_and_the_rest_can_be_asked_for() {
    let all: serde_json::Map<String, Value> =
        (0..900).map(|number| (format!("my.parameter_{number}"), json!("x".repeat(40)))).collect();
    let fake = furnished(Value::Object(all));
    let answer = fake.answer(GET, json!({"name": "db"}));
    assert!(answer.structured["left_out"].as_i64().unwrap() > 0 && answer.structured.to_string().len() < crate::answer::BUDGET);
    let one = fake.answer(GET, json!({"name": "db", "names": ["my.parameter_899"]}));
    assert_eq!((one.structured["parameters"].as_object().unwrap().len(), &one.structured["left_out"]), (1, &json!(0)));
}
