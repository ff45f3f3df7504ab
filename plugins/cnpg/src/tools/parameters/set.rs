//! set_parameters: sets and unsets PostgreSQL parameters of a cluster by a merge patch; parameters that are not named stay as they are,
//! whoever set them. What CloudNativePG keeps to itself is refused before anything is sent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::known;
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{json, text};
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::{Cause, Problem};
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

/// Longest value, in characters: longer than any real one.
const VALUE_MAX: usize = 8_192;

pub(crate) const TOOL: Entry = Entry {
    name: "set_parameters",
    title: "Set PostgreSQL parameters",
    description: "Set or unset PostgreSQL parameters of a cluster (postgresql.conf). Others stay as they are. The answer says which of them need a restart, which the operator then does instance by instance. Parameters that CloudNativePG keeps to itself are refused.",
    parameters: &[
        NAME,
        Parameter::optional(
            "set",
            Takes::Json(
                r#"{"type": "object", "maxProperties": 100, "additionalProperties": {"type": ["string", "number", "boolean"]}}"#,
            ),
            "null",
            "Parameters and their values, e.g. `{\"work_mem\": \"64MB\", \"max_connections\": 200}`.",
        ),
        Parameter::optional(
            "unset",
            Takes::Json(
                r#"{"type": "array", "items": {"type": "string", "maxLength": 128}, "maxItems": 100, "uniqueItems": true}"#,
            ),
            "null",
            "Parameters to take out of the spec: CloudNativePG's or PostgreSQL's default holds again.",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "need_restart": {"type": "array", "items": {"type": "string"}, "description": "Of those that change, the ones that only a start reads"}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    set: Option<BTreeMap<String, Value>>,
    unset: Option<Vec<String>>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let wanted = wanted(&input)?;
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let differing = differing(cluster, &wanted);
        let notes = notes(cluster, &differing);
        let patch = json!({"spec": {"postgresql": {"parameters": differing}}});
        Ok((!differing.is_empty()).then_some(Wanted::merge(patch, notes)))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else {
        return Ok(change.same("has these parameters already", &json!({"need_restart": []})).into());
    };
    let differing = differing(Cluster(&seen.object), &wanted);
    let restart = restarting(&differing);
    let words = Words {
        would: "would have its parameters changed".into(),
        did: "has its parameters changed".into(),
        next: "`get_parameters` says whether an instance waits for a restart",
        extra: json!({"need_restart": restart}),
    };
    Ok(change.make(seen).map_err(|problem| problem.renamed(&[("parameters", "set")]))?.answer(&words).into())
}

/// Name and value; `Null` removes.
fn wanted(input: &Input) -> Result<Map<String, Value>, Problem> {
    let mut out = Map::new();
    let (set, unset) = (input.set.iter().flatten(), input.unset.iter().flatten());
    let fixed: Vec<&String> = set.clone().map(|(name, _)| name).filter(|name| known::is_fixed(name)).collect();
    if !fixed.is_empty() {
        return Err(refused(&fixed));
    }
    for (name, value) in set {
        out.insert(checked_name("set", name)?.into(), checked_value(name, value)?.into());
    }
    for name in unset {
        if out.insert(checked_name("unset", name)?.into(), Value::Null).is_some() {
            return Err(Problem::argument("unset", format!("`{name}` is in `set` too"), "Say one of the two."));
        }
    }
    if out.is_empty() {
        return Err(Problem::argument("set", "no parameter is named", "Name some in `set` or `unset`."));
    }
    Ok(out)
}

fn checked_name<'a>(parameter: &str, name: &'a str) -> Result<&'a str, Problem> {
    let fits = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '.';
    if !name.is_empty() && name.len() <= 128 && name.chars().all(fits) {
        return Ok(name);
    }
    Err(Problem::argument(parameter, format!("`{}` is no name of a PostgreSQL parameter", short(name)), "Write e.g. `work_mem`."))
}

/// As postgresql.conf has it. A line break would begin another setting.
fn checked_value(name: &str, value: &Value) -> Result<String, Problem> {
    let text = match value {
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().any(char::is_control) || text.chars().count() > VALUE_MAX {
        let message = format!("the value of `{name}` has control characters or is longer than {VALUE_MAX} characters");
        return Err(Problem::argument("set", message, "Write it on one line."));
    }
    Ok(text)
}

fn refused(fixed: &[&String]) -> Problem {
    let cause = |name: &&String| {
        let words = known::instead(name).map_or_else(|| "has no field of its own".into(), |field| format!("set {field} instead"));
        Cause {
            parameter: Some("set".into()),
            field: format!("spec.postgresql.parameters.{name}"),
            message: format!("`{name}` is managed by CloudNativePG itself: {words}"),
        }
    };
    let names: Vec<String> = fixed.iter().map(|one| format!("`{one}`")).collect();
    Problem {
        code: 400,
        reason: "FixedParameter".into(),
        message: format!("CloudNativePG keeps {} to itself; nothing was changed", names.join(", ")).into(),
        causes: fixed.iter().map(cause).collect(),
        hint: "Leave them out. CloudNativePG's documentation lists them under \"Fixed parameters\".".into(),
        ..Problem::default()
    }
    .next(&["get_parameters"])
}

/// Those that differ from what the spec has.
fn differing(cluster: Cluster<'_>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let has = |name: &str| cluster.0.pointer("/spec/postgresql/parameters").and_then(|all| all.get(name)).unwrap_or(&Value::Null);
    wanted.iter().filter(|(name, value)| has(name) != *value).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn restarting(differing: &Map<String, Value>) -> Vec<&str> {
    differing.keys().map(String::as_str).filter(|name| known::needs_restart(name)).collect()
}

fn notes(cluster: Cluster<'_>, differing: &Map<String, Value>) -> Vec<String> {
    let restart = restarting(differing);
    if restart.is_empty() {
        return vec!["they take effect by a reload, without a restart".into()];
    }
    let mut out = vec![format!(
        "{} take effect by a restart: the operator restarts instance by instance, the primary last",
        restart.join(", ")
    )];
    if text(cluster.0, "/spec/primaryUpdateStrategy") == Some("supervised") {
        out.push("`primaryUpdateStrategy` is `supervised`: for the primary the operator waits for `promote_cluster_instance` or `restart_instance`".into());
    }
    let before = |name: &str| cluster.0.pointer("/spec/postgresql/parameters").and_then(|all| text(all, &format!("/{name}")));
    let number = |text: Option<&str>| text.and_then(|one| one.parse::<i64>().ok());
    for name in known::HOT_STANDBY {
        let after = differing.get(name).and_then(Value::as_str);
        if let (Some(before), Some(after)) = (number(before(name)), number(after))
            && after < before
        {
            out.push(format!("{name} decreases: the primary restarts first, since no standby may have less than it"));
        }
    }
    out
}
