//! set_resources: CPU and memory of each instance. Pods take others only when they are made anew, so that this is a rolling restart.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{json, merged, text};
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::quantity;
use crate::rolling;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

/// Quantities by resource; null takes one out.
const QUANTITIES: Takes = Takes::Json(
    r#"{"type": "object", "minProperties": 1, "maxProperties": 20, "propertyNames": {"pattern": "^[a-z0-9]([-a-zA-Z0-9./]{0,126}[a-zA-Z0-9])?$"},
"additionalProperties": {"type": ["string", "integer", "null"], "maxLength": 40}}"#,
);

pub(crate) const TOOL: Entry = Entry {
    name: "set_resources",
    title: "Set CPU and memory",
    description: "Set what CPU, memory and huge pages each instance of a cluster requests and may use. What is left out stays as it is. The instances are restarted one after the other, the primary last.",
    parameters: &[
        NAME,
        Parameter::optional(
            "requests",
            QUANTITIES,
            "null",
            "What the scheduler sets aside for each instance, e.g. `{\"cpu\": \"1\", \"memory\": \"2Gi\"}`; null takes one out.",
        ),
        Parameter::optional(
            "limits",
            QUANTITIES,
            "null",
            "What each instance may use at most, e.g. `{\"memory\": \"2Gi\"}`; null takes one out. Above its memory limit PostgreSQL is killed.",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "resources": {"type": "object", "description": "All of them, as they are (or would be)"}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

type Quantities = BTreeMap<String, Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    requests: Option<Quantities>,
    limits: Option<Quantities>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let patch = json!({"spec": {"resources": asked(&input)?}});
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let after = merged(object, &patch);
        compare(&after)?;
        Ok((after != *object).then(|| Wanted::merge(patch.clone(), notes(cluster, &after))))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("has these resources already", &json!({})).into()) };
    let parameter = if input.requests.is_some() { "requests" } else { "limits" };
    // The webhook compares PostgreSQL's shared_buffers with the memory request.
    let done = change.make(seen).map_err(|problem| problem.renamed(&[("resources", parameter), ("parameters", parameter)]))?;
    let resources = done.object().pointer("/spec/resources").cloned().unwrap_or_else(|| json!({}));
    let words = Words {
        would: "would be restarted, instance by instance, with other resources".into(),
        did: "is being restarted, instance by instance, with other resources".into(),
        next: "follow it with `get_cluster_status`",
        extra: json!({"resources": resources}),
    };
    Ok(done.answer(&words).into())
}

/// As the spec has them; null removes.
fn asked(input: &Input) -> Result<Value, Problem> {
    let mut out = Map::new();
    for (part, quantities) in [("requests", &input.requests), ("limits", &input.limits)] {
        let Some(quantities) = quantities else { continue };
        let mut texts = Map::new();
        for (name, value) in quantities {
            let text = value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|one| one.to_string()));
            if let Some(bad) = text.as_deref().filter(|one| !quantity::is_positive(one)) {
                let message = format!("`{}` is no quantity of {name}", short(bad));
                return Err(Problem::argument(part, message, "Write e.g. `500m` or `2` for cpu, `2Gi` for memory."));
            }
            texts.insert(name.clone(), text.into());
        }
        out.insert(part.into(), texts.into());
    }
    if out.is_empty() {
        return Err(Problem::argument("requests", "nothing to change was given", "Name `requests` or `limits`."));
    }
    Ok(Value::Object(out))
}

/// Nothing can request more than it may use.
fn compare(object: &Value) -> Result<(), Problem> {
    let all = |part: &str| object.pointer(&format!("/spec/resources/{part}")).and_then(Value::as_object);
    for (name, request) in all("requests").into_iter().flatten() {
        let limit = all("limits").and_then(|limits| limits.get(name)).map(amount);
        if let (Some(request), Some(limit)) = (amount(request), limit.flatten())
            && request > limit
        {
            let message = format!("more {name} would be requested than the limit allows");
            return Err(Problem::argument("requests", message, "Raise the limit in the same call, or request less."));
        }
    }
    Ok(())
}

fn amount(value: &Value) -> Option<f64> {
    value.as_str().map_or_else(|| value.as_f64(), quantity::value)
}

fn notes(cluster: Cluster<'_>, after: &Value) -> Vec<String> {
    let mut out = rolling::notes(cluster);
    let memory = |part: &str| text(after, &format!("/spec/resources/{part}/memory"));
    if memory("requests").is_some() && memory("requests") != memory("limits") {
        out.push("memory request and limit differ: under pressure the node may kill PostgreSQL before others".into());
    }
    let set = "/spec/postgresql/parameters/shared_buffers";
    if let Some(buffers) = text(after, set) {
        out.push(format!("`shared_buffers` stays at {}: PostgreSQL does not use more memory for it by itself", short(buffers)));
    }
    out
}
