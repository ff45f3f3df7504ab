//! The whole round on clusters through the real program: CNPG plugin, kubesim, HTTP and stdio, tokens and the audit trail.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use kubesim::{Kubesim, Options};
use portcullis_tests::host::{Installation, portcullis};
use serde_json::{Value, json};

use crate::serve_rig::{Client, meta, ready, until};

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

#[test]
fn clusters_are_listed_over_stdio_and_the_end_of_input_ends_the_host() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let installation = installation(&kubesim);
    let mut command = Command::new(portcullis().unwrap());
    command.args(["stdio", "--config"]).arg(installation.config()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let params = json!({"name": "list_postgres_clusters", "arguments": {"namespace": "demo"}, "_meta": meta()});
    writeln!(input, "{}", json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})).unwrap();
    let messages = output.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let answer = messages.into_iter().find(|message| message["id"] == 7).unwrap();
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// Of the text `secret`.
const SECRET_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

#[test]
fn a_token_sees_and_calls_what_it_may_and_leaves_its_name_in_the_audit_trail() {
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let installation = installation(&kubesim);
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    config["listeners"][0]["endpoints"][0]["guard"] = json!("tokens");
    config["tokens"] = json!([{"name": "reader", "sha256": SECRET_SHA256, "tools": ["list_*"]}]);
    config["audit"] = json!({"path": "audit.log"});
    installation.configure(&config).unwrap();
    let host = installation.serve().unwrap();
    assert_eq!(Client::new(host.url()).ask("tools/list", json!({})).0, 401);
    let client = Client::with_token(host.url(), "secret");
    assert_eq!(client.tools(), ["list_postgres_clusters"]);
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
