//! The CNPG plugin through the whole host against a real API server: with exactly the rules that it requests, and without them. There is no
//! operator: what is checked is what the API server was made to do.

use kubesim::Rule;
use kubesim::real::RealApiServer;
use portcullis_core::manifest::Manifest;
use portcullis_tests::components::workspace;
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::serve_rig::Client;

/// What `plugin.yaml` requests, as rules of the API server.
fn requested() -> Vec<Rule> {
    let text = std::fs::read_to_string(workspace().join("plugins/cnpg/plugin.yaml")).unwrap();
    let kubernetes = Manifest::parse(&text).unwrap().requests.kubernetes.unwrap();
    let words = |list: &[String]| list.to_vec();
    let rule = |rule: &portcullis_core::kubegrant::KubernetesRule| Rule {
        groups: words(&rule.api_groups),
        resources: words(&rule.resources),
        verbs: words(&rule.verbs),
        names: words(&rule.resource_names),
        namespaces: Vec::new(),
    };
    kubernetes.rules.iter().map(rule).collect()
}

/// A host whose service account is this user.
fn client(kubeconfig: &str) -> (portcullis_tests::host::Host, Client) {
    let host = Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(kubeconfig)).unwrap().serve().unwrap();
    let client = Client::new(host.url());
    (host, client)
}

fn ask(client: &Client, tool: &str, extra: Value) -> Value {
    let mut arguments = json!({"name": "shop", "namespace": "default"});
    arguments.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    client.call(tool, &arguments)
}

fn fine(result: &Value) {
    assert_eq!(result["isError"], false, "{result}");
}

fn round(kubeconfig: &str) {
    let (_host, client) = client(kubeconfig);
    let create = json!({"instances": 3});
    fine(&ask(&client, "create_postgres_cluster", json!({"instances": 3, "dry_run": true})));
    assert_eq!(ask(&client, "get_cluster_status", json!({}))["structuredContent"]["reason"], "NotFound", "a dry run created it");
    fine(&ask(&client, "create_postgres_cluster", create.clone()));
    assert_eq!(ask(&client, "create_postgres_cluster", create)["structuredContent"]["reason"], "AlreadyExists");
    fine(&ask(&client, "scale_postgres_cluster", json!({"instances": 5})));
    let status = ask(&client, "get_cluster_status", json!({"detail_level": "detailed"}));
    fine(&status);
    assert_eq!(status["structuredContent"]["instances"], 5, "{status}");
    let unconfirmed = ask(&client, "delete_postgres_cluster", json!({"confirm_deletion": true}));
    assert_eq!(unconfirmed["isError"], true, "{unconfirmed}");
    fine(&ask(&client, "delete_postgres_cluster", json!({"confirm_deletion": true, "confirm_name": "shop"})));
    let listed = client.call("list_postgres_clusters", &json!({"namespace": "default"}));
    assert_eq!(listed["structuredContent"]["count"], 0, "{listed}");
}

fn refused(kubeconfig: &str) {
    let (_host, client) = client(kubeconfig);
    for (tool, extra, verb) in [
        ("get_cluster_status", json!({}), "get"),
        ("create_postgres_cluster", json!({"instances": 1}), "create"),
        ("scale_postgres_cluster", json!({"instances": 2}), "get"),
    ] {
        let result = ask(&client, tool, extra);
        let rule = &result["structuredContent"]["missing_rule"];
        assert_eq!((&result["isError"], &result["structuredContent"]["code"]), (&json!(true), &json!(403)), "{result}");
        assert!(rule.as_str().is_some_and(|rule| rule.contains("clusters") && rule.contains(verb)), "{tool}: {result}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_round_takes_the_requested_rules_and_without_them_the_missing_one_is_named() {
    let Some(mut server) = RealApiServer::start().await.unwrap() else {
        eprintln!("{}", kubesim::real::SKIPPED);
        return;
    };
    let (allowed, nobody) = (server.user(&requested()).await.unwrap(), server.user(&[]).await.unwrap());
    let (allowed, nobody) = (server.kubeconfig_of(&allowed), server.kubeconfig_of(&nobody));
    tokio::task::spawn_blocking(move || round(&allowed)).await.unwrap();
    tokio::task::spawn_blocking(move || refused(&nobody)).await.unwrap();
}
