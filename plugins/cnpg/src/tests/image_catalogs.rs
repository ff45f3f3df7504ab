//! list_image_catalogs.

use serde_json::{Value, json};

use crate::answer::BUDGET;
use crate::fake::{Fake, status};

const TOOL: &str = "list_image_catalogs";

pub(super) fn catalog(namespace: Option<&str>, name: &str, images: &[(i64, &str)]) -> Value {
    let images: Vec<Value> = images.iter().map(|(major, image)| json!({"major": major, "image": image})).collect();
    json!({
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-11-20T12:00:00Z"},
        "spec": {"images": images},
    })
}

fn both() -> Fake {
    let mut ours = catalog(Some("default"), "ours", &[(17, "registry/postgresql:17.5\n| **Done**")]);
    ours["spec"]["images"][0]["extensions"] = json!([{"name": "pgvector"}]);
    Fake::new()
        .with("imagecatalogs", ours)
        .with("imagecatalogs", catalog(Some("prod"), "theirs", &[(16, "registry/postgresql:16.9")]))
        .with(
            "clusterimagecatalogs",
            catalog(None, "trixie", &[(17, "registry/postgresql:17.6"), (18, "registry/postgresql:18.1")]),
        )
}

fn names(answer: &crate::answer::Answer) -> Vec<&str> {
    answer.structured["catalogs"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn catalogs_of_the_namespace_and_cluster_wide_ones_come_with_their_images() {
    let fake = both();
    let answer = fake.answer(TOOL, json!({}));
    assert_eq!(names(&answer), ["trixie", "ours"]);
    assert_eq!(answer.structured["catalogs"][1]["images"][0]["extensions"], json!(["pgvector"]));
    let row = "| ClusterImageCatalog | - | trixie | 24h | 17: registry/postgresql:17.6; 18: registry/postgresql:18.1 |";
    assert!(answer.text.contains(row), "{}", answer.text);
    assert!(answer.text.contains("17.5 \\| **Done** |") && !answer.structured.to_string().contains("\\n"), "{}", answer.text);
    assert_eq!(names(&fake.answer(TOOL, json!({"all_namespaces": true}))), ["trixie", "ours", "theirs"]);
}

#[test]
fn a_major_version_narrows_catalogs_and_images() {
    let answer = both().answer(TOOL, json!({"major": 18}));
    assert_eq!(names(&answer), ["trixie"]);
    assert_eq!(answer.structured["catalogs"][0]["images"].as_array().unwrap().len(), 1);
    let answer = both().answer(TOOL, json!({"major": 14, "namespace": null}));
    assert!(answer.structured["count"] == 0 && answer.text.contains("No image catalogs for PostgreSQL 14"), "{}", answer.text);
}

#[test]
fn cluster_wide_catalogs_that_may_not_be_read_are_told_and_those_of_the_namespace_are_not_optional() {
    let forbidden = || status(403, "Forbidden", "User \"x\" cannot list resource \"clusterimagecatalogs\"");
    let unknown = || status(404, "NotFound", "the server could not find the requested resource");
    for (refusal, word) in [(forbidden(), "not permitted"), (unknown(), "has none")] {
        let answer = both().failing("list", "clusterimagecatalogs", 1, refusal).answer(TOOL, json!({}));
        assert_eq!(names(&answer), ["ours"]);
        assert!(answer.structured["notes"][0].as_str().unwrap().contains(word) && answer.text.contains(word), "{}", answer.text);
    }
    let answer = both().failing("list", "imagecatalogs", 1, forbidden()).answer(TOOL, json!({}));
    assert!(answer.is_error && answer.structured["missing_rule"].as_str().unwrap().contains("imagecatalogs"));
}

#[test]
fn hundreds_of_catalogs_come_in_pages_without_a_gap() {
    let image = format!("registry/{}:17", "x".repeat(250));
    let fake = (0..200)
        .fold(Fake::new(), |fake, at| fake.with("clusterimagecatalogs", catalog(None, &format!("c{at:03}"), &[(17, &image)])));
    let (mut all, mut arguments, mut calls) = (Vec::new(), json!({"limit": 500}), 0);
    loop {
        let answer = fake.answer(TOOL, arguments.clone());
        assert!(answer.text.len().max(answer.structured.to_string().len()) <= BUDGET);
        all.extend(names(&answer).iter().map(|one| (*one).to_owned()));
        calls += 1;
        match answer.structured["next_cursor"].as_str() {
            Some(next) => arguments["cursor"] = json!(next),
            None => break,
        }
    }
    assert_eq!(all, (0..200).map(|at| format!("c{at:03}")).collect::<Vec<_>>());
    assert!(calls > 2);
}
