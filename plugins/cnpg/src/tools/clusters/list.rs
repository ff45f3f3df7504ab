//! list_postgres_clusters: which clusters there are and how they are. Pages by cursor within the character budget.

use portcullis_plugin::kubernetes::{OBJECT, TABLE};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, BUDGET, Detail, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::cursor::Cursor;
use crate::json::{json, list, text};
use crate::kind::{self, CLUSTERS};
use crate::parameter::{ALL_NAMESPACES, DETAIL, FORMAT, NAMESPACE, Parameter, Takes};
use crate::phase::{self, Health};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::table;
use crate::time;

/// Objects per request: kubectl uses 500; a detailed page of 250 clusters is about 2 MB.
const PAGE: u32 = 250;
/// Pages that one call reads at most when a filter lets few rows through; then it hands out a cursor.
const PAGES_MAX: u32 = 20;
/// What the surroundings of the rows take of the budget, in characters.
const SURROUNDINGS: usize = 600;

pub(crate) const TOOL: Entry = Entry {
    name: "list_postgres_clusters",
    title: "List PostgreSQL clusters",
    description: "List the PostgreSQL clusters that CloudNativePG manages in one namespace, or in all of them: instances, readiness, phase, primary, age. Long lists come in pages: pass `next_cursor` back as `cursor`.",
    parameters: &[
        NAMESPACE,
        ALL_NAMESPACES,
        DETAIL,
        FORMAT,
        Parameter::optional(
            "label_selector",
            Takes::Text(""),
            "null",
            "Kubernetes label selector, e.g. `team=billing,tier!=test`.",
        ),
        Parameter::optional(
            "health",
            Takes::Choice(&["healthy", "progressing", "needs_attention", "failed", "unknown", "unhealthy"]),
            "null",
            "Only clusters in this state; `unhealthy` is everything but healthy.",
        ),
        Parameter::optional(
            "limit",
            Takes::Integer(1, 250),
            "250",
            "Most clusters in one answer. Fewer come when the answer would grow beyond 25,000 characters.",
        ),
        Parameter::optional("cursor", Takes::Text(""), "null", "`next_cursor` of the answer before, with the same filters."),
    ],
    shape: Shape {
        properties: r#"{
"clusters": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "namespace": {"type": "string"},
  "instances": {"type": ["integer", "null"], "description": "detailed: as asked for; concise: as they exist"},
  "ready_instances": {"type": ["integer", "null"]}, "phase": {"type": "string"}, "phase_reason": {"type": ["string", "null"]},
  "health": {"enum": ["healthy", "progressing", "needs_attention", "failed", "unknown"]},
  "current_primary": {"type": ["string", "null"]}, "created": {"type": ["string", "null"]},
  "postgres_version": {"type": "string"}, "storage_size": {"type": ["string", "null"]}, "conditions": {"type": "array"}},
  "required": ["name", "namespace", "phase", "health"]}},
"count": {"type": "integer", "description": "Clusters in this answer"},
"scope": {"type": "string"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["clusters", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(CLUSTERS, &["list"])],
    run,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Input {
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    detail_level: Option<Detail>,
    format: Option<Format>,
    label_selector: Option<String>,
    health: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// One cluster of the answer: JSON, and the row of the table.
struct Row {
    key: String,
    health: Health,
    structured: Value,
    cells: Vec<String>,
}

/// Rows gathered so far, and where the next call goes on.
#[derive(Default)]
struct Gathered {
    rows: Vec<Row>,
    next: Option<Cursor>,
    size: usize,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = (!input.all_namespaces.unwrap_or(false)).then(|| call.namespace(input.namespace.as_deref()));
    let query = query(&input, namespace.as_deref());
    let start = input.cursor.as_deref().map(|text| Cursor::decode(text, &query)).transpose()?.unwrap_or_default();
    let gathered = gather(call, &input, namespace.as_deref(), start)?;
    let scope = namespace.map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    Ok(answer(&gathered, &input, &scope, &query).formatted(input.format).into())
}

/// What a cursor is bound to.
fn query(input: &Input, namespace: Option<&str>) -> String {
    let word = |one: &Option<String>| one.clone().unwrap_or_default();
    format!("{}|{}|{}", namespace.unwrap_or("*"), word(&input.label_selector), word(&input.health))
}

fn gather(call: &Call<'_>, input: &Input, namespace: Option<&str>, start: Cursor) -> Result<Gathered, Problem> {
    let detailed = input.detail_level == Some(Detail::Detailed);
    let mut gathered = Gathered::default();
    let mut at = start;
    for _ in 0..PAGES_MAX {
        let mut request = kind::all(CLUSTERS, namespace).list().limit(PAGE).form(if detailed { OBJECT } else { TABLE });
        request.options.label_selector.clone_from(&input.label_selector);
        let request = request.after(Some(at.page.clone()).filter(|one| !one.is_empty()));
        let page = call.list(&request)?;
        if !take(&mut gathered, rows(&page, detailed, call.host.now()), input, &at) {
            return Ok(gathered);
        }
        let Some(next) = text(&page, "/metadata/continue") else { return Ok(gathered) };
        at = Cursor { page: next.into(), after: String::new() };
    }
    gathered.next = Some(at);
    Ok(gathered)
}

/// Adds the rows of a page that fit; false: no more do, and `next` says where to go on.
fn take(gathered: &mut Gathered, rows: Vec<Row>, input: &Input, at: &Cursor) -> bool {
    let limit = input.limit.unwrap_or(PAGE as usize);
    let mut after = at.after.clone();
    for row in rows.into_iter().filter(|row| row.key.as_bytes() > at.after.as_bytes()) {
        if !wanted(&row, input.health.as_deref()) {
            after = row.key;
            continue;
        }
        let size = row.structured.to_string().len().max(row.cells.iter().map(|one| one.len() + 3).sum());
        let full = gathered.rows.len() >= limit || gathered.size + size > BUDGET - SURROUNDINGS;
        if full && !gathered.rows.is_empty() {
            gathered.next = Some(Cursor { page: at.page.clone(), after });
            return false;
        }
        after.clone_from(&row.key);
        gathered.size += size + 1;
        gathered.rows.push(row);
    }
    true
}

fn wanted(row: &Row, health: Option<&str>) -> bool {
    match health {
        None => true,
        Some("unhealthy") => row.health != Health::Healthy,
        Some(word) => row.health.word() == word,
    }
}

/// The rows of a page, whichever form the server chose: one that cannot write tables answers with objects.
fn rows(page: &Value, detailed: bool, now: i64) -> Vec<Row> {
    if text(page, "/kind") == Some("Table") {
        let columns: Vec<&str> =
            list(page, "/columnDefinitions").iter().map(|one| text(one, "/name").unwrap_or_default()).collect();
        return list(page, "/rows").iter().map(|row| from_table(row, &columns, now)).collect();
    }
    list(page, "/items").iter().map(|one| from_object(Cluster(one), detailed, now)).collect()
}

fn from_table(row: &Value, columns: &[&str], now: i64) -> Row {
    let cells = list(row, "/cells");
    let cell = |name: &str| columns.iter().position(|one| *one == name).and_then(|at| cells.get(at));
    let word = |name: &str| cell(name).and_then(Value::as_str).filter(|one| !one.is_empty());
    let number = |name: &str| cell(name).and_then(Value::as_i64);
    let health = match phase::health(word("Status")) {
        Health::Healthy if number("Ready") < number("Instances") => Health::Progressing,
        other => other,
    };
    let object = row.get("object").unwrap_or(&Value::Null);
    let cluster = Cluster(object);
    let structured = json!({
        "name": cluster.name(), "namespace": cluster.namespace(), "instances": number("Instances"),
        "ready_instances": number("Ready"), "phase": word("Status").unwrap_or("Unknown"), "health": health.word(),
        "current_primary": word("Primary"), "created": cluster.created(),
    });
    finish(cluster, health, structured, now)
}

fn from_object(cluster: Cluster<'_>, detailed: bool, now: i64) -> Row {
    let mut structured = cluster.summary();
    if let (true, Some(map)) = (detailed, structured.as_object_mut()) {
        map.insert("postgres_version".into(), cluster.postgres_version().into());
        map.insert("storage_size".into(), cluster.storage_size().into());
        map.insert("conditions".into(), cluster.conditions().into());
    }
    finish(cluster, cluster.health(), structured, now)
}

fn finish(cluster: Cluster<'_>, health: Health, structured: Value, now: i64) -> Row {
    let shown = |pointer: &str| structured.pointer(pointer).map(Value::to_string).filter(|one| one != "null");
    let instances = format!("{}/{}", shown("/ready_instances").unwrap_or("0".into()), shown("/instances").unwrap_or("?".into()));
    let string = |pointer: &str| text(&structured, pointer).unwrap_or_default().to_owned();
    let mut phase = string("/phase");
    if let Some(reason) = cluster.phase_reason().filter(|_| health != Health::Healthy) {
        phase.push_str(&format!(": {}", crate::text::short(reason)));
    }
    let mut cells = vec![
        cluster.namespace().to_owned(),
        cluster.name().to_owned(),
        instances,
        health.word().to_owned(),
        phase,
        string("/current_primary"),
        time::age(cluster.created(), now),
    ];
    if structured.get("conditions").is_some() {
        cells.extend([string("/postgres_version"), string("/storage_size"), conditions(cluster)]);
    }
    Row { key: format!("{}/{}", cluster.namespace(), cluster.name()), health, structured, cells }
}

/// `Ready=True, ContinuousArchiving=False`.
fn conditions(cluster: Cluster<'_>) -> String {
    let word = |one: &Value, pointer: &str| text(one, pointer).unwrap_or("?").to_owned();
    let all: Vec<String> =
        cluster.conditions().iter().map(|one| format!("{}={}", word(one, "/type"), word(one, "/status"))).collect();
    all.join(", ")
}

fn answer(gathered: &Gathered, input: &Input, scope: &str, query: &str) -> Answer {
    let next = gathered.next.as_ref().map(|cursor| cursor.encode(query));
    let count = gathered.rows.len();
    let clusters: Vec<&Value> = gathered.rows.iter().map(|row| &row.structured).collect();
    let structured = json!({"clusters": clusters, "count": count, "scope": scope, "next_cursor": next});
    let mut header = vec!["Namespace", "Name", "Ready", "Health", "Status", "Primary", "Age"];
    if input.detail_level == Some(Detail::Detailed) {
        header.extend(["PostgreSQL", "Storage", "Conditions"]);
    }
    let cells: Vec<Vec<String>> = gathered.rows.iter().map(|row| row.cells.clone()).collect();
    let mut text = match (count, input.health.as_deref()) {
        (0, None) => format!("No PostgreSQL clusters found in {scope}.\n"),
        (0, Some(health)) => format!("No PostgreSQL clusters that are {health} found in {scope}.\n"),
        _ => format!("Found {count} PostgreSQL cluster(s) in {scope}:\n\n{}", table(&header, &cells)),
    };
    if let Some(next) = next {
        text.push_str(&format!("\nThere are more: repeat the call with `cursor: \"{next}\"`.\n"));
    } else if count == 0 && scope != "all namespaces" && input.health.is_none() {
        text.push_str("Look everywhere with `all_namespaces: true`, or create one with `create_postgres_cluster`.\n");
    }
    Answer::new(text, structured)
}
