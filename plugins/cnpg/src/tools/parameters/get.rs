//! get_parameters: the PostgreSQL parameters of a cluster's spec, and whether an instance waits for a restart to use them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::known;
use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::instance::Instances;
use crate::json::{json, texts};
use crate::kind::{CLUSTERS, PODS};
use crate::parameter::{FORMAT, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::status::live;
use crate::text::{short, table};

/// Instances asked live, one request each.
const ASKED: usize = 9;
/// Characters of names and values in one answer; what is left out is named by `names`.
const ROOM: usize = 12_000;

pub(crate) const TOOL: Entry = Entry {
    name: "get_parameters",
    title: "PostgreSQL parameters of a cluster",
    description: "Get the PostgreSQL parameters that a cluster's spec sets (CloudNativePG's own defaults are not among them), which of them need a restart, and whether an instance waits for one now.",
    parameters: &[
        NAME,
        Parameter::optional(
            "names",
            Takes::Json(r#"{"type": "array", "items": {"type": "string", "maxLength": 128}, "maxItems": 200}"#),
            "null",
            "Only these parameters. Left out: all.",
        ),
        Parameter::optional("live", Takes::Flag, "true", "Ask the running instances whether they wait for a restart."),
        NAMESPACE,
        FORMAT,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"parameters": {"type": "object"}, "left_out": {"type": "integer", "description": "Parameters that did not fit; ask for them with `names`"},
"need_restart": {"type": "array", "items": {"type": "string"}, "description": "Of those shown, the ones that only a start reads"},
"shared_preload_libraries": {"type": "array", "items": {"type": "string"}},
"restart_pending": {"type": ["boolean", "null"], "description": "Whether an instance waits for a restart; null: not known"},
"instances": {"type": "array", "items": {"type": "object"}}
}"#,
        required: &["name", "namespace", "parameters", "need_restart", "restart_pending", "instances"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get"]), Rule::on(PODS, &["list"]), Rule { kind: PODS, subresource: "proxy", verbs: &["get"] }],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    names: Option<Vec<String>>,
    live: Option<bool>,
    namespace: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = call.get(&CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name))?;
    let cluster = Cluster(&object);
    let asked = if input.live.unwrap_or(true) { ask(call, cluster) } else { Vec::new() };
    Ok(describe(cluster, input.names.as_deref(), &asked).formatted(input.format).into())
}

/// Per instance, whether it waits for a restart; or why that is not known.
fn ask(call: &Call<'_>, cluster: Cluster<'_>) -> Vec<(String, Result<bool, String>)> {
    let instances = match Instances::read(call, cluster) {
        Ok(instances) => instances,
        Err(problem) => return vec![("pods".into(), Err(short(&problem.message)))],
    };
    let mut out = Vec::new();
    for name in instances.names().into_iter().take(ASKED) {
        let answer = live::ask(call, cluster.namespace(), name);
        let refused = answer.as_ref().is_err_and(|problem| problem.code == 403);
        let waits = |status: Value| status.pointer("/pendingRestart").and_then(Value::as_bool) == Some(true);
        out.push((name.to_owned(), answer.map(waits).map_err(|problem| short(&problem.message))));
        // Without permission every further request would say the same.
        if refused {
            break;
        }
    }
    out
}

fn describe(cluster: Cluster<'_>, names: Option<&[String]>, asked: &[(String, Result<bool, String>)]) -> Answer {
    let (shown, left_out) = parameters(cluster, names);
    let restart: Vec<&str> = shown.keys().map(String::as_str).filter(|name| known::needs_restart(name)).collect();
    let value = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
    let effect = |name: &str| if restart.contains(&name) { "restart" } else { "reload" };
    let rows: Vec<Vec<String>> = shown.iter().map(|(name, one)| vec![name.clone(), value(one), effect(name).into()]).collect();
    let libraries: Vec<String> = texts(cluster.0, "/spec/postgresql/shared_preload_libraries").into_iter().map(short).collect();
    let pending = match asked.iter().find(|(_, waits)| *waits == Ok(true)) {
        Some(_) => Some(true),
        None => (!asked.is_empty() && asked.iter().all(|(_, waits)| waits.is_ok())).then_some(false),
    };
    let mut text = format!("**Parameters of {}/{}**\n\n", cluster.namespace(), cluster.name());
    text.push_str(if rows.is_empty() { "The spec sets none of them.\n" } else { "" });
    text.push_str(&table(&["Parameter", "Value", "Takes effect by"], &rows));
    if left_out > 0 {
        text.push_str(&format!("{left_out} more did not fit: ask for them with `names`.\n"));
    }
    if !libraries.is_empty() {
        text.push_str(&format!("\nPreloaded libraries: {}\n", short(&libraries.join(", "))));
    }
    for (name, waits) in asked {
        let words = match waits {
            Ok(true) => "waits for a restart to use all of them".to_owned(),
            Ok(false) => continue,
            Err(why) => format!("could not be asked: {why}"),
        };
        text.push_str(&format!("- {name} {words}\n"));
    }
    text.push_str(match pending {
        Some(true) => "\nNext: the operator restarts instances by itself; with `primaryUpdateStrategy: supervised` it waits for `promote_cluster_instance` or `restart_instance`.\n",
        _ => "\nNext: `set_parameters` changes them.\n",
    });
    let live: Vec<Value> =
        asked.iter().map(|(name, waits)| json!({"instance": name, "pending_restart": waits.as_ref().ok(), "unavailable": waits.as_ref().err()})).collect();
    let structured = json!({
        "name": cluster.name(), "namespace": cluster.namespace(), "parameters": shown, "left_out": left_out, "need_restart": restart,
        "shared_preload_libraries": libraries, "restart_pending": pending, "instances": live,
    });
    Answer::new(text, structured)
}

/// Those asked for, as far as there is room, and how many there was none for.
fn parameters(cluster: Cluster<'_>, names: Option<&[String]>) -> (Map<String, Value>, usize) {
    let all = cluster.0.pointer("/spec/postgresql/parameters").and_then(Value::as_object);
    let (mut shown, mut room, mut left_out) = (Map::new(), ROOM, 0);
    for (name, value) in all.into_iter().flatten() {
        if names.is_some_and(|names| !names.iter().any(|one| one == name)) {
            continue;
        }
        let value = value.as_str().map(short).unwrap_or_default();
        // In both forms it costs some frame.
        let size = name.len() + value.len() + 40;
        if size > room {
            left_out += 1;
            continue;
        }
        room -= size;
        shown.insert(name.clone(), value.into());
    }
    (shown, left_out)
}
