//! delete_postgres_cluster: only after the human agreed or the caller repeated the name, only the very object that was looked at, and
//! saying truly what goes with it. Deletes no Secret: the operator's own are garbage-collected, those of people stay.

mod consent;
mod impact;

use serde::Deserialize;

use self::impact::Impact;
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::backup_first::First;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::consent::{Consent, obtain};
use crate::deleting;
use crate::json::json;
use crate::kind::{
    BACKUPS, CLUSTERS, DATABASE_ROLES, DATABASES, POOLERS, PUBLICATIONS, SCHEDULED_BACKUPS, SUBSCRIPTIONS, VOLUME_CLAIMS,
};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

/// The backup before it.
const BACKUP: First = First { parameter: "final_backup", word: "final", undone: "nothing was deleted", verb: "delete" };

pub(crate) const TOOL: Entry = Entry {
    name: "delete_postgres_cluster",
    title: "Delete a PostgreSQL cluster",
    description: "Delete a PostgreSQL cluster and, with it, the volumes that hold its data. Asks the human when the client can; otherwise needs `confirm_deletion: true` and the name once more in `confirm_name`. `dry_run: true` shows what would go and what would stay.",
    parameters: &[
        NAME,
        Parameter::optional(
            "confirm_deletion",
            Takes::Flag,
            "null",
            "Must not be false for a deletion, and needs `confirm_name` beside it when the client cannot ask the human.",
        ),
        Parameter::optional("confirm_name", Takes::Text(""), "null", "The cluster's name once more."),
        NAMESPACE,
        DRY_RUN,
        Parameter::optional(
            "cascade",
            Takes::Choices(&impact::CASCADE),
            "null",
            "Delete these resources of the cluster too. Left out: they stay, and a later cluster of the same name would take them over.",
        ),
        Parameter::optional(
            "final_backup",
            Takes::Flag,
            "false",
            "Take a backup first, the way the cluster is set up for; nothing is deleted unless it completes while this call may run.",
        ),
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"deleted": {"type": "boolean", "description": "Whether Kubernetes accepted the deletion; it goes on in the background"},
"dry_run": {"type": "boolean"},
"confirmed_by": {"enum": ["human", "confirm_name", null]},
"volumes": {"type": "object", "description": "garbage_collected: go with the cluster, data included; kept: stay"},
"dependents": {"type": "array", "items": {"type": "object", "properties": {
  "kind": {"type": "string"}, "name": {"type": "string"},
  "fate": {"enum": ["kept", "garbage_collected", "chosen", "deleted", "failed"], "description": "chosen: `cascade` would delete it"},
  "message": {"type": ["string", "null"]}}}},
"dependents_count": {"type": "integer", "description": "All of them; the list shows the first 100"},
"not_examined": {"type": "array", "items": {"type": "string"}},
"last_good_backup": {"type": ["string", "null"]},
"final_backup": {"type": ["string", "null"], "description": "Name of the Backup that was taken first"},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["name", "namespace", "deleted", "dry_run", "volumes", "dependents", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get", "delete"]),
        Rule::on(VOLUME_CLAIMS, &["list"]),
        Rule::on(BACKUPS, &["get", "list", "create", "watch"]),
        Rule::on(SCHEDULED_BACKUPS, &["get", "list", "delete"]),
        Rule::on(POOLERS, &["get", "list", "delete"]),
        Rule::on(DATABASES, &["get", "list", "delete"]),
        Rule::on(DATABASE_ROLES, &["get", "list", "delete"]),
        Rule::on(PUBLICATIONS, &["get", "list", "delete"]),
        Rule::on(SUBSCRIPTIONS, &["get", "list", "delete"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    confirm_deletion: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
    cascade: Option<Vec<String>>,
    final_backup: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let target = CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let object = call.get(&target)?;
    let cluster = Cluster(&object);
    if cluster.is_being_deleted() {
        return Err(Problem::refused(
            "BeingDeleted",
            format!("cluster `{}` is being deleted already", input.name),
            "Nothing is left to do but wait.",
        )
        .next(&["list_postgres_clusters"]));
    }
    let note = deleting::gitops(call, &object)?;
    if input.final_backup.unwrap_or(false) {
        // Said before the human is asked.
        BACKUP.outlives(cluster)?;
    }
    let mut impact = impact::read(call, cluster, input.cascade.as_deref().unwrap_or_default());
    impact.notes.extend(note);
    if input.dry_run.unwrap_or(false) {
        let texts = deleting::delete(call, &target, &object, true)?;
        impact.delete_chosen(call, cluster.namespace(), true);
        return Ok(describe(cluster, &impact, &texts, None).into());
    }
    let by = match obtain(call, &consent::danger(&input, cluster, &impact))? {
        Consent::Given(by) => by,
        Consent::Ask(question) => return Ok(Outcome::Ask(question)),
    };
    if input.final_backup.unwrap_or(false) {
        impact.final_backup = Some(BACKUP.take(call, cluster)?);
    }
    let texts = deleting::delete(call, &target, &object, false).map_err(|problem| problem.next(&["get_cluster_status"]))?;
    call.host.log(&format!("deleted cluster {}/{} (confirmed by {by})", cluster.namespace(), cluster.name()));
    impact.delete_chosen(call, cluster.namespace(), false);
    Ok(describe(cluster, &impact, &texts, Some(by)).into())
}

fn describe(cluster: Cluster<'_>, impact: &Impact, texts: &[String], by: Option<&'static str>) -> Answer {
    let (namespace, name) = (cluster.namespace(), cluster.name());
    let mut text = match by {
        None => format!(
            "**Dry run**: the API server would delete cluster `{namespace}/{name}`; nothing was deleted.\n\n{}",
            impact.markdown(true)
        ),
        Some(_) => format!(
            "Kubernetes accepted the deletion of cluster `{namespace}/{name}` and carries it out in the background.\n\n{}",
            impact.markdown(false)
        ),
    };
    text.push_str(&warnings(texts));
    text.push_str(match by {
        None => "\nNext: the same call with `dry_run: false`, `confirm_deletion: true` and `confirm_name`.\n",
        Some(_) => "\nNext: `list_postgres_clusters` shows when it is gone.\n",
    });
    let (dependents, count) = impact.structured();
    let told = |names: &[String]| -> Vec<String> { names.iter().take(impact::TOLD).cloned().collect() };
    let structured = json!({
        "name": name, "namespace": namespace, "deleted": by.is_some(), "dry_run": by.is_none(), "confirmed_by": by,
        "volumes": {"garbage_collected": told(&impact.volumes_gone), "kept": told(&impact.volumes_kept)}, "dependents": dependents,
        "dependents_count": count,
        "not_examined": impact.not_examined, "last_good_backup": impact.last_good_backup, "final_backup": impact.final_backup,
        "notes": impact.notes, "warnings": texts,
    });
    Answer::new(text, structured)
}
