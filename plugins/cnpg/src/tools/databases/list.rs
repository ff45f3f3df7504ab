//! list_postgres_databases: what Database objects declare, and how far the operator is.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::CREATE_OPTIONS;
use crate::answer::{Format, Outcome};
use crate::applied::{self, State};
use crate::call::Call;
use crate::catalogue::{Entry, Hints, read};
use crate::declared::{policy, progress};
use crate::json::text;
use crate::kind::{self, DATABASES};
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
    name: "list_postgres_databases",
    title: "List databases",
    description: "List the databases that Database objects declare for a PostgreSQL cluster (or for all of them): owner, what a deletion does, whether the operator has applied it. Databases that somebody made in PostgreSQL by hand are not listed.",
    parameters: &[
        Parameter::optional(
            "cluster_name",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Only databases of this cluster. Left out: of all.",
        ),
        NAMESPACE,
        ALL_NAMESPACES,
        LIMIT,
        CURSOR,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"cluster": {"type": ["string", "null"], "description": "As asked for"},
"databases": {"type": "array", "items": {"type": "object", "properties": {
  "crd_name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"},
  "database_name": {"type": "string"}, "owner": {"type": "string"}, "ensure": {"type": "string"}, "reclaim_policy": {"type": "string"},
  "applied": {"type": ["boolean", "null"], "description": "Null: the operator has not looked, or cannot as on a replica cluster"},
  "state": {"enum": ["applied", "failed", "pending"]}, "message": {"type": ["string", "null"]}}}},
"count": {"type": "integer", "description": "Databases in this answer"},
"scope": {"type": "string"},
"incomplete": {"type": "boolean", "description": "There were more than one call reads"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}
}"#,
        required: &["databases", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(DATABASES, &["list"])],
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
    let now = call.host.now();
    let cluster = input.cluster_name.as_deref();
    let rows = paging::read(call, &kind::all(DATABASES, namespace.as_deref()), None, &|object| row(object, cluster, now))?;
    let scope = namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    let how = Cut {
        query: format!("{}|{}", namespace.as_deref().unwrap_or("*"), cluster.unwrap_or_default()),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: false,
    };
    let page = paging::cut(rows, &how)?;
    let of = cluster.map(|one| format!(" of cluster `{one}`")).unwrap_or_default();
    let title = if page.rows.is_empty() {
        format!("No Database objects{of} found in {scope}. Declare one with `create_postgres_database`.")
    } else {
        format!("Found {} database(s){of} in {scope}:", page.rows.len())
    };
    let mut structured = Map::new();
    structured.insert("cluster".into(), cluster.into());
    structured.insert("scope".into(), scope.into());
    let header = ["Namespace", "Cluster", "Database", "Owner", "On deletion", "State", "Object", "Age", "Message"];
    Ok(page.answer("databases", &title, &header, structured).formatted(input.format).into())
}

fn row(object: &Value, cluster: Option<&str>, now: i64) -> Option<Row> {
    let word = |pointer: &str| text(object, pointer).unwrap_or_default();
    let of = word("/spec/cluster/name");
    if cluster.is_some_and(|one| one != of) {
        return None;
    }
    let (namespace, name, database) = (word("/metadata/namespace"), word("/metadata/name"), word("/spec/name"));
    let ensure = text(object, "/spec/ensure").unwrap_or("present");
    let policy = policy(&super::DATABASE, object);
    let message = applied::message(object).filter(|_| applied::state(object) != State::Applied);
    let mut structured = json!({
        "crd_name": name, "namespace": namespace, "cluster": of, "database_name": database, "owner": word("/spec/owner"),
        "ensure": ensure, "reclaim_policy": policy,
    });
    if let (Some(map), Value::Object(progress)) = (structured.as_object_mut(), progress(object)) {
        map.extend(progress);
        for option in CREATE_OPTIONS {
            if let Some(value) = text(object, &format!("/spec/{option}")) {
                map.insert(option.into(), short(value).into());
            }
        }
    }
    let state = if ensure == "absent" { "absent" } else { applied::state(object).word() };
    let cells = vec![
        namespace.to_owned(),
        of.to_owned(),
        short(database),
        short(word("/spec/owner")),
        if policy == "delete" { "**dropped**" } else { "stays" }.to_owned(),
        state.to_owned(),
        name.to_owned(),
        time::age(text(object, "/metadata/creationTimestamp"), now),
        message.unwrap_or_default(),
    ];
    Some(Row { key: format!("{namespace}/{of}/{database}/{name}"), structured, cells })
}
