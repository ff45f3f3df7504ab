//! list_postgres_clusters.

use serde_json::{Value, json};

use crate::answer::BUDGET;
use crate::fake::{Fake, cluster};

const TOOL: &str = "list_postgres_clusters";

fn two() -> Fake {
    let mut ill = cluster("prod", "billing", 3);
    ill["status"]["phase"] = json!("Cluster is unrecoverable and needs manual intervention");
    ill["status"]["phaseReason"] = json!("no instance left");
    Fake::new().with("clusters", cluster("default", "db", 3)).with("clusters", ill)
}

#[test]
fn d18_the_scope_says_what_was_listed() {
    let fake = two();
    let answer = fake.answer(TOOL, json!({}));
    assert_eq!(answer.structured["scope"], "namespace 'default'");
    assert_eq!(answer.structured["count"], 1);
    assert_eq!(fake.made("list")[0].namespace.as_deref(), Some("default"));
    let everywhere = fake.answer(TOOL, json!({"all_namespaces": true}));
    assert_eq!(everywhere.structured["scope"], "all namespaces");
    assert_eq!(everywhere.structured["count"], 2);
    assert_eq!(fake.made("list")[1].namespace, None);
}

#[test]
fn d1_arguments_are_taken_by_name() {
    let fake = two();
    fake.answer(TOOL, json!({"detail_level": "detailed", "namespace": "prod"}));
    let request = &fake.made("list")[0];
    assert_eq!((request.namespace.as_deref(), request.form.as_str()), (Some("prod"), "object"));
}

#[test]
fn concise_asks_for_a_table_of_250() {
    let fake = two();
    let answer = fake.answer(TOOL, json!({"label_selector": "team=x"}));
    let request = &fake.made("list")[0];
    let options = request.list.as_ref().unwrap();
    assert_eq!((request.form.as_str(), options.limit, options.label_selector.as_deref()), ("table", Some(250), Some("team=x")));
    assert!(answer.text.starts_with("No PostgreSQL clusters found in namespace 'default'"));
}

#[test]
fn the_keys_of_the_reference_are_kept() {
    let answer = two().answer(TOOL, json!({"detail_level": "detailed"}));
    let one = &answer.structured["clusters"][0];
    for key in [
        "name",
        "namespace",
        "instances",
        "ready_instances",
        "phase",
        "current_primary",
        "postgres_version",
        "storage_size",
        "conditions",
    ] {
        assert!(one.get(key).is_some(), "{key}");
    }
    assert!(answer.text.starts_with("Found 1 PostgreSQL cluster(s)"));
}

#[test]
fn ages_come_from_the_clock_and_rows_from_the_table() {
    let answer = two().answer(TOOL, json!({}));
    assert!(answer.text.contains("| default | db | 3/3 | healthy | Cluster in healthy state | db-1 | 24h |"), "{}", answer.text);
}

#[test]
fn the_health_filter_finds_what_is_ill() {
    let names = |health: &str| -> Vec<String> {
        let answer = two().answer(TOOL, json!({"all_namespaces": true, "health": health}));
        answer.structured["clusters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("unhealthy"), ["billing"]);
    assert_eq!(names("failed"), ["billing"]);
    assert_eq!(names("healthy"), ["db"]);
    assert_eq!(names("progressing"), Vec::<String>::new());
}

#[test]
fn d22_format_json_is_the_structured_result_as_text() {
    let answer = two().answer(TOOL, json!({"format": "json"}));
    assert_eq!(serde_json::from_str::<Value>(&answer.text).unwrap(), answer.structured);
}

fn follow(fake: &Fake, mut arguments: Value) -> (Vec<String>, usize) {
    let (mut names, mut calls) = (Vec::new(), 0);
    loop {
        let answer = fake.answer(TOOL, arguments.clone());
        calls += 1;
        names
            .extend(answer.structured["clusters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        match answer.structured["next_cursor"].as_str() {
            Some(cursor) => arguments["cursor"] = json!(cursor),
            None => return (names, calls),
        }
        assert!(calls < 100, "the cursor does not move");
    }
}

#[test]
fn d22_four_hundred_clusters_come_in_pages_without_a_gap() {
    for (detail, page) in [("concise", 250), ("detailed", 100)] {
        let fake = (0..400).fold(Fake::new(), |fake, at| fake.with("clusters", cluster("default", &format!("db-{at:03}"), 3)));
        fake.page.set(page);
        let (names, calls) = follow(&fake, json!({"detail_level": detail}));
        let expected: Vec<String> = (0..400).map(|at| format!("db-{at:03}")).collect();
        assert_eq!(names, expected, "{detail}");
        assert!(calls > 1, "400 clusters do not fit into {BUDGET} characters");
    }
}

#[test]
fn a_limit_pages_too_and_filters_keep_their_place() {
    let fake = (0..9).fold(Fake::new(), |fake, at| {
        let mut one = cluster("default", &format!("db-{at}"), 3);
        if at % 2 == 0 {
            one["status"]["readyInstances"] = json!(1);
        }
        fake.with("clusters", one)
    });
    fake.page.set(4);
    let (names, calls) = follow(&fake, json!({"limit": 2, "health": "progressing"}));
    assert_eq!(names, ["db-0", "db-2", "db-4", "db-6", "db-8"]);
    assert_eq!(calls, 3);
}

#[test]
fn a_cursor_of_another_query_is_refused() {
    let fake = (0..3).fold(Fake::new(), |fake, at| fake.with("clusters", cluster("default", &format!("db-{at}"), 3)));
    let cursor = fake.answer(TOOL, json!({"limit": 1})).structured["next_cursor"].clone();
    let answer = fake.answer(TOOL, json!({"limit": 1, "cursor": cursor, "health": "failed"}));
    assert!(answer.is_error && answer.structured["causes"][0]["parameter"] == "cursor");
}
