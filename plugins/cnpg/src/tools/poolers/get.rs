//! get_pooler: one pooler, with its parameters and how to connect to it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{POOLER, summary};
use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::json::{integer, json, text, texts};
use crate::kind::POOLERS;
use crate::parameter::{FORMAT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;

/// Parameters and access lines that are shown: PgBouncer has about eighty parameters.
const SHOWN: usize = 60;

pub(crate) const TOOL: Entry = Entry {
    name: "get_pooler",
    title: "One pooler",
    description: "Get one pooler (PgBouncer): what it leads to, pool mode, how many instances run, whether it is paused, its parameters, and the service to connect to.",
    parameters: &[POOLER, NAMESPACE, FORMAT],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": ["string", "null"]},
"type": {"type": "string", "description": "rw: the primary; ro: replicas; r: any"}, "pool_mode": {"type": "string"},
"instances": {"type": "integer"}, "running": {"type": "integer"}, "paused": {"type": "boolean"},
"phase": {"type": ["string", "null"]}, "phase_reason": {"type": ["string", "null"]}, "error": {"type": ["string", "null"]},
"image": {"type": ["string", "null"]}, "service": {"type": "string"},
"parameters": {"type": "object"}, "pg_hba": {"type": "array", "items": {"type": "string"}}, "created": {"type": ["string", "null"]}
}"#,
        required: &["name", "namespace", "type", "pool_mode", "instances", "running", "paused", "service"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(POOLERS, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let target = POOLERS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let pooler = call.get(&target).map_err(|problem| problem.next(&["list_poolers"]))?;
    Ok(answer(&pooler, call.host.now()).formatted(input.format).into())
}

fn answer(pooler: &Value, now: i64) -> Answer {
    let mut structured = summary(pooler);
    let word = |pointer: &str| text(pooler, pointer).map(short);
    let set = pooler.pointer("/spec/pgbouncer/parameters").and_then(Value::as_object);
    let parameters: Map<String, Value> = set
        .into_iter()
        .flatten()
        .take(SHOWN)
        .map(|(key, value)| (short(key), short(value.as_str().unwrap_or_default()).into()))
        .collect();
    let hba: Vec<String> = texts(pooler, "/spec/pgbouncer/pg_hba").into_iter().take(SHOWN).map(short).collect();
    let service =
        format!("{}.{}.svc", word("/metadata/name").unwrap_or_default(), word("/metadata/namespace").unwrap_or_default());
    let mut out = words(&structured, &service, time::age(text(pooler, "/metadata/creationTimestamp"), now).as_str());
    if let Some(error) = word("/status/error") {
        out.push_str(&format!("- Error: {error}\n"));
    }
    if !parameters.is_empty() {
        let all: Vec<String> =
            parameters.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        out.push_str(&format!("- Parameters: {}\n", all.join(", ")));
    }
    for line in &hba {
        out.push_str(&format!("- pg_hba: {line}\n"));
    }
    if let Some(map) = structured.as_object_mut() {
        map.insert("error".into(), word("/status/error").into());
        map.insert("image".into(), word("/status/image").or_else(|| word("/spec/pgbouncer/image")).into());
        map.insert("service".into(), service.into());
        map.insert("parameters".into(), parameters.into());
        map.insert("pg_hba".into(), json!(hba));
    }
    Answer::new(out, structured)
}

fn words(structured: &Value, service: &str, age: &str) -> String {
    let word = |pointer: &str| text(structured, pointer).unwrap_or_default();
    let number = |pointer: &str| integer(structured, pointer).unwrap_or(0);
    let paused = structured.pointer("/paused").and_then(Value::as_bool).unwrap_or(false);
    let mut out = format!(
        "**Pooler `{}/{}`** in front of cluster `{}`\n- Leads to: {}, {} pooling\n- Running: {}/{}\n- Connect to: service `{service}`, port 5432\n- Age: {age}\n",
        word("/namespace"),
        word("/name"),
        word("/cluster"),
        match word("/type") {
            "ro" => "replicas (`ro`)",
            "r" => "any instance (`r`)",
            _ => "the primary (`rw`)",
        },
        word("/pool_mode"),
        number("/running"),
        number("/instances"),
    );
    if !word("/phase").is_empty() {
        out.push_str(&format!("- Phase: {} {}\n", word("/phase"), word("/phase_reason")));
    }
    if paused {
        out.push_str("- **Paused**: clients wait until `resume_pooler`\n");
    }
    out
}
