//! Waiting, through create and scale.

use portcullis_plugin::kubernetes::Status;
use serde_json::{Value, json};

use crate::fake::{Fake, Step, cluster, status};

fn at(phase: &str, ready: i64) -> Value {
    let mut one = cluster("default", "db", 3);
    one["status"] = json!({"phase": phase, "readyInstances": ready, "phaseReason": "because"});
    one["metadata"].as_object_mut().unwrap().remove("uid");
    one
}

fn event(phase: &str, ready: i64) -> Step {
    Step::Event(2_000, "MODIFIED", at(phase, ready))
}

fn create(fake: &Fake) -> crate::answer::Answer {
    fake.answer("create_postgres_cluster", json!({"name": "db", "wait": true}))
}

#[test]
fn d19_each_change_of_phase_is_reported_and_the_wait_ends_at_health() {
    let fake = Fake::new().watching(vec![
        event("Setting up primary", 0),
        event("Creating a new replica", 1),
        event("Creating a new replica", 1),
        event("Cluster in healthy state", 3),
    ]);
    let answer = create(&fake);
    assert_eq!(answer.structured["wait"], json!({"outcome": "ready", "waited_seconds": 8, "problem": null}));
    let said = fake.progress.borrow().clone();
    assert_eq!(
        said,
        [
            "Waiting for the operator (0/3 ready)",
            "Setting up primary (0/3 ready)",
            "Creating a new replica (1/3 ready)",
            "Cluster in healthy state (3/3 ready)"
        ]
    );
    let options = fake.made("watch")[0].list.clone().unwrap();
    assert_eq!(options.field_selector.as_deref(), Some("metadata.name=db"));
    assert_eq!(options.resource_version.as_deref(), Some("1"));
    assert!(fake.made("get").is_empty(), "no polling");
}

#[test]
fn d19_a_terminal_phase_ends_the_wait_as_an_error() {
    let fake = Fake::new().watching(vec![event("Cluster is unrecoverable and needs manual intervention", 0)]);
    let answer = create(&fake);
    assert!(answer.is_error);
    assert_eq!(answer.structured["reason"], "ClusterFailed");
    assert!(answer.text.contains("because") && answer.text.contains("restore from a backup"));
}

#[test]
fn d19_a_refused_watch_is_told_and_not_swallowed() {
    let refused = status(403, "Forbidden", "User \"x\" cannot watch resource \"clusters\"");
    let fake = Fake::new().failing("watch", "clusters", 1, refused);
    let answer = create(&fake);
    assert!(!answer.is_error, "the cluster was created");
    assert_eq!(answer.structured["wait"]["outcome"], "not_watched");
    assert!(answer.text.contains("- watch") && answer.text.contains("could not watch"));
}

#[test]
fn d19_a_wait_ends_with_the_call_and_says_what_is_still_going_on() {
    let fake = Fake::new().watching(vec![event("Setting up primary", 0), Step::Silence]);
    fake.context.borrow_mut().deadline_ms = 20_000;
    let answer = create(&fake);
    assert!(!answer.is_error);
    assert_eq!(answer.structured["wait"], json!({"outcome": "timed_out", "waited_seconds": 18, "problem": null}));
    assert!(answer.text.contains("Setting up primary") && answer.text.contains("get_cluster_status"));
}

#[test]
fn a_watch_that_is_too_old_or_closed_is_opened_again() {
    for broken in [Step::Fail(status(410, "Expired", "too old resource version")), Step::End] {
        let fake = Fake::new().watching(vec![broken, event("Cluster in healthy state", 3)]);
        let answer = create(&fake);
        assert_eq!(answer.structured["wait"]["outcome"], "ready");
        assert_eq!((fake.made("watch").len(), fake.made("get").len()), (2, 1));
    }
}

#[test]
fn a_watch_that_breaks_again_and_again_is_opened_with_pauses_and_then_given_up() {
    let broken = || Step::Fail(status(0, "Unreachable", "connection refused"));
    let fake = Fake::new().watching((0..9).map(|_| broken()).collect());
    let answer = create(&fake);
    assert_eq!(answer.structured["wait"]["outcome"], "not_watched");
    assert_eq!(fake.pauses.borrow().clone(), [250, 500, 1000, 2000, 2000]);
    assert_eq!(fake.made("watch").len(), 6);
}

#[test]
fn the_pause_is_as_long_as_the_server_asks_for() {
    let busy = Status { retry_after_ms: Some(3000), ..status(429, "TooManyRequests", "slow down") };
    let fake = Fake::new().watching(vec![Step::Fail(busy), event("Cluster in healthy state", 3)]);
    assert_eq!(create(&fake).structured["wait"]["outcome"], "ready");
    assert_eq!(fake.pauses.borrow().clone(), [3000]);
}

#[test]
fn a_server_that_closes_every_watch_is_not_asked_without_pause() {
    let fake = Fake::new().watching((0..12).map(|_| Step::End).collect());
    assert_eq!(create(&fake).structured["wait"]["outcome"], "timed_out");
    assert!(fake.pauses.borrow().iter().skip(3).all(|one| *one == 2000));
}

#[test]
fn a_cluster_that_somebody_deletes_ends_the_wait() {
    let fake = Fake::new().watching(vec![Step::Event(10, "DELETED", at("Setting up primary", 0))]);
    let answer = create(&fake);
    assert!(answer.is_error && answer.structured["reason"] == "Deleted");
}

#[test]
fn scaling_down_waits_until_the_surplus_is_gone() {
    let fake = Fake::new()
        .with("clusters", cluster("default", "db", 3))
        .watching(vec![event("Cluster in healthy state", 3), event("Cluster in healthy state", 2)]);
    let answer = fake.answer("scale_postgres_cluster", json!({"name": "db", "instances": 2, "wait": true}));
    assert_eq!(answer.structured["wait"], json!({"outcome": "ready", "waited_seconds": 4, "problem": null}));
}

#[test]
fn events_make_up_for_watches_that_broke_before() {
    let broken = || Step::Fail(status(410, "Expired", "too old resource version"));
    let steps = (1..=8).flat_map(|ready| [broken(), event("Setting up primary", ready % 3)]);
    let fake = Fake::new().watching(steps.chain([event("Cluster in healthy state", 3)]).collect());
    assert_eq!(create(&fake).structured["wait"]["outcome"], "ready");
}

#[test]
fn another_cluster_of_the_same_name_is_not_the_one_that_is_waited_for() {
    // The event shows the cluster that was created, the read after it the one that took its name.
    let mut created = at("Setting up primary", 0);
    created["metadata"]["uid"] = json!("uid-created");
    let fake = Fake::new().watching(vec![Step::Event(10, "MODIFIED", created), Step::End]);
    let answer = create(&fake);
    assert!(answer.is_error && answer.structured["reason"] == "Deleted", "{}", answer.text);
}
