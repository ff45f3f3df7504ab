//! The API server at its worst, seen through the whole host: every fault is an `isError` result that names its cause and the next step, and
//! the host serves on.

use std::time::Duration;

use kubesim::{Fault, Kubesim, Matcher, Options, Rule, User};
use portcullis_tests::host::{Host, Installation};
use serde_json::{Value, json};

use crate::serve_rig::Client;

fn installation(kubeconfig: &str, grants: Option<Value>, limits: Value) -> Host {
    let installation = Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(kubeconfig)).unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    config["plugins"]["cnpg"]["limits"] = limits;
    if let Some(kubernetes) = grants {
        config["plugins"]["cnpg"]["grants"]["kubernetes"] = kubernetes;
    }
    installation.configure(&config).unwrap();
    installation.serve().unwrap()
}

fn status(client: &Client) -> Value {
    client.call("get_cluster_status", &json!({"name": "orders", "namespace": "demo"}))
}

/// The result says that it failed, and its text has all of these words.
fn tells(result: &Value, words: &[&str]) {
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    assert_eq!(result["isError"], true, "{result}");
    for word in words {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "`{word}` is not in: {text}");
    }
}

fn code(code: u16) -> Fault {
    Fault::Status { code, retry_after: None }
}

#[test]
fn every_refusal_of_the_api_server_names_its_cause_and_the_next_step() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let host = installation(&kubesim.kubeconfig_yaml("anybody"), None, json!({}));
    let client = Client::new(host.url());
    let rows: [(Fault, &[&str]); 8] = [
        (code(401), &["401", "credentials"]),
        (code(403), &["403", "apiGroups", "postgresql.cnpg.io", "clusters", "get"]),
        (code(404), &["404", "list_postgres_clusters"]),
        (code(409), &["409", "again"]),
        (code(422), &["422", "parameters"]),
        (code(429), &["429", "wait"]),
        (code(500), &["500"]),
        (Fault::Reset, &["reached"]),
    ];
    for (fault, words) in rows {
        kubesim.faults().fail_always(Matcher::on("get", "clusters"), fault);
        tells(&status(&client), words);
        kubesim.faults().clear();
        assert_eq!(status(&client)["isError"], false, "the host did not recover after {words:?}");
    }
}

#[test]
fn a_watch_that_is_gone_does_not_end_a_wait() {
    // Slow enough that the cluster is not ready before the watch is opened again, which the plugin does not do at once.
    let slow = Some(Duration::from_secs(1));
    let kubesim = Kubesim::start(Options { operator_step: slow, ..Options::default() }).unwrap();
    let host = installation(&kubesim.kubeconfig_yaml("anybody"), None, json!({}));
    kubesim.faults().fail_next(Matcher::on("watch", "clusters"), Fault::GoneOnWatch);
    let arguments = json!({"name": "shop", "namespace": "default", "instances": 1, "wait": true});
    let result = Client::new(host.url()).call("create_postgres_cluster", &arguments);
    assert_eq!(
        (&result["isError"], &result["structuredContent"]["wait"]["outcome"]),
        (&json!(false), &json!("ready")),
        "{result}"
    );
    let watches = kubesim.requests().iter().filter(|one| one.query("watch").is_some()).count();
    assert!(watches > 1, "the watch that was gone was not opened again");
}

#[test]
fn a_server_that_never_answers_costs_the_call_its_deadline_and_nothing_else() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let host = installation(&kubesim.kubeconfig_yaml("anybody"), None, json!({"deadlineMs": 1500}));
    let client = Client::new(host.url());
    kubesim.faults().fail_always(Matcher::on("get", "clusters"), Fault::Hang);
    tells(&status(&client), &["time"]);
    kubesim.faults().clear();
    kubesim.faults().fail_next(Matcher::on("get", "clusters"), Fault::Delay(Duration::from_millis(300)));
    assert_eq!(status(&client)["isError"], false, "a slow answer is an answer");
}

#[test]
fn a_server_that_is_down_is_named_and_found_again_when_it_is_back() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let (port, kubeconfig) = (kubesim.url().rsplit(':').next().unwrap().parse().unwrap(), kubesim.kubeconfig_yaml("anybody"));
    let host = installation(&kubeconfig, None, json!({}));
    let client = Client::new(host.url());
    kubesim.stop();
    tells(&status(&client), &["cannot be reached"]);
    let _back = Kubesim::start(Options { demo: true, port, ..Options::default() }).unwrap();
    assert_eq!(status(&client)["isError"], false);
}

#[test]
fn what_the_grant_lacks_is_printed_as_the_rule_to_add() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let listing = json!({"rules": [
        {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["list"], "namespaces": ["demo"]},
    ]});
    let host = installation(&kubesim.kubeconfig_yaml("anybody"), Some(listing), json!({}));
    let client = Client::new(host.url());
    kubesim.take_requests();
    tells(&status(&client), &["403", "apiGroups", "clusters", "get", "demo"]);
    assert!(kubesim.take_requests().iter().all(|one| !one.path.ends_with("/orders")), "it reached the API server");
    assert_eq!(client.call("list_postgres_clusters", &json!({"namespace": "demo"}))["isError"], false);
}

#[test]
fn what_the_api_servers_rbac_lacks_is_printed_as_the_rule_to_add() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    kubesim.set_user(User {
        name: "reader".into(),
        token: "t0ken".into(),
        rules: vec![Rule::new("postgresql.cnpg.io", &["clusters"], &["list"])],
        ..User::default()
    });
    let host = installation(&kubesim.kubeconfig_yaml("reader"), None, json!({}));
    tells(&status(&Client::new(host.url())), &["403", "apiGroups", "clusters", "get"]);
}

#[test]
fn tools_that_the_api_servers_rbac_would_refuse_are_told_beforehand() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    kubesim.set_user(User {
        name: "reader".into(),
        token: "t0ken".into(),
        rules: vec![Rule::new("postgresql.cnpg.io", &["clusters"], &["get", "list"])],
        ..User::default()
    });
    let host = installation(&kubesim.kubeconfig_yaml("reader"), None, json!({}));
    let info = Client::new(host.url()).call("get_operator_info", &json!({"namespace": "demo"}));
    let rights = &info["structuredContent"]["rights"];
    assert_eq!((&rights["namespace"], &rights["complete"]), (&json!("demo"), &json!(true)), "{info}");
    let lacking = rights["lacking"].as_array().unwrap();
    let rules = |tool: &str| lacking.iter().find(|one| one["tool"] == tool).map(|one| one["rules"].to_string());
    assert_eq!(rules("list_postgres_clusters"), None);
    assert!(rules("create_postgres_cluster").is_some_and(|rules| rules.contains("create")), "{rights}");
}

#[test]
fn a_server_that_is_silent_at_the_start_does_not_keep_the_plugin_from_being_loaded() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    kubesim.faults().fail_always(Matcher::any(), Fault::Hold);
    let host = installation(&kubesim.kubeconfig_yaml("anybody"), None, json!({}));
    let client = Client::new(host.url());
    assert!(client.tools().contains(&"list_postgres_clusters".to_owned()), "{}", host.log());
    kubesim.faults().clear();
    assert_eq!(status(&client)["isError"], false);
}
