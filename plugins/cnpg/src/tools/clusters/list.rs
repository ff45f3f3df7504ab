//! list_postgres_clusters: which clusters there are and how they are. Pages by cursor within the character budget. What a page says of
//! each cluster is read in `rows`.

mod rows;

use portcullis_plugin::kubernetes::{OBJECT, TABLE};
use serde::Deserialize;
use serde_json::Value;

use self::rows::{Page, Row, Rows};
use crate::answer::{Answer, BUDGET, Detail, Format, Outcome};
use crate::arguments::read;
use crate::call::{Call, parse};
use crate::catalogue::{Entry, Hints};
use crate::cursor::Cursor;
use crate::json::{json, with, written};
use crate::kind::{self, CLUSTERS};
use crate::parameter::{ALL_NAMESPACES, DETAIL, FORMAT, NAMESPACE, Parameter, Takes};
use crate::phase::Health;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::table;

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
    Ok(answer(gathered, &input, &scope, &query).formatted(input.format).into())
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
        let body = call.list_unread(&request)?;
        let page: Page<'_> = parse(&body)?;
        let next = page.next();
        if !take(&mut gathered, page.rows(detailed, call.host.now()), input, &at)? {
            return Ok(gathered);
        }
        let Some(next) = next else { return Ok(gathered) };
        at = Cursor { page: next, after: String::new() };
    }
    gathered.next = Some(at);
    Ok(gathered)
}

/// Adds the rows of a page that fit; false: no more do, and `next` says where to go on. What comes behind is not even read.
fn take(gathered: &mut Gathered, rows: Rows<'_>, input: &Input, at: &Cursor) -> Result<bool, Problem> {
    let limit = input.limit.unwrap_or(PAGE as usize);
    let mut after = at.after.clone();
    for row in rows {
        let row = row?;
        if row.key.as_bytes() <= at.after.as_bytes() {
            continue;
        }
        if !wanted(&row, input.health.as_deref()) {
            after = row.key;
            continue;
        }
        let size = written(&row.structured).len().max(row.cells.iter().map(|one| one.len() + 3).sum());
        let full = gathered.rows.len() >= limit || gathered.size + size > BUDGET - SURROUNDINGS;
        if full && !gathered.rows.is_empty() {
            gathered.next = Some(Cursor { page: at.page.clone(), after });
            return Ok(false);
        }
        after.clone_from(&row.key);
        gathered.size += size + 1;
        gathered.rows.push(row);
    }
    Ok(true)
}

fn wanted(row: &Row, health: Option<&str>) -> bool {
    match health {
        None => true,
        Some("unhealthy") => row.health != Health::Healthy,
        Some(word) => row.health.word() == word,
    }
}

fn answer(gathered: Gathered, input: &Input, scope: &str, query: &str) -> Answer {
    let next = gathered.next.as_ref().map(|cursor| cursor.encode(query));
    let count = gathered.rows.len();
    let (clusters, cells): (Vec<Value>, Vec<Vec<String>>) =
        gathered.rows.into_iter().map(|row| (row.structured, row.cells)).unzip();
    let structured = json!({"count": count, "scope": scope, "next_cursor": next});
    let structured = with(structured, "clusters", clusters.into());
    let mut header = vec!["Namespace", "Name", "Ready", "Health", "Status", "Primary", "Age"];
    if input.detail_level == Some(Detail::Detailed) {
        header.extend(["PostgreSQL", "Storage", "Conditions"]);
    }
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
