//! list_postgres_roles: every role that Kubernetes declares for one cluster, with where it is declared and how far it got.

use serde_json::{Map, Value};

use super::required;
use crate::answer::{Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::json::{integer, json, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES};
use crate::paging::{self, Cut, Row, Rows};
use crate::parameter::{CLUSTER_NAME, CURSOR, FORMAT, LIMIT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::Roles;
use crate::roles::attributes::word;
use crate::roles::role::Role;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "list_postgres_roles",
    title: "List PostgreSQL roles",
    description: "List the PostgreSQL roles of a cluster that Kubernetes declares: DatabaseRole objects and entries of the cluster's spec.managed.roles, each with its attributes and whether it is applied. Roles made with SQL alone are not among them.",
    parameters: &[CLUSTER_NAME, NAMESPACE, FORMAT, LIMIT, CURSOR],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "namespace": {"type": "string"},
"roles": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "crd_name": {"type": ["string", "null"]},
  "source": {"enum": ["databaserole", "inline"], "description": "inline: spec.managed.roles of the cluster"},
  "state": {"enum": ["applied", "pending", "failed", "deleting", "unknown"]}, "applied": {"type": ["boolean", "null"]},
  "status_message": {"type": ["string", "null"]}, "ensure": {"type": "string"}, "reclaim_policy": {"type": ["string", "null"]},
  "login": {"type": "boolean"}, "superuser": {"type": "boolean"}, "connection_limit": {"type": "integer"},
  "valid_until": {"type": ["string", "null"]}, "in_roles": {"type": "array", "items": {"type": "string"}},
  "password_secret": {"type": ["string", "null"], "description": "Name only"}},
  "required": ["name", "crd_name", "source", "state"]}},
"count": {"type": "integer"},
"legacy_managed_roles": {"type": "array", "items": {"type": "string"}, "description": "Names in spec.managed.roles"},
"next_cursor": {"type": ["string", "null"]}, "incomplete": {"type": "boolean"}
}"#,
        required: &["cluster", "roles", "count", "legacy_managed_roles"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(CLUSTERS, &["get"]), Rule::on(DATABASE_ROLES, &["list"])],
    run,
};

/// Most names in `legacy_managed_roles`: the list itself has them all.
const LEGACY_MAX: usize = 50;

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Value = read(arguments)?;
    let namespace = call.namespace(word(&input, "namespace"));
    let cluster = required(&input, "cluster_name")?;
    let roles = Roles::read(call, &namespace, cluster)?;
    let rows = Rows { rows: roles.all().into_iter().map(row).collect(), incomplete: roles.incomplete };
    let found = rows.rows.len();
    let limit = integer(&input, "/limit").and_then(|one| usize::try_from(one).ok()).unwrap_or(100);
    let cut = Cut { query: format!("{namespace}/{cluster}"), cursor: word(&input, "cursor"), limit, descending: false };
    let page = paging::cut(rows, &cut)?;
    let title = match found {
        0 => format!("Kubernetes declares no role for cluster `{namespace}/{cluster}`. Make one with `create_postgres_role`."),
        _ => format!("Found {found} role(s) declared for cluster `{namespace}/{cluster}`:"),
    };
    let mut structured = Map::new();
    structured.insert("cluster".into(), cluster.into());
    structured.insert("namespace".into(), namespace.clone().into());
    let legacy: Vec<&str> = roles.inline().map(Role::name).take(LEGACY_MAX).collect();
    structured.insert("legacy_managed_roles".into(), legacy.into());
    let header = ["Role", "State", "Login", "Attributes", "Member of", "Valid until", "Password Secret", "Declared by"];
    let format = (word(&input, "format") == Some("json")).then_some(Format::Json);
    Ok(page.answer("roles", &title, &header, structured).formatted(format).into())
}

/// What both reading tools say of a role.
pub(super) fn structured(role: Role<'_>) -> Value {
    let state = role.state();
    let mut out = role.attributes();
    let applied = match state.word {
        "applied" => Some(true),
        "failed" => Some(false),
        _ => None,
    };
    let more = json!({
        "name": role.name(), "crd_name": role.object_name(), "source": role.source_word(), "state": state.word, "applied": applied,
        "status_message": state.message, "ensure": role.ensure(), "reclaim_policy": role.reclaim_policy(),
    });
    if let (Some(out), Value::Object(more)) = (out.as_object_mut(), more) {
        out.extend(more);
    }
    out
}

/// The attributes that are out of the ordinary, in one cell.
pub(super) fn extras(role: Role<'_>) -> String {
    let mut words: Vec<String> = ["superuser", "createdb", "createrole", "replication", "bypassrls"]
        .into_iter()
        .filter(|one| role.flag(one))
        .map(Into::into)
        .collect();
    if !role.flag("inherit") {
        words.push("no inherit".into());
    }
    if let Some(limit) = integer(role.spec, "/connectionLimit").filter(|one| *one >= 0) {
        words.push(format!("{limit} connections"));
    }
    if role.has_certificate() {
        words.push("client certificate".into());
    }
    words.join(", ")
}

fn row(role: Role<'_>) -> Row {
    let state = role.state();
    let state = state.message.map_or_else(|| state.word.to_owned(), |message| format!("{}: {message}", state.word));
    let login = if role.flag("login") { "yes" } else { "no" };
    let password = if role.flag("disablePassword") { "disabled" } else { role.secret().unwrap_or_default() };
    let by = role.object_name().map_or_else(|| "spec.managed.roles".to_owned(), |name| format!("DatabaseRole {name}"));
    let cells = [
        role.name().to_owned(),
        state,
        login.to_owned(),
        extras(role),
        short(&role.in_roles().join(", ")),
        text(role.spec, "/validUntil").unwrap_or_default().to_owned(),
        password.to_owned(),
        by,
    ];
    let cells = cells.iter().map(|one| short(one)).collect();
    Row { key: format!("{}/{}", role.name(), role.source_word()), structured: structured(role), cells }
}
