//! The scripted session: the calls that a person's assistant would make, printed the way the person would see them.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::client::Client;

/// The cluster that the session creates and deletes again.
const NAME: &str = "demo-shop";
const NAMESPACE: &str = "demo";

/// Runs it. On somebody's own cluster it reads and makes dry runs, nothing else.
pub(crate) fn run(client: &Client, own_cluster: bool) -> Result<()> {
    introduce(client)?;
    if own_cluster {
        call(client, "list_postgres_clusters", json!({"all_namespaces": true}))?;
        return call(
            client,
            "create_postgres_cluster",
            json!({"name": NAME, "instances": 3, "storage_size": "5Gi", "dry_run": true}),
        );
    }
    call(client, "list_postgres_clusters", json!({"namespace": NAMESPACE}))?;
    let new = json!({"name": NAME, "namespace": NAMESPACE, "instances": 2, "storage_size": "5Gi", "wait": true});
    call(client, "create_postgres_cluster", new)?;
    call(client, "get_cluster_status", json!({"name": NAME, "namespace": NAMESPACE}))?;
    call(client, "scale_postgres_cluster", json!({"name": NAME, "namespace": NAMESPACE, "instances": 3}))?;
    call(client, "delete_postgres_cluster", json!({"name": NAME, "namespace": NAMESPACE, "confirm_deletion": true}))?;
    call(client, "list_postgres_clusters", json!({"namespace": NAMESPACE}))
}

fn introduce(client: &Client) -> Result<()> {
    let server = client.request("server/discover", json!({}), &mut |_| ())?;
    let info = server.pointer("/_meta/io.modelcontextprotocol~1serverInfo").unwrap_or(&Value::Null);
    println!("\nConnected to {} {}.", word(info, "/name"), word(info, "/version"));
    let list = client.request("tools/list", json!({}), &mut |_| ())?;
    println!("Tools:");
    for tool in items(&list, "/tools") {
        let about = word(tool, "/description");
        println!("  {:<26} {}", word(tool, "/name"), about.split(". ").next().unwrap_or(about));
    }
    Ok(())
}

/// One call, with its questions answered as a person who means it would.
fn call(client: &Client, tool: &str, arguments: Value) -> Result<()> {
    println!("\n> {tool} {arguments}");
    let first = json!({"name": tool, "arguments": arguments});
    let mut params = first.clone();
    loop {
        let result = client.request("tools/call", params, &mut print_progress)?;
        if word(&result, "/resultType") != "input_required" {
            return print_result(tool, &result);
        }
        params = first.clone();
        if let Some(object) = params.as_object_mut() {
            object.insert("inputResponses".into(), answers(&result));
            object.extend(result.get("requestState").map(|state| ("requestState".to_owned(), state.clone())));
        }
    }
}

fn print_progress(message: &Value) {
    if word(message, "/method") == "notifications/progress" {
        println!("    … {}", word(message, "/params/message"));
    }
}

fn answers(result: &Value) -> Value {
    let mut answers = Map::new();
    for (key, question) in result.get("inputRequests").and_then(Value::as_object).into_iter().flatten() {
        println!("  ? {}", word(question, "/params/message").replace('\n', "\n    "));
        let content = fill(question.pointer("/params/requestedSchema/properties").unwrap_or(&Value::Null));
        println!("  ! accept {content}");
        answers.insert(key.clone(), json!({"action": "accept", "content": content}));
    }
    Value::Object(answers)
}

/// Yes to what is asked, and the cluster's name where a name is asked.
fn fill(properties: &Value) -> Value {
    let field = |(key, schema): (&String, &Value)| {
        let yes = word(schema, "/type") == "boolean";
        (key.clone(), if yes { json!(true) } else { json!(NAME) })
    };
    Value::Object(properties.as_object().into_iter().flatten().map(field).collect())
}

fn print_result(tool: &str, result: &Value) -> Result<()> {
    for block in items(result, "/content") {
        for line in word(block, "/text").lines() {
            println!("  {line}");
        }
    }
    if result.get("isError") == Some(&Value::Bool(true)) {
        bail!("{tool} answered with an error");
    }
    Ok(())
}

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_for_the_name_is_answered_with_the_name() {
        let schema = json!({"confirm": {"type": "boolean"}, "name": {"type": "string"}});
        assert_eq!(fill(&schema), json!({"confirm": true, "name": NAME}));
    }

    #[test]
    fn an_error_result_ends_the_session() {
        assert!(print_result("t", &json!({"content": [], "isError": true})).is_err());
        assert!(print_result("t", &json!({"content": [], "isError": false})).is_ok());
    }
}
