//! hibernate_cluster: the backup before it, the wait after it, and what a consent holds for.

use serde_json::{Value, json};

use crate::fake::{Fake, Step, cluster};

const TOOL: &str = "hibernate_cluster";

fn archived() -> Value {
    let mut one = cluster("default", "db", 3);
    one["spec"]["plugins"] = json!([{"name": "barman", "isWALArchiver": true}]);
    one
}

fn with(steps: Vec<Step>) -> Fake {
    Fake::new().with("clusters", archived()).watching(steps)
}

fn backup(phase: &str) -> Step {
    Step::Event(1_000, "MODIFIED", json!({"status": {"phase": phase, "error": "no space"}}))
}

fn hibernating(status: &str, reason: &str) -> Step {
    let mut one = archived();
    one["metadata"]["annotations"] = json!({"cnpg.io/hibernation": "on"});
    one["status"]["conditions"] = json!([{"type": "cnpg.io/hibernation", "status": status, "reason": reason}]);
    Step::Event(1_000, "MODIFIED", one)
}

#[test]
fn the_backup_is_completed_before_anything_is_shut_down() {
    let fake = with(vec![backup("running"), backup("completed")]);
    let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "backup_first": true}));
    let verbs: Vec<&str> = fake.requests().iter().map(|one| one.verb).filter(|verb| *verb != "get").collect();
    assert_eq!(verbs, ["create", "watch", "patch"]);
    assert_eq!(answer.structured["backup"], fake.made("create")[0].body["metadata"]["name"]);
}

#[test]
fn without_a_completed_backup_nothing_is_hibernated() {
    for (steps, reason) in [(vec![backup("failed")], "BackupFailed"), (vec![Step::Silence], "BackupPending")] {
        let fake = with(steps);
        let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "backup_first": true}));
        assert_eq!((&answer.structured["reason"], fake.made("patch").len()), (&json!(reason), 0));
        assert!(answer.text.contains("nothing was hibernated"), "{}", answer.text);
    }
    let fake = Fake::new().with("clusters", cluster("default", "db", 3));
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let answer = fake.answer(TOOL, json!({"name": "db", "backup_first": true}));
    assert!(answer.is_error && answer.text.contains("no backups configured"), "said before anybody is asked: {}", answer.text);
}

#[test]
fn a_dry_run_takes_no_backup_and_asks_nobody() {
    let fake = with(vec![]);
    let answer = fake.answer(TOOL, json!({"name": "db", "backup_first": true, "wait": true, "dry_run": true}));
    assert!(fake.made("create").is_empty() && fake.made("watch").is_empty() && fake.made("patch")[0].dry_run);
    assert!(answer.text.contains("a backup is taken first"), "{}", answer.text);
}

#[test]
fn a_wait_ends_when_the_operator_says_that_all_is_shut_down() {
    let run = |last: Step| {
        let fake = with(vec![hibernating("False", "DeletingPods"), last]);
        let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db", "wait": true}));
        assert!(fake.progress.borrow().iter().any(|one| one.contains("DeletingPods")));
        answer
    };
    let answer = run(hibernating("True", "Hibernated"));
    assert_eq!(answer.structured["wait"]["outcome"], "ready");
    let answer = run(Step::Event(1_000, "MODIFIED", archived()));
    assert_eq!(answer.structured["reason"], "NotHibernated", "somebody took the annotation off: {}", answer.text);
}

#[test]
fn consent_holds_for_the_spec_that_was_shown_and_no_other() {
    let fake = with(vec![]);
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question(TOOL, json!({"name": "db"}));
    let mut changed = archived();
    changed["spec"]["instances"] = json!(5);
    let later = Fake::new().with("clusters", changed.clone());
    let answers = vec![("confirm".into(), json!({"action": "accept", "content": {"confirm_name": "db"}}))];
    for one in [&fake, &later] {
        one.context.borrow_mut().answers = answers.clone();
        one.context.borrow_mut().state = Some(question.state.clone());
    }
    let refused = later.answer(TOOL, json!({"name": "db"}));
    assert_eq!((&refused.structured["reason"], later.made("patch").len()), (&json!("Replaced"), 0));
    changed["metadata"]["resourceVersion"] = json!("11");
    *fake.meanwhile.borrow_mut() = Some(changed);
    let refused = fake.answer(TOOL, json!({"name": "db"}));
    assert_eq!((&refused.structured["reason"], fake.made("patch").len()), (&json!("Changed"), 1), "{}", refused.text);
}

#[test]
fn a_status_that_the_operator_writes_meanwhile_needs_no_new_consent() {
    let fake = with(vec![]);
    let mut written = archived();
    written["metadata"]["resourceVersion"] = json!("11");
    written["status"]["phase"] = json!("Creating a new replica");
    *fake.meanwhile.borrow_mut() = Some(written);
    let answer = fake.answer(TOOL, json!({"name": "db", "confirm_name": "db"}));
    assert!(!answer.is_error && answer.text.contains("Creating a new replica"), "{}", answer.text);
}
