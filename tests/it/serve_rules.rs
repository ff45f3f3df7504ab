//! Every tool of the CNPG plugin on a real API server: with exactly the rules that the catalogue declares for it nothing is denied, and
//! without any the missing one is named.

mod fixtures;
mod table;

use std::path::Path;

use kubesim::Rule;
use kubesim::real::RealApiServer;
use portcullis_cnpg::{ToolNeeds, needs};
use portcullis_tests::host::{Host, Installation};
use serde_json::{Value, json};

use self::table::Row;
use crate::serve_rig::Client;

/// What the tools of `table` carry out by calling another one.
const CALLED_BY_PLANS: &str = "scale_postgres_cluster";

/// A tool with the rules of what it calls.
struct Tool {
    name: &'static str,
    rules: Vec<Rule>,
    resources: Vec<String>,
}

fn tools() -> Vec<Tool> {
    let all = needs();
    let called = all.iter().find(|one| one.name == CALLED_BY_PLANS).unwrap().rules.clone();
    let tool = |one: &ToolNeeds| {
        let needed = if one.rules.is_empty() { &called } else { &one.rules };
        let rules = needed.iter().map(|rule| Rule::new(rule.group, &[&rule.resource], &rule.verbs));
        let resources = needed.iter().map(|rule| rule.resource.clone());
        Tool { name: one.name, rules: rules.collect(), resources: resources.collect() }
    };
    all.iter().map(tool).collect()
}

/// A host with all tools, whose service account is this user. The cache is shared, so that the component is compiled once.
fn host(kubeconfig: &str, cache: &Path) -> Host {
    let installation = Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(kubeconfig)).unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    config["cacheDirectory"] = json!(cache);
    config["plugins"]["cnpg"]["settings"] = json!({"profile": "admin"});
    config["plugins"]["cnpg"]["limits"] = json!({"deadlineMs": 8000});
    installation.configure(&config).unwrap();
    installation.serve().unwrap()
}

/// The id that `apply_plan` asks for is that of the plan of now.
fn arguments(client: &Client, row: &Row) -> Value {
    let mut arguments = row.arguments.clone();
    if row.tool == "apply_plan" {
        let asked = json!({"tool": arguments["tool"], "arguments": arguments["arguments"]});
        arguments["plan_id"] = client.call("plan_change", &asked)["structuredContent"]["plan_id"].clone();
    }
    arguments
}

/// Tools all of whose rules are for what they show besides: without them they say what they may not see.
const LOOKS_FURTHER: [&str; 1] = ["get_operator_info"];

/// What is wrong with a result of a caller who has all rules.
fn wrong(row: &Row, result: &Value) -> Option<String> {
    let reason = result["structuredContent"]["reason"].as_str().unwrap_or_default();
    let failed = result["isError"] == true;
    let text = result.to_string();
    let told = ["not permitted", "Forbidden", "forbidden"].iter().any(|word| text.contains(word));
    let as_expected = if row.reason.is_empty() { !failed } else { failed && reason == row.reason };
    (told || !as_expected).then(|| format!("{} {}: {result}", row.tool, row.arguments))
}

/// Calls a tool as the table says; what was wrong.
fn permitted(kubeconfig: &str, cache: &Path, rows: &[&Row]) -> Vec<String> {
    let host = host(kubeconfig, cache);
    let client = Client::new(host.url());
    rows.iter().filter_map(|row| wrong(row, &client.call(row.tool, &arguments(&client, row)))).collect()
}

/// Calls every tool once as nobody; what was wrong.
fn refused(kubeconfig: &str, cache: &Path, tools: &[Tool], rows: &[Row]) -> Vec<String> {
    let host = host(kubeconfig, cache);
    let client = Client::new(host.url());
    let call = |tool: &Tool| {
        let row = rows.iter().find(|row| row.tool == tool.name).unwrap();
        let result = client.call(row.tool, &row.arguments);
        let told = &result["structuredContent"];
        let named = told["missing_rule"].as_str().is_some_and(|rule| tool.resources.iter().any(|one| rule.contains(one)));
        let refused = result["isError"] == true && told["code"] == 403 && named;
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let left_out = LOOKS_FURTHER.contains(&tool.name)
            && text.contains("not permitted")
            && tool.resources.iter().any(|one| text.contains(one));
        let fine = refused || left_out;
        (!fine).then(|| format!("{} without any rule: {result}", tool.name))
    };
    tools.iter().filter_map(call).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_gets_by_with_its_own_rules_and_names_the_missing_one_without() {
    let (tools, rows) = (tools(), table::rows());
    let missing: Vec<&str> = tools.iter().map(|one| one.name).filter(|name| rows.iter().all(|row| row.tool != *name)).collect();
    assert!(missing.is_empty(), "no row of the table calls {missing:?}");
    let Some(mut server) = RealApiServer::start().await.unwrap() else {
        eprintln!("{}", kubesim::real::SKIPPED);
        return;
    };
    fixtures::create(server.admin()).await;
    let cache = tempfile::tempdir().unwrap();
    let nobody = server.user(&[]).await.unwrap();
    let kubeconfig = server.kubeconfig_of(&nobody);
    let mut wrong = tokio::task::block_in_place(|| refused(&kubeconfig, cache.path(), &tools, &rows));
    assert!(server.denied_to(&nobody).unwrap().contains(&"get clusters".to_owned()), "the server's audit log tells nothing");
    let mut order: Vec<&str> = rows.iter().map(|row| row.tool).collect();
    order.dedup();
    for name in order {
        let rules = &tools.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("there is no tool {name}")).rules;
        let user = server.user(rules).await.unwrap();
        let kubeconfig = server.kubeconfig_of(&user);
        let rows: Vec<&Row> = rows.iter().filter(|row| row.tool == name).collect();
        wrong.extend(tokio::task::block_in_place(|| permitted(&kubeconfig, cache.path(), &rows)));
        let denied = server.denied_to(&user).unwrap();
        wrong.extend((!denied.is_empty()).then(|| format!("{name} lacks {denied:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
