//! list_backups: which backups there are, newest first.

use serde::Deserialize;
use serde_json::Map;

use crate::answer::{Format, Outcome};
use crate::arguments::read;
use crate::backup::Backup;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::json::{json, text};
use crate::kind::{self, BACKUPS};
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
    name: "list_backups",
    title: "List backups",
    description: "List the backups of a PostgreSQL cluster, of a namespace or of all, newest first: method, phase, age, how long each took, and the error of those that failed.",
    parameters: &[
        Parameter::optional("cluster", Takes::Text(OBJECT_PATTERN), "null", "Only backups of this cluster. Left out: of all."),
        Parameter::optional(
            "phase",
            Takes::Choice(&[
                "completed",
                "failed",
                "running",
                "pending",
                "started",
                "finalizing",
                "walArchivingFailing",
                "invalid backup definition",
                "unfinished",
            ]),
            "null",
            "Only backups in this phase; `unfinished` is everything that is neither completed nor failed.",
        ),
        NAMESPACE,
        ALL_NAMESPACES,
        LIMIT,
        CURSOR,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"backups": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"},
  "method": {"type": "string"}, "phase": {"type": "string"}, "at": {"type": "string", "description": "When it ended, else began, else was asked for"},
  "duration_seconds": {"type": ["integer", "null"]}, "scheduled_by": {"type": ["string", "null"]}, "error": {"type": ["string", "null"]}}}},
"count": {"type": "integer", "description": "Backups in this answer"},
"scope": {"type": "string"},
"last_good": {"type": ["string", "null"], "description": "When the newest completed backup of those that were looked at ended"},
"incomplete": {"type": "boolean", "description": "There were more than one call reads"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["backups", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(BACKUPS, &["list"])],
    run,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Input {
    cluster: Option<String>,
    phase: Option<String>,
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
    let rows = paging::read(call, &kind::all(BACKUPS, namespace.as_deref()), None, &|object| row(Backup(object), &input, now))?;
    let good = |one: &&Row| text(&one.structured, "/phase") == Some("completed");
    let last_good = rows.rows.iter().filter(good).filter_map(|one| text(&one.structured, "/at")).max().map(str::to_owned);
    let scope = namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    let word = |one: &Option<String>| one.clone().unwrap_or_default();
    let how = Cut {
        query: format!("{}|{}|{}", namespace.as_deref().unwrap_or("*"), word(&input.cluster), word(&input.phase)),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: true,
    };
    let page = paging::cut(rows, &how)?;
    let title = title(&input, page.rows.len(), &scope, last_good.as_deref(), now);
    let mut structured = Map::new();
    structured.insert("scope".into(), scope.into());
    structured.insert("last_good".into(), last_good.into());
    let header = ["Namespace", "Backup", "Cluster", "Method", "Phase", "Age", "Took", "Error"];
    Ok(page.answer("backups", &title, &header, structured).formatted(input.format).into())
}

fn row(backup: Backup<'_>, input: &Input, now: i64) -> Option<Row> {
    let unfinished = !matches!(backup.phase(), "completed" | "failed");
    let fits = match input.phase.as_deref() {
        None => true,
        Some("unfinished") => unfinished,
        Some(phase) => phase == backup.phase(),
    };
    if !fits || input.cluster.as_deref().is_some_and(|one| one != backup.cluster()) {
        return None;
    }
    let (error, took) = (text(backup.0, "/status/error").map(short), backup.took(now));
    let scheduled_by = crate::json::label(backup.0, "cnpg.io/scheduled-backup");
    let cells = vec![
        backup.namespace().to_owned(),
        backup.name().to_owned(),
        backup.cluster().to_owned(),
        short(backup.method()),
        short(backup.phase()),
        time::age(Some(backup.moment()), now),
        took.map(time::span).unwrap_or_default(),
        error.clone().unwrap_or_default(),
    ];
    let structured = json!({
        "name": backup.name(), "namespace": backup.namespace(), "cluster": backup.cluster(), "method": short(backup.method()),
        "phase": short(backup.phase()), "at": backup.moment(), "duration_seconds": took, "scheduled_by": scheduled_by, "error": error,
    });
    Some(Row { key: format!("{}|{}/{}", backup.moment(), backup.namespace(), backup.name()), structured, cells })
}

fn title(input: &Input, count: usize, scope: &str, last_good: Option<&str>, now: i64) -> String {
    let of = input.cluster.as_ref().map(|one| format!(" of cluster `{one}`")).unwrap_or_default();
    if count == 0 {
        let which = input.phase.as_ref().map(|one| format!(" that are {one}")).unwrap_or_default();
        return format!("No backups{of}{which} found in {scope}. Take one with `create_backup`.");
    }
    let good = match last_good {
        Some(stamp) => format!("the newest completed one is {} old", time::age(Some(stamp), now)),
        None => "**none of them is completed**".to_owned(),
    };
    format!("Found {count} backup(s){of} in {scope}; {good}:")
}
