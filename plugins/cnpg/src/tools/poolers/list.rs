//! list_poolers: which poolers there are, in front of what, and whether they run.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::summary;
use crate::answer::{Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::listing::OF_CLUSTER;
use crate::json::{integer, text};
use crate::kind::{self, POOLERS};
use crate::paging::{self, Cut, Row};
use crate::parameter::{ALL_NAMESPACES, CURSOR, FORMAT, LIMIT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::time;

pub(crate) const TOOL: Entry = Entry {
    name: "list_poolers",
    title: "List poolers",
    description: "List the poolers (PgBouncer) of a PostgreSQL cluster or of all: what they lead to, pool mode, how many run, whether they are paused.",
    parameters: &[OF_CLUSTER, NAMESPACE, ALL_NAMESPACES, LIMIT, CURSOR, FORMAT],
    shape: Shape {
        properties: r#"{
"poolers": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": ["string", "null"]}, "type": {"type": "string"},
  "pool_mode": {"type": "string"}, "instances": {"type": "integer"}, "running": {"type": "integer"}, "paused": {"type": "boolean"},
  "phase": {"type": ["string", "null"]}, "phase_reason": {"type": ["string", "null"]}}}},
"count": {"type": "integer", "description": "Poolers in this answer"}, "scope": {"type": "string"},
"incomplete": {"type": "boolean", "description": "There were more than one call reads"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["poolers", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(POOLERS, &["list"])],
    run,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Input {
    cluster_name: Option<String>,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    limit: Option<usize>,
    cursor: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = (!input.all_namespaces.unwrap_or(false)).then(|| call.namespace(input.namespace.as_deref()));
    let (cluster, now) = (input.cluster_name.as_deref(), call.host.now());
    let mine = |one: &Value| cluster.is_none_or(|name| text(one, "/spec/cluster/name") == Some(name));
    let place = kind::all(POOLERS, namespace.as_deref());
    let rows = paging::read(call, &place, None, &|one| mine(one).then(|| row(one, now)))?;
    let scope = namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    let how = Cut {
        query: format!("{}|{}", namespace.as_deref().unwrap_or("*"), cluster.unwrap_or_default()),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: false,
    };
    let page = paging::cut(rows, &how)?;
    let of = cluster.map(|one| format!(" of cluster `{one}`")).unwrap_or_default();
    let title = match page.rows.len() {
        0 => format!("No poolers{of} found in {scope}. Make one with `set_pooler`."),
        count => format!("Found {count} pooler(s){of} in {scope}:"),
    };
    let mut structured = Map::new();
    structured.insert("scope".into(), scope.into());
    let header = ["Namespace", "Pooler", "Cluster", "Leads to", "Mode", "Running", "Phase", "Age"];
    Ok(page.answer("poolers", &title, &header, structured).formatted(input.format).into())
}

fn row(pooler: &Value, now: i64) -> Row {
    let structured = summary(pooler);
    let word = |key: &str| text(&structured, key).unwrap_or_default().to_owned();
    let number = |key: &str| integer(&structured, key).unwrap_or(0);
    let phase = if super::is_paused(pooler) { "**paused**".to_owned() } else { word("/phase") };
    let cells = vec![
        word("/namespace"),
        word("/name"),
        word("/cluster"),
        word("/type"),
        word("/pool_mode"),
        format!("{}/{}", number("/running"), number("/instances")),
        phase,
        time::age(text(pooler, "/metadata/creationTimestamp"), now),
    ];
    Row { key: format!("{}/{}", word("/namespace"), word("/name")), structured, cells }
}
