//! The whole round on clusters through the real program: CNPG plugin, kubesim, HTTP and stdio, tokens and the audit trail.

use kubesim::{Kubesim, Options};
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::serve_rig::{Client, ready, until};
use crate::wire_rig::{Pipe, modern};

fn installation(kubesim: &Kubesim) -> Installation {
    Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody"))).unwrap()
}

fn cluster(extra: &Value) -> Value {
    let mut arguments = json!({"name": "shop", "namespace": "default"});
    arguments.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    arguments
}

/// Each step with a word that its result must contain.
fn round() -> [(&'static str, Value, &'static str); 6] {
    [
        ("create_postgres_cluster", cluster(&json!({"instances": 1})), "created"),
        ("list_postgres_clusters", json!({"namespace": "default"}), "shop"),
        ("scale_postgres_cluster", cluster(&json!({"instances": 2})), "from 1 to 2"),
        ("get_cluster_status", cluster(&json!({})), "shop-1"),
        ("delete_postgres_cluster", cluster(&json!({"confirm_deletion": true, "confirm_name": "shop"})), "delet"),
        ("list_postgres_clusters", json!({"namespace": "default"}), "No PostgreSQL clusters"),
    ]
}

#[test]
fn clusters_are_created_scaled_inspected_and_deleted_over_http() {
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let host = installation(&kubesim).serve().unwrap();
    assert_eq!(ready(&host)["status"], "ready");
    let client = Client::new(host.url());
    for (tool, arguments, word) in round() {
        // The stand-in's operator works in the background: a step's word may come a moment later.
        until(&host, word, || {
            let result = client.call(tool, &arguments);
            let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
            let reads = tool.starts_with("list") || tool.starts_with("get");
            assert!(reads || (result["isError"] == false && text.contains(word)), "{tool}: {result}");
            text.contains(word).then_some(())
        });
    }
}

/// What each tool must say of itself (contract D22); whether a reader is destructive means nothing and is not said.
fn hints() -> [(&'static str, Value); 5] {
    let reads = || json!({"readOnlyHint": true, "idempotentHint": true, "openWorldHint": false});
    let writes = |destructive: bool, idempotent: bool| json!({"readOnlyHint": false, "destructiveHint": destructive, "idempotentHint": idempotent, "openWorldHint": false});
    [
        ("list_postgres_clusters", reads()),
        ("get_cluster_status", reads()),
        ("create_postgres_cluster", writes(false, false)),
        ("scale_postgres_cluster", writes(true, true)),
        ("delete_postgres_cluster", writes(true, false)),
    ]
}

#[test]
fn every_tool_tells_a_client_what_it_does_takes_and_returns() {
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let host = installation(&kubesim).serve().unwrap();
    let (_, answer) = Client::new(host.url()).ask("tools/list", json!({}));
    let tools = answer["result"]["tools"].as_array().unwrap();
    for tool in tools {
        let (name, hints) = (&tool["name"], &tool["annotations"]);
        assert!(
            !tool["title"].as_str().unwrap_or_default().is_empty() && !tool["description"].as_str().unwrap().is_empty(),
            "{name}"
        );
        assert_eq!(hints["openWorldHint"], false, "{name} talks to one API server and to nothing else");
        assert!(
            hints["readOnlyHint"] == true || hints["destructiveHint"].is_boolean(),
            "{name} does not say what it does: {hints}"
        );
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        for (parameter, schema) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(schema["description"].as_str().is_some_and(|words| words.len() > 10), "{name}.{parameter}: {schema}");
        }
    }
    for (name, expected) in hints() {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
        assert_eq!(tool["annotations"], expected, "{name}");
    }
}

#[test]
fn a_detailed_status_asks_every_instance_through_the_proxy() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let host = installation(&kubesim).serve().unwrap();
    let client = Client::new(host.url());
    let arguments = json!({"name": "orders", "namespace": "demo", "detail_level": "detailed"});
    // The stand-in's operator brings the instances up one after the other.
    let status = until(&host, "three healthy instances", || {
        let status = client.call("get_cluster_status", &arguments)["structuredContent"].clone();
        (status["health"] == "healthy" && status["ready_instances"] == 3).then_some(status)
    });
    let live = status["sections"]["live"]["instances"].as_array().unwrap();
    let summary: Vec<_> = live.iter().map(|one| (one["pod"].as_str().unwrap(), &one["primary"], &one["lsn"])).collect();
    let (yes, no, lsn) = (json!(true), json!(false), json!("0/6000060"));
    assert_eq!(summary, [("orders-1", &yes, &lsn), ("orders-2", &no, &lsn), ("orders-3", &no, &lsn)], "{status}");
    let asked = |pod: u8| format!("/api/v1/namespaces/demo/pods/https:orders-{pod}:8000/proxy/pg/status");
    let requests = kubesim.requests();
    assert!([1, 2, 3].into_iter().all(|pod| requests.iter().any(|one| one.path == asked(pod))), "{requests:?}");
}

#[test]
fn a_detailed_status_without_the_grant_of_the_proxy_names_the_rule_and_tells_the_rest() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let installation = installation(&kubesim);
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    let rules = config["plugins"]["cnpg"]["grants"]["kubernetes"]["rules"].as_array_mut().unwrap();
    rules.retain(|rule| !rule["resources"].to_string().contains("pods/proxy"));
    installation.configure(&config).unwrap();
    let host = installation.serve().unwrap();
    let client = Client::new(host.url());
    let arguments = json!({"name": "orders", "namespace": "demo", "detail_level": "detailed"});
    let sections = until(&host, "a running instance", || {
        let sections = client.call("get_cluster_status", &arguments)["structuredContent"]["sections"].clone();
        (sections["live"]["unavailable"] == "not permitted").then_some(sections)
    });
    assert!(sections["live"]["missing_rule"].as_str().unwrap().contains("pods/proxy"), "{sections}");
    assert!(sections["instances"].is_object() || sections["instances"].is_array(), "{sections}");
    assert!(kubesim.requests().iter().all(|one| !one.path.contains("/proxy")), "it reached the API server");
}

#[test]
fn clusters_are_listed_over_stdio_and_the_end_of_input_ends_the_host() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let installation = installation(&kubesim);
    let mut pipe = Pipe::open(&installation);
    let params = json!({"name": "list_postgres_clusters", "arguments": {"namespace": "demo"}});
    let answer = pipe.ask(&modern(7, "tools/call", &params));
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(7), &json!(false)), "{answer}");
    assert!(pipe.close());
}

/// Of the text `secret`.
const SECRET_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

#[test]
fn a_token_sees_and_calls_what_it_may_and_leaves_its_name_in_the_audit_trail() {
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let installation = installation(&kubesim);
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    config["listeners"][0]["endpoints"][0]["guard"] = json!("tokens");
    config["tokens"] = json!([{"name": "reader", "sha256": SECRET_SHA256, "tools": ["list_postgres_*"]}]);
    config["audit"] = json!({"path": "audit.log"});
    installation.configure(&config).unwrap();
    let host = installation.serve().unwrap();
    assert_eq!(Client::new(host.url()).ask("tools/list", json!({})).0, 401);
    let client = Client::with_token(host.url(), "secret");
    assert_eq!(client.tools(), ["list_postgres_clusters", "list_postgres_databases", "list_postgres_roles"]);
    client.call("list_postgres_clusters", &json!({}));
    let (_, refused) = client.ask("tools/call", json!({"name": "create_postgres_cluster", "arguments": {"name": "x"}}));
    let (_, unknown) = client.ask("tools/call", json!({"name": "no_such_tool", "arguments": {}}));
    assert_eq!(refused["error"]["code"], unknown["error"]["code"], "{refused} {unknown}");
    let trail = std::fs::read_to_string(host.installation().path().join("audit.log")).unwrap();
    let outcomes: Vec<Value> = trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary: Vec<_> =
        outcomes.iter().map(|one| (one["principal"].as_str().unwrap(), one["outcome"].as_str().unwrap())).collect();
    assert_eq!(summary[..2], [("reader@portcullis:config", "completed"), ("reader@portcullis:config", "denied")], "{trail}");
}
