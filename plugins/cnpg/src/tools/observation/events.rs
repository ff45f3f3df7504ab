//! list_cluster_events: what Kubernetes reported about a cluster and what belongs to it: pods, volumes, backups, poolers and the rest.

use portcullis_plugin::kubernetes::{Kind, Read};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::logs::span;
use crate::answer::{Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::json::text;
use crate::kind::{BACKUPS, DATABASE_ROLES, DATABASES, EVENTS, POOLERS, SCHEDULED_BACKUPS};
use crate::paging::{self, Cut, Row};
use crate::parameter::{CURSOR, FORMAT, LIMIT, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::status::backups::of_cluster;
use crate::status::events::{concerns, describe, last_seen};
use crate::time;

/// Kinds that name their cluster in the spec, as events name them.
const DEPENDENTS: [(Kind, &str); 5] = [
    (BACKUPS, "Backup"),
    (SCHEDULED_BACKUPS, "ScheduledBackup"),
    (POOLERS, "Pooler"),
    (DATABASES, "Database"),
    (DATABASE_ROLES, "DatabaseRole"),
];

pub(crate) const TOOL: Entry = Entry {
    name: "list_cluster_events",
    title: "Events of a PostgreSQL cluster",
    description: "List the Kubernetes events about a cluster, its pods, volumes, jobs, backups, schedules, poolers, databases and roles, newest first. Kubernetes keeps events for about an hour.",
    parameters: &[
        NAME,
        Parameter::optional(
            "types",
            Takes::Choices(&["Normal", "Warning"]),
            "null",
            "Only events of these types. Left out: both.",
        ),
        Parameter::optional(
            "since",
            Takes::Text("^[0-9]{1,6}[smhd]$"),
            "null",
            "Only events as young as this: `90s`, `15m`, `2h`.",
        ),
        NAMESPACE,
        LIMIT,
        CURSOR,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"events": {"type": "array", "items": {"type": "object", "properties": {
  "object": {"type": "string"}, "type": {"type": "string"}, "message": {"type": "string"}, "count": {"type": "integer"}, "last_seen": {"type": "string"}}}},
"count": {"type": "integer"}, "incomplete": {"type": "boolean"},
"not_examined": {"type": "array", "items": {"type": "string"}, "description": "Kinds whose objects could not be listed, so that their events are missing"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["name", "namespace", "events", "count", "not_examined", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[
        Rule::on(EVENTS, &["list"]),
        Rule::on(BACKUPS, &["list"]),
        Rule::on(SCHEDULED_BACKUPS, &["list"]),
        Rule::on(POOLERS, &["list"]),
        Rule::on(DATABASES, &["list"]),
        Rule::on(DATABASE_ROLES, &["list"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    types: Option<Vec<String>>,
    since: Option<String>,
    namespace: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let (names, not_examined) = dependents(call, &namespace, &input.name);
    let now = call.host.now();
    let oldest = input.since.as_deref().and_then(span).map(|seconds| now - seconds);
    let fits = |event: &Value| {
        let kind = text(event, "/type").unwrap_or("Normal");
        let young = oldest.is_none_or(|oldest| time::seconds(last_seen(event)).is_none_or(|seen| seen >= oldest));
        young && input.types.as_ref().is_none_or(|types| types.iter().any(|one| one == kind)) && about(event, &input.name, &names)
    };
    let rows = paging::read(call, &EVENTS.within(namespace.as_str()), None, &|event| fits(event).then(|| row(event, now)))?;
    let how = Cut {
        query: format!("{namespace}|{}|{:?}|{:?}", input.name, input.types, input.since),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: true,
    };
    let page = paging::cut(rows, &how)?;
    let mut title = match page.rows.len() {
        0 => format!("No events about cluster `{namespace}/{}`. Kubernetes forgets them after about an hour.", input.name),
        count => format!("{count} event(s) about cluster `{namespace}/{}`, newest first:", input.name),
    };
    if !not_examined.is_empty() {
        title.push_str(&format!("\n- Not examined: {}", not_examined.join(", ")));
    }
    let mut structured = Map::new();
    structured.insert("name".into(), input.name.as_str().into());
    structured.insert("namespace".into(), namespace.into());
    structured.insert("not_examined".into(), not_examined.into());
    Ok(page
        .answer("events", &title, &["Seen", "Object", "Type", "Reason", "Count", "Message"], structured)
        .formatted(input.format)
        .into())
}

/// `Kind/name` of what belongs to the cluster, and the kinds that could not be listed.
fn dependents(call: &Call<'_>, namespace: &str, cluster: &str) -> (Vec<String>, Vec<String>) {
    let reads: Vec<Read> = DEPENDENTS.iter().map(|(kind, _)| kind.within(namespace).list().limit(250).into()).collect();
    let (mut names, mut missing) = (Vec::new(), Vec::new());
    for ((kind, word), found) in DEPENDENTS.into_iter().zip(call.read_many(&reads)) {
        match found {
            Ok(found) => {
                let mine = of_cluster(&found, cluster).into_iter().filter_map(|one| text(one, "/metadata/name"));
                names.extend(mine.map(|name| format!("{word}/{name}")));
            }
            // Kinds that this CloudNativePG does not have yet.
            Err(problem) if problem.code == 404 => {}
            Err(problem) => missing.push(format!("{} ({})", kind.plural, problem.reason)),
        }
    }
    (names, missing)
}

fn about(event: &Value, cluster: &str, names: &[String]) -> bool {
    let word = |pointer: &str| text(event, pointer).unwrap_or_default();
    let object = format!("{}/{}", word("/involvedObject/kind"), word("/involvedObject/name"));
    concerns(event, cluster) || names.contains(&object) || of_pooler(&object, names)
}

/// Pods and the Deployment of a pooler are called after it.
fn of_pooler(object: &str, names: &[String]) -> bool {
    let Some((kind, name)) = object.split_once('/') else { return false };
    let poolers = names.iter().filter_map(|one| one.strip_prefix("Pooler/"));
    matches!(kind, "Pod" | "ReplicaSet" | "Deployment")
        && poolers.into_iter().any(|pooler| name == pooler || name.strip_prefix(pooler).is_some_and(|rest| rest.starts_with('-')))
}

fn row(event: &Value, now: i64) -> Row {
    let (mut structured, mut cells) = describe(event, now);
    let kind = text(event, "/type").unwrap_or("Normal").to_owned();
    cells.insert(2, kind.clone());
    if let Some(map) = structured.as_object_mut() {
        map.insert("type".into(), kind.into());
    }
    Row { key: format!("{}|{}", last_seen(event), text(event, "/metadata/name").unwrap_or_default()), structured, cells }
}
