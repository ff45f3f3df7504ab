//! get_cluster_resize_status: the size of each volume against what the spec asks for, and what to do next. Keys are the reference's.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::expansion;
use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::json::{annotation, json, label, list, text, texts};
use crate::kind::{CLUSTERS, VOLUME_CLAIMS};
use crate::parameter::{FORMAT, NAME, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::quantity;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{short, table};

/// Most volumes shown one by one, those that are not done first: what fits into an answer.
const SHOWN: usize = 60;

pub(crate) const TOOL: Entry = Entry {
    name: "get_cluster_resize_status",
    title: "Resize status of a PostgreSQL cluster",
    description: "Report the storage size of each instance of a PostgreSQL cluster against what is asked for, which volumes are growing, and the recommended next step.",
    parameters: &[NAME, NAMESPACE, FORMAT],
    shape: Shape {
        properties: r#"{
"cluster": {"type": "string"}, "namespace": {"type": "string"},
"desired_size": {"type": ["string", "null"]}, "instances": {"type": "integer"}, "ready_instances": {"type": "integer"},
"phase": {"type": ["string", "null"]}, "primary": {"type": ["string", "null"]}, "target_primary": {"type": ["string", "null"]},
"validation_disabled": {"type": "boolean"}, "resize_complete": {"type": "boolean"},
"instances_at_desired_size": {"type": "array", "items": {"type": "string"}},
"instances_at_previous_size": {"type": "array", "items": {"type": "string"}},
"expanding": {"type": "array", "items": {"type": "string"}, "description": "Volume claims that are growing"},
"healthy_instances": {"type": "array", "items": {"type": "string"}},
"volumes": {"type": "array", "items": {"type": "object"}},
"volumes_left_out": {"type": "integer", "description": "Finished ones that are not shown one by one"},
"next_step": {"type": "string"}
}"#,
        required: &["cluster", "namespace", "desired_size", "resize_complete", "volumes", "next_step"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(CLUSTERS, &["get"]), Rule::on(VOLUME_CLAIMS, &["list"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    format: Option<Format>,
}

/// How far one volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// The operator has not asked for the new size yet.
    Behind,
    Expanding,
    /// The rest is done when its pod starts anew.
    NeedsRestart,
    Done,
}

struct Volume<'a> {
    name: &'a str,
    instance: &'a str,
    role: &'a str,
    requested: Option<&'a str>,
    capacity: Option<&'a str>,
    state: State,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = call.get(&CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name))?;
    let cluster = Cluster(&object);
    let (claims, more) = expansion::claims(call, cluster)?;
    let mut volumes: Vec<Volume<'_>> = claims.iter().map(|claim| look(claim, cluster)).collect();
    volumes.sort_by_key(|one| (one.state, one.name));
    let mut answer = describe(cluster, &volumes);
    if more {
        answer.text.push_str(&format!("\nOnly the first {} volume claims were read.\n", expansion::PAGE));
    }
    Ok(answer.formatted(input.format).into())
}

fn desired<'a>(cluster: Cluster<'a>, role: &str) -> Option<&'a str> {
    let storage = if role == "PG_WAL" { "/spec/walStorage" } else { "/spec/storage" };
    let at = |end: &str| text(cluster.0, &format!("{storage}{end}"));
    at("/size").or_else(|| at("/pvcTemplate/resources/requests/storage"))
}

fn look<'a>(claim: &'a Value, cluster: Cluster<'a>) -> Volume<'a> {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let role = label(claim, "cnpg.io/pvcRole").unwrap_or("PG_DATA");
    let instance = label(claim, "cnpg.io/instanceName").unwrap_or_else(|| name.trim_end_matches("-wal"));
    let (requested, capacity) = (text(claim, "/spec/resources/requests/storage"), text(claim, "/status/capacity/storage"));
    let value = |size: Option<&str>| size.and_then(quantity::value);
    let is = |kind: &str| list(claim, "/status/conditions").iter().any(|one| text(one, "/type") == Some(kind));
    // Tablespaces have sizes of their own, by name: they count as what they ask for.
    let wanted = if role == "PG_TABLESPACE" { value(requested) } else { value(desired(cluster, role)) };
    let state = if is("FileSystemResizePending") {
        State::NeedsRestart
    } else if is("Resizing") || value(capacity) < value(requested) || texts(cluster.0, "/status/resizingPVC").contains(&name) {
        State::Expanding
    } else if value(requested) < wanted {
        State::Behind
    } else {
        State::Done
    };
    Volume { name, instance, role, requested, capacity, state }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Behind => "at the previous size",
            Self::Expanding => "growing",
            Self::NeedsRestart => "waits for a restart",
            Self::Done => "done",
        }
    }
}

fn next_step(cluster: Cluster<'_>, volumes: &[Volume<'_>]) -> String {
    let first = |state: State| volumes.iter().find(|one| one.state == state);
    let primary = cluster.primary();
    if let Some(one) = first(State::NeedsRestart) {
        return format!(
            "`restart_instance` with `instance: \"{}\"`: its file system grows when its pod starts anew.",
            one.instance
        );
    }
    if first(State::Expanding).is_some() {
        return "Wait, and call `get_cluster_resize_status` again: volumes are growing.".into();
    }
    if volumes.is_empty() {
        return "No volume claims of this cluster were found: see `get_cluster_status`.".into();
    }
    let behind: Vec<&Volume<'_>> = volumes.iter().filter(|one| one.state == State::Behind).collect();
    if let Some(replica) = behind.iter().find(|one| Some(one.instance) != primary) {
        return format!(
            "If the operator does not grow them by itself (StorageClass without expansion, or `resizeInUseVolumes: false`): `delete_cluster_instance` with `instance: \"{}\"`, one replica at a time, and wait until it is ready.",
            replica.instance
        );
    }
    if !behind.is_empty() {
        return format!(
            "Only the primary {} is left: `promote_cluster_instance` for a replica, then `delete_cluster_instance` for it.",
            short(primary.unwrap_or_default())
        );
    }
    if annotation(cluster.0, "cnpg.io/validation") == Some("disabled") {
        return "Done; `resize_postgres_cluster` with `restore_validation_only: true` switches the cluster's checks on again."
            .into();
    }
    "Nothing: all volumes have the size that is asked for.".into()
}

fn describe(cluster: Cluster<'_>, volumes: &[Volume<'_>]) -> Answer {
    let late: BTreeSet<&str> = volumes.iter().filter(|one| one.state != State::Done).map(|one| one.instance).collect();
    let all: BTreeSet<&str> = volumes.iter().map(|one| one.instance).collect();
    let done: Vec<&str> = all.difference(&late).copied().collect();
    let growing = volumes.iter().filter(|one| matches!(one.state, State::Expanding | State::NeedsRestart));
    let growing: Vec<&str> = growing.map(|one| one.name).take(SHOWN).collect();
    let (complete, next) = (late.is_empty() && !volumes.is_empty(), next_step(cluster, volumes));
    let shown = volumes.get(..SHOWN).unwrap_or(volumes);
    let left_out = volumes.len() - shown.len();
    let disabled = annotation(cluster.0, "cnpg.io/validation") == Some("disabled");
    let desired = desired(cluster, "PG_DATA");
    let structured = json!({
        "cluster": cluster.name(), "namespace": cluster.namespace(), "desired_size": desired, "instances": cluster.instances(),
        "ready_instances": cluster.ready(), "phase": cluster.phase(), "primary": cluster.primary(), "target_primary": cluster.target_primary(),
        "validation_disabled": disabled, "resize_complete": complete, "instances_at_desired_size": done, "instances_at_previous_size": late,
        "expanding": growing, "healthy_instances": texts(cluster.0, "/status/instancesStatus/healthy"),
        "volumes": shown.iter().map(structured).collect::<Vec<Value>>(), "volumes_left_out": left_out, "next_step": next,
    });
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let mut text = format!(
        "**Resize of {}/{}**: {}\n- Desired size: {}\n- Instances: {}/{} ready, primary {}\n\n{}",
        cluster.namespace(),
        cluster.name(),
        if complete { "complete" } else { "not complete" },
        short(desired.unwrap_or("unknown")),
        cluster.ready(),
        cluster.instances(),
        short(cluster.primary().unwrap_or("none yet")),
        table(&["Volume claim", "Instance", "Role", "Requested", "Capacity", "State"], &rows),
    );
    if left_out > 0 {
        text.push_str(&format!("{left_out} more that are done are not shown.\n"));
    }
    text.push_str(&format!("\nNext: {next}\n"));
    Answer::new(text, structured)
}

fn structured(one: &Volume<'_>) -> Value {
    json!({
        "name": one.name, "instance": one.instance, "role": one.role, "requested": one.requested, "capacity": one.capacity,
        "state": one.state.word(), "at_desired_size": one.state == State::Done,
    })
}

fn row(one: &Volume<'_>) -> Vec<String> {
    let word = |size: Option<&str>| size.map(short).unwrap_or_default();
    vec![one.name.into(), one.instance.into(), one.role.into(), word(one.requested), word(one.capacity), one.state.word().into()]
}
