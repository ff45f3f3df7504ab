//! get_postgres_role_status: one role as it is declared, and what CloudNativePG says of it.

use serde_json::Value;

use super::list::{extras, structured};
use super::required;
use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::json::{integer, json, list, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES};
use crate::parameter::{CLUSTER_NAME, FORMAT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::roles::Roles;
use crate::roles::attributes::word;
use crate::roles::role::{MEMBERSHIPS_MAX, Role, Source};
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;

pub(crate) const TOOL: Entry = Entry {
    name: "get_postgres_role_status",
    title: "Get a PostgreSQL role's status",
    description: "Get one PostgreSQL role of a cluster: its attributes as declared in Kubernetes, and whether and why (not) CloudNativePG has applied them. Shows the name of the Secret with its password, never the password.",
    parameters: &[CLUSTER_NAME, super::ROLE_NAME, NAMESPACE, FORMAT],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "namespace": {"type": "string"}, "crd_name": {"type": ["string", "null"]}, "role_name": {"type": "string"},
"source": {"enum": ["databaserole", "inline"]}, "state": {"enum": ["applied", "pending", "failed", "deleting", "unknown"]},
"status_message": {"type": ["string", "null"]}, "ensure": {"type": "string"}, "reclaim_policy": {"type": ["string", "null"]},
"generation": {"type": ["integer", "null"]}, "observed_generation": {"type": ["integer", "null"]}, "resource_version": {"type": ["string", "null"]},
"attributes": {"type": "object"}, "status": {"type": "object", "description": "As CloudNativePG wrote it"},
"notes": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["cluster", "namespace", "role_name", "source", "state", "attributes", "status"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(CLUSTERS, &["get"]), Rule::on(DATABASE_ROLES, &["list"])],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Value = read(arguments)?;
    let namespace = call.namespace(word(&input, "namespace"));
    let roles = Roles::read(call, &namespace, required(&input, "cluster_name")?)?;
    let role = roles.expect(required(&input, "role_name")?)?;
    let notes = notes(&roles, role, call.host.now());
    let format = (word(&input, "format") == Some("json")).then_some(Format::Json);
    Ok(Answer::new(markdown(&roles, role, &notes), json_of(&roles, role, &notes)).formatted(format).into())
}

/// What a person should know and no field says.
fn notes(roles: &Roles, role: Role<'_>, now: i64) -> Vec<String> {
    let mut out = Vec::new();
    let twice = roles.all().into_iter().filter(|one| one.name() == role.name()).count() > 1;
    if twice {
        out.push("it is declared twice, by a DatabaseRole and in `spec.managed.roles`: one of the two should go".into());
    }
    if role.ensure() == "absent" {
        out.push("it is declared absent: CloudNativePG drops it".into());
    }
    if let Some(until) = text(role.spec, "/validUntil").and_then(time::seconds).filter(|until| *until <= now) {
        out.push(format!("its password expired {} ago", time::span(now - until)));
    }
    let memberships = role.in_roles().len();
    if memberships > MEMBERSHIPS_MAX {
        out.push(format!("it is a member of {memberships} roles; the first {MEMBERSHIPS_MAX} are shown"));
    }
    let named = |key: &str| text(role.object, key).filter(|_| role.source == Source::Object).map(short);
    if let Some(expires) = named("/status/clientCertificate/expiration") {
        out.push(format!("its client certificate is valid until {expires}"));
    }
    if let Some(message) = named("/status/clientCertificate/message") {
        out.push(format!("its client certificate: {message}"));
    }
    if role.flag("login") && role.secret().is_none() && !role.flag("disablePassword") && !role.has_certificate() {
        out.push("Kubernetes declares no password for it: `update_postgres_role` with `reset_password: true` makes one".into());
    }
    out
}

fn markdown(roles: &Roles, role: Role<'_>, notes: &[String]) -> String {
    let cluster = Cluster(&roles.cluster);
    let state = role.state();
    let or = |one: Option<&str>, none: &str| one.map_or_else(|| none.to_owned(), short);
    let memberships: Vec<&str> = role.in_roles().into_iter().take(MEMBERSHIPS_MAX).collect();
    let mut out = format!(
        "**Role: {}** of cluster `{}/{}`\n\n- State: {}\n",
        short(role.name()),
        cluster.namespace(),
        cluster.name(),
        state.word
    );
    if let Some(message) = state.message {
        out.push_str(&format!("- CloudNativePG says: {message}\n"));
    }
    let by = role
        .object_name()
        .map_or_else(|| "`spec.managed.roles` of the cluster".to_owned(), |name| format!("DatabaseRole `{name}`"));
    out.push_str(&format!("- Declared by: {by}\n"));
    if let Some(policy) = role.reclaim_policy() {
        out.push_str(&format!(
            "- When that is deleted: the role is {}\n",
            if policy == "delete" { "dropped" } else { "kept in PostgreSQL" }
        ));
    }
    let password = if role.flag("disablePassword") { "disabled".to_owned() } else { or(role.secret(), "none declared") };
    out.push_str(&format!(
        "- Login: {}\n- Attributes: {}\n- Member of: {}\n- Password Secret: {password}\n- Valid until: {}\n- Comment: {}\n",
        if role.flag("login") { "yes" } else { "no" },
        if extras(role).is_empty() { "none".into() } else { extras(role) },
        if memberships.is_empty() {
            "nothing".into()
        } else {
            memberships.iter().map(|one| short(one)).collect::<Vec<_>>().join(", ")
        },
        or(text(role.spec, "/validUntil"), "for ever"),
        or(text(role.spec, "/comment"), "none"),
    ));
    out.push_str(&super::bullets(notes));
    out
}

fn json_of(roles: &Roles, role: Role<'_>, notes: &[String]) -> Value {
    let cluster = Cluster(&roles.cluster);
    let said = structured(role);
    let get = |key: &str| said.get(key).cloned().unwrap_or_default();
    let own = role.source == Source::Object;
    let number = |pointer: &str| integer(role.object, pointer).filter(|_| own);
    json!({
        "cluster": cluster.name(), "namespace": cluster.namespace(), "crd_name": role.object_name(), "role_name": role.name(),
        "source": role.source_word(), "state": get("state"), "status_message": get("status_message"), "ensure": role.ensure(),
        "reclaim_policy": role.reclaim_policy(), "generation": number("/metadata/generation"),
        "observed_generation": number("/status/observedGeneration"),
        "resource_version": text(role.object, "/metadata/resourceVersion"), "attributes": role.attributes(),
        "status": if own { status(role.object) } else { json!({"by_status": get("state"), "cannot_reconcile": get("status_message")}) },
        "notes": notes,
    })
}

/// The status without what grows with the years.
fn status(object: &Value) -> Value {
    let mut status = object.get("status").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let message = text(object, "/status/message").map(short);
    let word = |one: &Value, pointer: &str| text(one, pointer).map(short);
    let conditions = list(object, "/status/conditions").iter().take(5);
    let conditions: Vec<Value> = conditions
        .map(|one| json!({"type": word(one, "/type"), "status": word(one, "/status"), "reason": word(one, "/reason"), "message": word(one, "/message")}))
        .collect();
    if let Some(map) = status.as_object_mut() {
        map.insert("message".into(), message.into());
        map.insert("conditions".into(), conditions.into());
    }
    status
}
