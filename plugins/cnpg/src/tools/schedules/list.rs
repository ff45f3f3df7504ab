//! list_scheduled_backups: which backups are taken by themselves, when last and when next.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::{Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cron::Schedule;
use crate::json::{json, text};
use crate::kind::{self, SCHEDULED_BACKUPS};
use crate::name::OBJECT_PATTERN;
use crate::paging::{self, Cut, Row};
use crate::parameter::{ALL_NAMESPACES, CURSOR, FORMAT, LIMIT, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;

pub(crate) const TOOL: Entry = Entry {
    name: "list_scheduled_backups",
    title: "List scheduled backups",
    description: "List the schedules by which backups are taken: cluster, cron expression (six fields, seconds first), method, last run, next run, whether suspended.",
    parameters: &[
        Parameter::optional("cluster", Takes::Text(OBJECT_PATTERN), "null", "Only schedules of this cluster. Left out: of all."),
        NAMESPACE,
        ALL_NAMESPACES,
        LIMIT,
        CURSOR,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"scheduled_backups": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"}, "schedule": {"type": "string"},
  "method": {"type": "string"}, "suspended": {"type": "boolean"}, "last_run": {"type": ["string", "null"]},
  "next_run": {"type": ["string", "null"]}, "owner_reference": {"type": "string"}}}},
"count": {"type": "integer"}, "scope": {"type": "string"}, "incomplete": {"type": "boolean"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["scheduled_backups", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(SCHEDULED_BACKUPS, &["list"])],
    run,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Input {
    cluster: Option<String>,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    limit: Option<usize>,
    cursor: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = (!input.all_namespaces.unwrap_or(false)).then(|| call.namespace(input.namespace.as_deref()));
    let now = call.host.now();
    let place = kind::all(SCHEDULED_BACKUPS, namespace.as_deref());
    let rows = paging::read(call, &place, None, &|object| row(object, input.cluster.as_deref(), now))?;
    let how = Cut {
        query: format!("{}|{}", namespace.as_deref().unwrap_or("*"), input.cluster.as_deref().unwrap_or_default()),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: false,
    };
    let page = paging::cut(rows, &how)?;
    let scope = namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    let of = input.cluster.as_ref().map(|one| format!(" of cluster `{one}`")).unwrap_or_default();
    let title = match page.rows.len() {
        0 => format!("No scheduled backups{of} found in {scope}. Make one with `set_scheduled_backup`."),
        count => format!("Found {count} scheduled backup(s){of} in {scope}:"),
    };
    let mut structured = Map::new();
    structured.insert("scope".into(), scope.into());
    let header = ["Namespace", "Name", "Cluster", "Cron (with seconds)", "Method", "Suspended", "Last run", "Next run"];
    Ok(page.answer("scheduled_backups", &title, &header, structured).formatted(input.format).into())
}

/// When it runs next: as the operator says, else as the schedule says.
fn next_run(object: &Value, now: i64) -> Option<String> {
    let ours = || Schedule::read(text(object, "/spec/schedule")?).ok()?.next(now).map(time::rfc3339);
    text(object, "/status/nextScheduleTime").map(str::to_owned).or_else(ours)
}

fn row(object: &Value, cluster: Option<&str>, now: i64) -> Option<Row> {
    let word = |pointer: &str| text(object, pointer).map(short).unwrap_or_default();
    let of = word("/spec/cluster/name");
    if cluster.is_some_and(|one| one != of) {
        return None;
    }
    let (namespace, name, schedule) = (word("/metadata/namespace"), word("/metadata/name"), word("/spec/schedule"));
    let method = text(object, "/spec/method").map_or_else(|| "barmanObjectStore".into(), short);
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false);
    let (last, next) = (text(object, "/status/lastScheduleTime"), next_run(object, now).filter(|_| !suspended));
    let ahead = next.as_deref().and_then(time::seconds).map(|at| format!("in {}", time::span(at - now)));
    let cells = vec![
        namespace.clone(),
        name.clone(),
        of.clone(),
        schedule.clone(),
        method.clone(),
        if suspended { "yes" } else { "no" }.into(),
        last.map(|stamp| format!("{} ago", time::age(Some(stamp), now))).unwrap_or_default(),
        ahead.unwrap_or_default(),
    ];
    let structured = json!({
        "name": name, "namespace": namespace, "cluster": of, "schedule": schedule, "method": method, "suspended": suspended,
        "last_run": last, "next_run": next, "owner_reference": text(object, "/spec/backupOwnerReference").unwrap_or("none"),
    });
    Some(Row { key: format!("{namespace}/{name}"), structured, cells })
}
