//! update_postgres_database: a merge patch that carries the version it was decided on, decided anew when somebody else was faster.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{DATABASE, DATABASE_NAME, parts};
use crate::answer::{Answer, Outcome};
use crate::applied;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, Done, Wanted};
use crate::consent::{Consent, Danger, obtain};
use crate::declared::{Place, find, target};
use crate::json::{json, merged, text, with};
use crate::kind::DATABASES;
use crate::parameter::{CLUSTER_NAME, CONFIRM_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "update_postgres_database",
    title: "Change a database",
    description: "Change a database that a Database object declares: owner, extensions, schemas, foreign data wrappers and servers, limits, what a deletion does. What is left out stays as it is. Dropping an extension, a schema or the like (`ensure: absent`) needs the human's consent.",
    parameters: &[
        CLUSTER_NAME,
        DATABASE_NAME,
        Parameter::optional("owner", Takes::Text(""), "null", "Role that shall own it."),
        Parameter::optional(
            "reclaim_policy",
            Takes::Choice(&["retain", "delete"]),
            "null",
            "What a deletion of the Database object does. retain: the database stays. delete: it is dropped with its data.",
        ),
        Parameter::optional(
            "tablespace",
            Takes::Text(""),
            "null",
            "Tablespace that its objects go to by default; moving it locks them.",
        ),
        Parameter::optional("connection_limit", Takes::Integer(-1, 1_000_000), "null", "Most connections at once; -1: no limit."),
        Parameter::optional("allow_connections", Takes::Flag, "null", "Whether anybody may connect to it."),
        Parameter::optional("is_template", Takes::Flag, "null", "Whether every role that may create databases may copy it."),
        parts::EXTENSIONS,
        parts::SCHEMAS,
        parts::FDWS,
        parts::SERVERS,
        CONFIRM_NAME,
        NAMESPACE,
        applied::WAIT,
        applied::TIMEOUT,
        DRY_RUN,
    ],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "database_name": {"type": "string"}, "crd_name": {"type": "string"}, "namespace": {"type": "string"},
"changed": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"changes": {"type": "array", "items": {"type": "object"}, "description": "path, from, to"},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["cluster", "database_name", "crd_name", "namespace", "changed", "dry_run", "changes", "notes", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Provision,
    promised: false,
    rules: &[Rule::on(DATABASES, &["get", "list", "patch", "watch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster_name: String,
    database_name: String,
    owner: Option<String>,
    reclaim_policy: Option<String>,
    tablespace: Option<String>,
    connection_limit: Option<i64>,
    allow_connections: Option<bool>,
    is_template: Option<bool>,
    extensions: Option<Vec<Value>>,
    schemas: Option<Vec<Value>>,
    fdws: Option<Vec<Value>>,
    servers: Option<Vec<Value>>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

/// The lists that were given, by field.
type Parts = Vec<(&'static str, Vec<Value>)>;

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let place = Place { namespace: &namespace, cluster: &input.cluster_name, database: None, name: &input.database_name };
    let parts = given(&input)?;
    let scalars = scalars(&input)?;
    if scalars.is_empty() && parts.is_empty() {
        return Err(Problem::argument(
            "owner",
            "nothing to change was given",
            "Name what shall change, e.g. `owner` or `extensions`.",
        ));
    }
    let object = find(call, &DATABASE, &place)?;
    let dry_run = input.dry_run.unwrap_or(false);
    let dropped: Vec<String> = parts.iter().flat_map(|(part, entries)| parts::dropped(part, entries)).collect();
    if !dry_run
        && !dropped.is_empty()
        && let Consent::Ask(question) = obtain(call, &danger(&place, &object, &dropped, input.confirm_name.as_deref()))?
    {
        return Ok(Outcome::Ask(question));
    }
    let decide = |now: &Value| decide(&object, now, &scalars, &parts, &dropped);
    let done = Change::of(call, target(&DATABASE, &object), dry_run, &decide).settle()?;
    answer(call, &input, &place, done).map(Outcome::Done)
}

fn given(input: &Input) -> Result<Parts, Problem> {
    let all = [&input.extensions, &input.schemas, &input.fdws, &input.servers];
    let mut out = Parts::new();
    for (part, entries) in parts::PARTS.into_iter().zip(all) {
        let entries = parts::given(part, entries.as_deref())?;
        if !entries.is_empty() {
            out.push((part, entries));
        }
    }
    Ok(out)
}

fn scalars(input: &Input) -> Result<Map<String, Value>, Problem> {
    if let Some(owner) = &input.owner {
        crate::declared::check("owner", owner)?;
    }
    let mut out = Map::new();
    out.insert("owner".into(), input.owner.clone().into());
    out.insert("databaseReclaimPolicy".into(), input.reclaim_policy.clone().into());
    out.insert("tablespace".into(), input.tablespace.clone().into());
    out.insert("connectionLimit".into(), input.connection_limit.into());
    out.insert("allowConnections".into(), input.allow_connections.into());
    out.insert("isTemplate".into(), input.is_template.into());
    out.retain(|_, value| !value.is_null());
    Ok(out)
}

fn danger<'a>(place: &Place<'a>, object: &'a Value, dropped: &[String], confirm_name: Option<&'a str>) -> Danger<'a> {
    Danger {
        tool: "update_postgres_database",
        noun: "database",
        name: place.name,
        identity: text(object, "/metadata/uid").unwrap_or_default(),
        question: format!("Drop parts of database {} of cluster {}/{}?", short(place.name), place.namespace, place.cluster),
        impact: dropped.iter().map(|one| format!("- {one}, unless other things in the database need it\n")).collect(),
        undone: "was not changed",
        flag: None,
        confirm_name,
    }
}

/// The patch against what is there now.
fn decide(
    seen: &Value,
    now: &Value,
    scalars: &Map<String, Value>,
    parts: &Parts,
    dropped: &[String],
) -> Result<Option<Wanted>, Problem> {
    if text(seen, "/metadata/uid") != text(now, "/metadata/uid") {
        let message = "the Database that was looked at is gone, another has its name; nothing was changed";
        return Err(Problem::refused("Replaced", message, "Look at it before calling again.").next(DATABASE.look));
    }
    let mut spec = scalars.clone();
    for (part, entries) in parts {
        spec.insert((*part).into(), parts::laid_over(now, part, entries));
    }
    let patch = json!({"spec": spec});
    if merged(now, &patch) == *now {
        return Ok(None);
    }
    let mut notes = dropped.to_vec();
    if text(now, "/spec/ensure") == Some("absent") {
        notes.push("its Database says `ensure: absent`: there is no database to change".into());
    }
    Ok(Some(Wanted::merge(patch, notes)))
}

fn answer(call: &Call<'_>, input: &Input, place: &Place<'_>, done: Done) -> Result<Answer, Problem> {
    let dry_run = input.dry_run.unwrap_or(false);
    let title = format!("database `{}` of cluster `{}/{}`", short(place.name), place.namespace, place.cluster);
    let own = |object: &Value| {
        json!({
            "cluster": place.cluster, "database_name": place.name, "namespace": place.namespace,
            "crd_name": text(object, "/metadata/name").unwrap_or_default(),
        })
    };
    let structured = merged(&done.structured(), &own(done.object()));
    if !done.is_change() {
        return Ok(Answer::new(format!("The {title} is as asked already: nothing was changed.\n"), structured));
    }
    let mut text = if dry_run {
        format!("**Dry run**: the {title} would change; nothing was changed.\n\n{}", done.words())
    } else {
        format!("The declaration of {title} is changed.\n\n{}", done.words())
    };
    let mut wait = Value::Null;
    if !dry_run && input.wait.unwrap_or(true) {
        let target = target(&DATABASE, done.object());
        let waited = applied::until_applied(call, &target, done.into_object(), input.timeout);
        text.push_str(&format!("\n{}\n", waited.words(DATABASE.noun, DATABASE.look)?));
        wait = waited.structured();
    }
    let next = if dry_run { "the same call with `dry_run: false`" } else { "`get_postgres_database_status`" };
    text.push_str(&format!("\nNext: {next}.\n"));
    Ok(Answer::new(text, with(structured, "wait", wait)))
}
