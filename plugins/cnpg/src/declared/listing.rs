//! Lists what objects of a kind declare, with how far the operator is: sorted by cluster and name, in pages.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Declared, policy, progress};
use crate::answer::{Answer, Format};
use crate::applied::{self, State};
use crate::arguments::read;
use crate::call::Call;
use crate::json::{json, text};
use crate::kind;
use crate::name::OBJECT_PATTERN;
use crate::paging::{self, Cut, Row};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;
use crate::text::short;
use crate::time;

pub(crate) const OF_CLUSTER: Parameter =
    Parameter::optional("cluster_name", Takes::Text(OBJECT_PATTERN), "null", "Only those of this cluster. Left out: of all.");
pub(crate) const OF_DATABASE: Parameter =
    Parameter::optional("database_name", Takes::Text(""), "null", "Only those of this database. Left out: of all.");

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Input {
    cluster_name: Option<String>,
    database_name: Option<String>,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    limit: Option<usize>,
    cursor: Option<String>,
    format: Option<Format>,
}

/// A kind's own keys of the JSON, and its own cells.
pub(crate) type Own = (Map<String, Value>, Vec<String>);

/// How one kind is listed.
pub(crate) struct Listing<'a> {
    pub(crate) what: &'a Declared,
    /// Key of the list in the JSON, e.g. "databases".
    pub(crate) key: &'static str,
    /// Key of the name inside PostgreSQL, e.g. "database_name".
    pub(crate) name_key: &'static str,
    pub(crate) create_tool: &'static str,
    /// The kind's own columns, behind cluster and name.
    pub(crate) header: &'static [&'static str],
    /// Its own keys and cells.
    pub(crate) own: &'a dyn Fn(&Value) -> Own,
}

/// Lists them.
pub(crate) fn list(call: &Call<'_>, arguments: &str, listing: &Listing<'_>) -> Result<Answer, Problem> {
    let input: Input = read(arguments)?;
    let namespace = (!input.all_namespaces.unwrap_or(false)).then(|| call.namespace(input.namespace.as_deref()));
    let now = call.host.now();
    let (cluster, database) = (input.cluster_name.as_deref(), input.database_name.as_deref());
    let wanted = |object: &Value| {
        cluster.is_none_or(|one| text(object, "/spec/cluster/name") == Some(one))
            && database.is_none_or(|one| text(object, "/spec/dbname") == Some(one))
    };
    let place = kind::all(listing.what.kind, namespace.as_deref());
    let rows = paging::read(call, &place, None, &|object| wanted(object).then(|| row(object, listing, now)))?;
    let scope = namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |one| format!("namespace '{one}'"));
    let how = Cut {
        query: format!(
            "{}|{}|{}",
            namespace.as_deref().unwrap_or("*"),
            cluster.unwrap_or_default(),
            database.unwrap_or_default()
        ),
        cursor: input.cursor.as_deref(),
        limit: input.limit.unwrap_or(100),
        descending: false,
    };
    let page = paging::cut(rows, &how)?;
    let of = cluster.map(|one| format!(" of cluster `{one}`")).unwrap_or_default();
    let title = if page.rows.is_empty() {
        format!("No {} objects{of} found in {scope}. Declare one with `{}`.", listing.what.word, listing.create_tool)
    } else {
        format!("Found {} {}(s){of} in {scope}:", page.rows.len(), listing.what.noun)
    };
    let mut structured = Map::new();
    structured.insert("cluster".into(), cluster.into());
    structured.insert("scope".into(), scope.into());
    let mut header = vec!["Namespace", "Cluster", "Name"];
    header.extend(listing.header);
    header.extend(["On deletion", "State", "Object", "Age", "Message"]);
    Ok(page.answer(listing.key, &title, &header, structured).formatted(input.format))
}

fn row(object: &Value, listing: &Listing<'_>, now: i64) -> Row {
    let word = |pointer: &str| text(object, pointer).unwrap_or_default();
    let (namespace, of, crd_name) = (word("/metadata/namespace"), word("/spec/cluster/name"), word("/metadata/name"));
    let (name, ensure) = (word("/spec/name"), text(object, "/spec/ensure").unwrap_or("present"));
    let policy = policy(listing.what, object);
    let (own, own_cells) = (listing.own)(object);
    let mut structured = Map::new();
    structured.insert(listing.name_key.into(), name.into());
    let common = json!({"crd_name": crd_name, "namespace": namespace, "cluster": of, "ensure": ensure, "reclaim_policy": policy});
    for more in [common, progress(object), Value::Object(own)] {
        structured.extend(more.as_object().cloned().unwrap_or_default());
    }
    let (state, message) = (applied::state(object), applied::message(object));
    let mut cells = vec![namespace.to_owned(), of.to_owned(), short(name)];
    cells.extend(own_cells);
    cells.extend([
        if policy == "delete" { "**dropped**" } else { "stays" }.to_owned(),
        if ensure == "absent" { "absent" } else { state.word() }.to_owned(),
        crd_name.to_owned(),
        time::age(text(object, "/metadata/creationTimestamp"), now),
        message.filter(|_| state != State::Applied).unwrap_or_default(),
    ]);
    let inside = word("/spec/dbname");
    Row { key: format!("{namespace}/{of}/{inside}/{name}/{crd_name}"), structured: Value::Object(structured), cells }
}

/// The properties of a list's answer that are the same for every kind, after the list itself.
macro_rules! shape_of_list {
    ($key:literal, $name_key:literal, $more:literal) => {
        concat!(
            r#"{"cluster": {"type": ["string", "null"], "description": "As asked for"}, ""#,
            $key,
            r#"": {"type": "array", "items": {"type": "object", "properties": {""#,
            $name_key,
            r#"": {"type": "string"},
  "crd_name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"}, "ensure": {"type": "string"}, "reclaim_policy": {"type": "string"},
  "applied": {"type": ["boolean", "null"], "description": "Null: the operator has not looked, or cannot as on a replica cluster"},
  "state": {"enum": ["applied", "failed", "pending"]}, "message": {"type": ["string", "null"]}"#,
            $more,
            r#"}}},
"count": {"type": "integer", "description": "Entries in this answer"}, "scope": {"type": "string"},
"incomplete": {"type": "boolean", "description": "There were more than one call reads"},
"next_cursor": {"type": ["string", "null"], "description": "Null on the last page"}}"#
        )
    };
}
pub(crate) use shape_of_list;
