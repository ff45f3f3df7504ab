//! A fleet: 2,000 clusters in 200 namespaces. What is shown of it stays within the budget of an answer, page by page, and nothing is missing.

use std::collections::BTreeSet;

use kubesim::{Kubesim, Options, example_cluster};
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::serve_rig::Client;

const NAMESPACES: usize = 200;
const EACH: usize = 10;

/// Characters of either form of an answer.
const BUDGET: usize = 25_000;

fn fleet() -> Kubesim {
    let kubesim = Kubesim::start(Options { operator_step: None, ..Options::default() }).unwrap();
    for namespace in 0..NAMESPACES {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("team-{namespace:03}")}});
        kubesim.create(&object).unwrap();
        for number in 0..EACH {
            kubesim.create(&example_cluster(&format!("team-{namespace:03}"), &format!("db-{number}"), 3)).unwrap();
        }
    }
    kubesim
}

/// All pages of the list, as the client gets them.
fn pages(client: &Client, detail: &str) -> Vec<Value> {
    let (mut pages, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page =
            client.call("list_postgres_clusters", &json!({"all_namespaces": true, "detail_level": detail, "cursor": cursor}));
        assert_eq!(page["isError"], false, "{page}");
        cursor = page["structuredContent"]["next_cursor"].clone();
        pages.push(page);
        if cursor.is_null() {
            return pages;
        }
        assert!(pages.len() < 500, "the cursor never ends");
    }
}

#[test]
fn a_list_of_2000_clusters_stays_within_the_budget_and_misses_none() {
    let kubesim = fleet();
    let installation =
        Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody"))).unwrap();
    let host = installation.serve().unwrap();
    let client = Client::new(host.url());
    for detail in ["concise", "detailed"] {
        kubesim.take_requests();
        let mut seen = BTreeSet::new();
        for page in pages(&client, detail) {
            let text = page["content"][0]["text"].as_str().unwrap();
            assert!(text.chars().count() <= BUDGET, "{} characters of text", text.chars().count());
            assert!(page["structuredContent"].to_string().chars().count() <= BUDGET);
            for one in page["structuredContent"]["clusters"].as_array().unwrap() {
                assert!(seen.insert(format!("{}/{}", one["namespace"], one["name"])), "{one} came twice");
            }
        }
        assert_eq!(seen.len(), NAMESPACES * EACH);
        for request in kubesim.take_requests() {
            assert_eq!(request.query("limit"), Some("250"), "{}", request.path);
            let table = request.header("accept").is_some_and(|one| one.contains("as=Table"));
            assert_eq!(table, detail == "concise", "{:?}", request.header("accept"));
        }
    }
}
