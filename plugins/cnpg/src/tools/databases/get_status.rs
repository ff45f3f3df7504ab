//! get_postgres_database_status: one database as it is declared, and what the operator says of it and of its parts.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{CREATE_OPTIONS, DATABASE, DATABASE_NAME, parts};
use crate::answer::{Answer, Format, Outcome};
use crate::applied::{self, State};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::{Place, find, policy, progress};
use crate::json::{json, list, text};
use crate::kind::DATABASES;
use crate::parameter::{CLUSTER_NAME, FORMAT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{short, table};
use crate::time;

/// Entries of a part that are shown; those that failed come first.
const SHOWN: usize = 40;

pub(crate) const TOOL: Entry = Entry {
    name: "get_postgres_database_status",
    title: "Status of a database",
    description: "Get what a Database object declares and whether the operator has applied it: owner, create options, extensions, schemas, foreign data wrappers and servers, each with the reason if it failed.",
    parameters: &[CLUSTER_NAME, DATABASE_NAME, NAMESPACE, FORMAT],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "crd_name": {"type": "string"}, "namespace": {"type": "string"},
"database_name": {"type": "string"}, "owner": {"type": "string"},
"ensure": {"type": "string"}, "reclaim_policy": {"type": "string"},
"generation": {"type": ["integer", "null"]}, "resource_version": {"type": ["string", "null"]}, "created": {"type": ["string", "null"]},
"create_options": {"type": "object", "description": "encoding, locale and so on; null where not set"},
"limits": {"type": "object"},
"status": {"type": "object", "properties": {"applied": {"type": ["boolean", "null"]}, "message": {"type": ["string", "null"]},
  "state": {"enum": ["applied", "failed", "pending"]}}},
"parts": {"type": "object", "description": "extensions, schemas, fdws, servers: {declared, failed, entries}"}
}"#,
        required: &[
            "cluster",
            "crd_name",
            "namespace",
            "database_name",
            "owner",
            "ensure",
            "reclaim_policy",
            "create_options",
            "status",
        ],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(DATABASES, &["list"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster_name: String,
    database_name: String,
    namespace: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let place = Place { namespace: &namespace, cluster: &input.cluster_name, database: None, name: &input.database_name };
    let object = find(call, &DATABASE, &place)?;
    Ok(answer(&object, &place, call.host.now()).formatted(input.format).into())
}

fn answer(object: &Value, place: &Place<'_>, now: i64) -> Answer {
    let mut text = summary(object, place, now);
    let mut all = Map::new();
    for part in parts::PARTS {
        if let Some(structured) = entries(object, part, &mut text) {
            all.insert(part.into(), structured);
        }
    }
    if applied::state(object) == State::Failed {
        text.push_str("\nThe operator tries again by itself. Correct the cause with `update_postgres_database`.\n");
    }
    let word = |pointer: &str| crate::json::text(object, pointer);
    let options: Map<String, Value> =
        CREATE_OPTIONS.iter().map(|one| ((*one).to_owned(), word(&format!("/spec/{one}")).map(short).into())).collect();
    let field = |name: &str| object.pointer(&format!("/spec/{name}"));
    let structured = json!({
        "cluster": place.cluster, "crd_name": word("/metadata/name"), "namespace": place.namespace, "database_name": place.name,
        "owner": word("/spec/owner").unwrap_or_default(), "ensure": word("/spec/ensure").unwrap_or("present"),
        "reclaim_policy": policy(&DATABASE, object), "generation": object.pointer("/metadata/generation"),
        "resource_version": word("/metadata/resourceVersion"), "created": word("/metadata/creationTimestamp"),
        "create_options": options,
        "limits": {"connection_limit": field("connectionLimit"), "allow_connections": field("allowConnections"),
            "is_template": field("isTemplate"), "template": field("template"), "tablespace": field("tablespace")},
        "status": progress(object), "parts": all,
    });
    Answer::new(text, structured)
}

fn summary(object: &Value, place: &Place<'_>, now: i64) -> String {
    let word = |pointer: &str| text(object, pointer).map(short);
    let state = match applied::state(object) {
        State::Applied => "applied",
        State::Failed => "**not applied**",
        State::Pending => "pending: the operator has not applied this version yet",
    };
    let mut out =
        format!("**Database `{}`** of cluster `{}/{}`\n- State: {state}\n", short(place.name), place.namespace, place.cluster);
    if let Some(message) = applied::message(object) {
        out.push_str(&format!("- The operator says: {message}\n"));
    }
    let on_deletion = match policy(&DATABASE, object) {
        "delete" => "deleting the object **drops the database**",
        _ => "deleting the object leaves the database",
    };
    out.push_str(&format!(
        "- Owner: {}\n- Declared by: Database `{}`, {} old; {on_deletion}\n",
        word("/spec/owner").unwrap_or_default(),
        word("/metadata/name").unwrap_or_default(),
        time::age(text(object, "/metadata/creationTimestamp"), now)
    ));
    if word("/spec/ensure").as_deref() == Some("absent") {
        out.push_str("- `ensure: absent`: the operator removes the database\n");
    }
    if text(object, "/metadata/deletionTimestamp").is_some() {
        out.push_str("- The object is being deleted\n");
    }
    let set = CREATE_OPTIONS.iter().filter_map(|one| word(&format!("/spec/{one}")).map(|value| format!("{one}={value}")));
    let set: Vec<String> = set.collect();
    if !set.is_empty() {
        out.push_str(&format!("- Create options: {}\n", set.join(", ")));
    }
    out
}

/// One part: what is declared, with what the operator says of each.
fn entries(object: &Value, part: &str, out: &mut String) -> Option<Value> {
    let declared = list(object, &format!("/spec/{part}"));
    if declared.is_empty() {
        return None;
    }
    let seen = list(object, &format!("/status/{part}"));
    let of = |name: &str| seen.iter().find(|one| text(one, "/name") == Some(name));
    let mut all: Vec<(bool, Value, Vec<String>)> = declared.iter().map(|one| entry(one, &of)).collect();
    let failed = all.iter().filter(|(failed, ..)| *failed).count();
    all.sort_by_key(|(failed, ..)| !failed);
    all.truncate(SHOWN);
    let (shown, rows): (Vec<Value>, Vec<Vec<String>>) = all.into_iter().map(|(_, one, row)| (one, row)).unzip();
    out.push_str(&format!("\n**{part}** ({} declared, {failed} failed)\n", declared.len()));
    out.push_str(&table(&["Name", "Wanted", "Applied", "Message"], &rows));
    if declared.len() > SHOWN {
        out.push_str(&format!("Only {SHOWN} are shown, those that failed first.\n"));
    }
    Some(json!({"declared": declared.len(), "failed": failed, "entries": shown}))
}

fn entry<'a>(declared: &Value, of: &dyn Fn(&str) -> Option<&'a Value>) -> (bool, Value, Vec<String>) {
    let name = text(declared, "/name").unwrap_or_default();
    let ensure = text(declared, "/ensure").unwrap_or("present");
    let status = of(name);
    let applied = status.and_then(|one| one.pointer("/applied")).and_then(Value::as_bool);
    let message = status.and_then(|one| text(one, "/message")).map(short);
    let version = text(declared, "/version").map(short);
    let wanted = version.as_ref().map_or_else(|| ensure.to_owned(), |one| format!("{ensure}, version {one}"));
    let told = applied.map_or("not yet", |one| if one { "yes" } else { "no" });
    let row = vec![short(name), wanted, told.to_owned(), message.clone().unwrap_or_default()];
    let structured = json!({"name": short(name), "ensure": ensure, "version": version, "applied": applied, "message": message});
    (applied == Some(false), structured, row)
}
