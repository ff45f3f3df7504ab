//! delete_cluster_instance: gives up one replica with its volumes, so that CloudNativePG clones it anew. Never the primary, never the
//! last healthy replica, and only what the Cluster owns (by uid), fenced by uid and resourceVersion.

mod carry_out;
mod consent;
mod parts;

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::Value;

use self::carry_out::{Fate, Method};
use self::parts::Parts;
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::shape_of_change;
use crate::cluster::Cluster;
use crate::consent::{Consent, obtain};
use crate::instance::{self, INSTANCE};
use crate::json::json;
use crate::kind::{CLUSTERS, JOBS, PODS, VOLUME_CLAIMS};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

/// How often it is looked at anew when somebody wrote the pod in between.
const ATTEMPTS: usize = 3;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_cluster_instance",
    title: "Delete one instance",
    description: "Delete one replica of a PostgreSQL cluster with its volumes; CloudNativePG then clones it anew from the primary, at the cluster's current storage size. Refuses the primary and the last healthy replica. Asks the human when the client can; otherwise needs `confirm_deletion: true` and the instance's name once more in `confirm_name`.",
    parameters: &[
        NAME,
        INSTANCE,
        Parameter::optional(
            "confirm_deletion",
            Takes::Flag,
            "null",
            "Must not be false for a deletion, and needs `confirm_name` beside it when the client cannot ask the human.",
        ),
        Parameter::optional("confirm_name", Takes::Text(""), "null", "The instance's name once more."),
        Parameter::optional(
            "keep_pvc",
            Takes::Flag,
            "false",
            "Keep its volume claims, detached from the cluster, for looking at the data; they are nobody's then.",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "instance": {"type": "string"}, "deleted": {"type": "boolean"},
"method": {"enum": ["annotation", "delete", "detach"], "description": "annotation: the operator does it (CloudNativePG 1.28 and later)"},
"parts": {"type": "array", "items": {"type": "object", "properties": {
  "kind": {"type": "string"}, "name": {"type": "string"},
  "fate": {"enum": ["deleted", "detached", "kept", "failed"]}, "message": {"type": ["string", "null"]}}}},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: &["name", "namespace", "instance", "deleted", "dry_run", "method", "parts", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Operate,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get"]),
        Rule::on(PODS, &["list", "patch", "delete"]),
        Rule::on(VOLUME_CLAIMS, &["get", "list", "patch", "delete"]),
        Rule::on(JOBS, &["get", "list", "delete"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    instance: String,
    confirm_deletion: Option<bool>,
    confirm_name: Option<String>,
    keep_pvc: Option<bool>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

/// One look at the cluster and at what would go.
struct Look {
    object: Value,
    instance: String,
    parts: Parts,
    notes: Vec<String>,
    method: Method,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let target = CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let mut seen = look(call, &input, &target)?;
    let dry_run = input.dry_run.unwrap_or(false);
    let mut by = None;
    if !dry_run {
        match obtain(call, &consent::danger(&input, &seen))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let identity = seen.parts.identity().to_owned();
    let mut attempt = 1;
    let done = loop {
        match carry_out::all(call, Cluster(&seen.object), &seen.parts, &seen.method, dry_run) {
            Err(problem) if problem.code == 409 && attempt < ATTEMPTS => {
                seen = look(call, &input, &target)?;
                if seen.parts.identity() != identity {
                    return Err(consent::danger(&input, &seen).replaced().next(&["get_cluster_status"]));
                }
                attempt += 1;
            }
            other => break other?,
        }
    };
    if !dry_run {
        let who = by.unwrap_or_default();
        call.host.log(&format!("deleted instance {} of cluster {} (confirmed by {who})", seen.instance, input.name));
    }
    Ok(describe(&seen, &done, dry_run, by).into())
}

fn look(call: &Call<'_>, input: &Input, target: &Target) -> Result<Look, Problem> {
    let object = call.get(target)?;
    let cluster = Cluster(&object);
    let instance = instance::meant(cluster, &input.instance);
    let parts = Parts::read(call, cluster, &instance)?;
    let mut notes = parts.guard(cluster, &instance)?;
    let method = Method::choose(call, &parts, input.keep_pvc == Some(true))?;
    notes.extend(parts.strangers.iter().map(|name| format!("volume claim {name} is not the cluster's own and stays")));
    Ok(Look { object, instance, parts, notes, method })
}

fn describe(seen: &Look, done: &carry_out::Done, dry_run: bool, by: Option<&'static str>) -> Answer {
    let cluster = Cluster(&seen.object);
    let (namespace, instance) = (cluster.namespace(), &seen.instance);
    let mut text = if dry_run {
        format!("**Dry run**: instance `{namespace}/{instance}` would be deleted; nothing was changed.\n\n")
    } else {
        format!("Instance `{namespace}/{instance}` is being deleted.\n\n")
    };
    for (kind, name, fate) in &done.fates {
        let words = fate.words(dry_run);
        text.push_str(&format!("- {kind}/{name}: {words}\n"));
    }
    for note in seen.notes.iter().map(String::as_str).chain([seen.method.afterwards()]) {
        text.push_str(&format!("- {note}\n"));
    }
    text.push_str(&warnings(&done.warnings));
    text.push_str(if dry_run {
        "\nNext: the same call with `dry_run: false`, `confirm_deletion: true` and `confirm_name`.\n"
    } else {
        "\nNext: `get_cluster_resize_status` or `get_cluster_status` until all instances are ready again.\n"
    });
    let parts: Vec<Value> = done
        .fates
        .iter()
        .map(|(kind, name, fate)| json!({"kind": kind, "name": name, "fate": fate.word(), "message": fate.message()}))
        .collect();
    let structured = json!({
        "name": cluster.name(), "namespace": namespace, "instance": instance, "deleted": !dry_run, "changed": !dry_run, "dry_run": dry_run,
        "method": seen.method.word(), "parts": parts, "confirmed_by": by, "changes": [], "notes": seen.notes, "warnings": done.warnings,
    });
    Answer { is_error: done.fates.iter().any(|(.., fate)| matches!(fate, Fate::Failed(_))), ..Answer::new(text, structured) }
}
