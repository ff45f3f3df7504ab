//! scale_postgres_cluster: changes `spec.instances` by a merge patch that carries the resourceVersion it was decided on, so that the
//! webhook sees it (the scale subresource bypasses it) and nobody's change is overwritten.

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, warnings};
use crate::call::{Call, Written};
use crate::catalogue::{Entry, Hints, read};
use crate::cluster::Cluster;
use crate::diff;
use crate::gitops;
use crate::json::{integer, list, merged, text};
use crate::kind::{CLUSTERS, FAILOVER_QUORUMS};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, TIMEOUT, Takes, WAIT};
use crate::phase::Health;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{count, short};
use crate::waiting;

/// How often the decision is made anew after somebody else changed the cluster in between.
const ATTEMPTS: usize = 3;

pub(crate) const TOOL: Entry = Entry {
    name: "scale_postgres_cluster",
    title: "Scale a PostgreSQL cluster",
    description: "Scale a PostgreSQL cluster by changing its number of instances (one primary, the others replicas). Scaling down removes replicas with their volumes, never the primary. Asking for the number it has changes nothing.",
    parameters: &[
        NAME,
        Parameter::required("instances", Takes::Integer(1, 1000), "Instances that the cluster shall have, the primary included."),
        NAMESPACE,
        DRY_RUN,
        WAIT,
        TIMEOUT,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"changed": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"previous_instances": {"type": "integer"}, "instances": {"type": "integer"},
"changes": {"type": "array", "items": {"type": "object"}},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["name", "namespace", "changed", "dry_run", "previous_instances", "instances", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: true,
    rules: &[Rule::on(CLUSTERS, &["get", "patch", "watch"]), Rule::on(FAILOVER_QUORUMS, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    instances: i64,
    namespace: Option<String>,
    dry_run: Option<bool>,
    wait: Option<bool>,
    timeout: Option<i64>,
}

/// A patch that went through, with what it was decided on.
struct Scaled {
    before: Value,
    after: Written,
    notes: Vec<String>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let target = CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let dry_run = input.dry_run.unwrap_or(false);
    let Some(scaled) = scale(call, &target, input.instances, dry_run)? else {
        return Ok(unchanged(&input, &target).into());
    };
    let waited = (!dry_run && input.wait.unwrap_or(false)).then(|| {
        let seconds = waiting::seconds(input.timeout, input.instances);
        waiting::until_settled(call, &target, scaled.after.object.clone(), input.instances, seconds)
    });
    let mut answer = describe(&scaled, input.instances, dry_run);
    if let Some(waited) = waited {
        answer.text.push_str(&format!("\n{}\n", waited.words()?));
        if let Some(map) = answer.structured.as_object_mut() {
            map.insert("wait".into(), waited.structured());
        }
    }
    Ok(answer.into())
}

/// Reads, decides, patches; again when the cluster changed in between. None: it has that many already.
fn scale(call: &Call<'_>, target: &Target, wanted: i64, dry_run: bool) -> Result<Option<Scaled>, Problem> {
    for attempt in 1.. {
        let before = call.get(target)?;
        let cluster = Cluster(&before);
        if cluster.instances() == wanted {
            return Ok(None);
        }
        let mut notes = guard(call, cluster, wanted)?;
        notes.extend(quorum(call, cluster, wanted)?);
        let patch = json!({"metadata": {"resourceVersion": cluster.resource_version()}, "spec": {"instances": wanted}});
        notes.extend(gitops::guard(call, &before, &merged(&before, &patch))?);
        match call.merge(target, &patch, dry_run) {
            Err(problem) if problem.code == 409 && attempt < ATTEMPTS => {}
            Err(problem) => return Err(problem),
            Ok(after) => return Ok(Some(Scaled { before, after, notes })),
        }
    }
    Ok(None)
}

/// What forbids the change, or else what to tell about it.
fn guard(call: &Call<'_>, cluster: Cluster<'_>, wanted: i64) -> Result<Vec<String>, Problem> {
    let most = call.settings.max_instances;
    if wanted > most {
        return Err(Problem::argument(
            "instances",
            format!("{wanted} is more than the {most} that this server allows"),
            "The host's operator can raise `maxInstances` in this plugin's settings.",
        ));
    }
    if cluster.is_being_deleted() {
        return Err(Problem::refused(
            "BeingDeleted",
            format!("cluster `{}` is being deleted", cluster.name()),
            "It cannot be scaled any more.",
        ));
    }
    let down = wanted < cluster.instances();
    if let Some(number) = cluster.synchronous().filter(|number| down && *number >= wanted) {
        return Err(too_few_for_sync(cluster, number, wanted));
    }
    let mut notes = Vec::new();
    if down {
        notes.push(format!(
            "{} with {} removed; the primary ({}) stays",
            count(cluster.instances() - wanted, "replica"),
            if cluster.instances() - wanted == 1 { "its volume is" } else { "their volumes are" },
            short(cluster.primary().unwrap_or("none yet"))
        ));
    }
    if wanted == 1 {
        notes.push("one instance alone has no replica to fail over to".into());
    } else if wanted == 2 && cluster.synchronous().is_some() {
        notes.push(
            "with one replica and synchronous replication, losing the replica stops writes unless dataDurability is `preferred`"
                .into(),
        );
    }
    if cluster.is_hibernated() {
        notes.push("the cluster is hibernated: the change takes effect when it is resumed".into());
    }
    Ok(notes)
}

/// With a failover quorum (CloudNativePG 1.27) the operator promotes nobody unless enough of the standbys that may have confirmed a
/// commit answer: reachable + confirming > all. Taking standbys away breaks that until the operator has written the quorum anew, so
/// it is not done while the cluster may be about to fail over.
fn quorum(call: &Call<'_>, cluster: Cluster<'_>, wanted: i64) -> Result<Option<String>, Problem> {
    if wanted >= cluster.instances() {
        return Ok(None);
    }
    let found = match call.get(&FAILOVER_QUORUMS.within(cluster.namespace()).named(cluster.name())) {
        Ok(found) => found,
        // Not in use, or a CloudNativePG without it.
        Err(problem) if problem.code == 404 => return Ok(None),
        Err(problem) => return Ok(Some(format!("whether a failover quorum is in use is not known ({})", problem.reason))),
    };
    let all = i64::try_from(list(&found, "/status/standbyNames").len()).unwrap_or(i64::MAX);
    let confirming = integer(&found, "/status/standbyNumber").unwrap_or(0);
    if all == 0 || wanted - 1 + confirming > all {
        return Ok(None);
    }
    if cluster.health() == Health::Healthy {
        return Ok(Some(format!(
            "a failover quorum is in use ({confirming} of {all} standbys): until the operator has written it anew, nobody would be promoted if the primary failed"
        )));
    }
    let message = format!(
        "cluster `{}` is not healthy, and with {} left its failover quorum ({confirming} of {all}) would promote nobody",
        cluster.name(),
        count(wanted - 1, "standby")
    );
    let hint = "Nothing was changed. Wait until the cluster is healthy, then scale it down.";
    Err(Problem { retryable: true, ..Problem::refused("FailoverQuorum", message, hint) }.next(&["get_cluster_status"]))
}

fn too_few_for_sync(cluster: Cluster<'_>, number: i64, wanted: i64) -> Problem {
    let field = if integer(cluster.0, "/spec/postgresql/synchronous/number").is_some() {
        "spec.postgresql.synchronous.number"
    } else {
        "spec.maxSyncReplicas"
    };
    let durability = text(cluster.0, "/spec/postgresql/synchronous/dataDurability").unwrap_or("required");
    Problem::refused(
        "SynchronousReplication",
        format!(
            "{field} is {number} (dataDurability {durability}): with {} writes would wait for standbys that do not exist",
            count(wanted, "instance")
        ),
        format!("Keep at least {} instances, or lower {field} first.", number + 1),
    )
    .next(&["get_cluster_status"])
}

fn unchanged(input: &Input, target: &Target) -> Answer {
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let have = count(input.instances, "instance");
    Answer::new(
        format!("Cluster `{namespace}/{}` has {have} already: nothing was changed.\n", input.name),
        json!({
            "name": input.name, "namespace": namespace, "changed": false, "dry_run": input.dry_run.unwrap_or(false),
            "previous_instances": input.instances, "instances": input.instances, "changes": [], "notes": [], "warnings": [], "wait": null,
        }),
    )
}

fn describe(scaled: &Scaled, wanted: i64, dry_run: bool) -> Answer {
    let cluster = Cluster(&scaled.before);
    let (name, namespace, had) = (cluster.name(), cluster.namespace(), cluster.instances());
    let changes = diff::changes(&scaled.before, &scaled.after.object);
    let mut text = if dry_run {
        format!(
            "**Dry run**: cluster `{namespace}/{name}` would be scaled from {had} to {wanted} instances; nothing was changed.\n\n{}",
            diff::markdown(&changes)
        )
    } else {
        format!("Scaling cluster `{namespace}/{name}` from {had} to {}.\n", count(wanted, "instance"))
    };
    for note in &scaled.notes {
        text.push_str(&format!("- {note}\n"));
    }
    text.push_str(&warnings(&scaled.after.warnings));
    text.push_str(if dry_run {
        "\nNext: the same call with `dry_run: false`.\n"
    } else {
        "\nNext: follow it with `get_cluster_status`.\n"
    });
    let structured = json!({
        "name": name, "namespace": namespace, "changed": !dry_run, "dry_run": dry_run, "previous_instances": had,
        "instances": wanted, "changes": diff::structured(&changes), "notes": scaled.notes, "warnings": scaled.after.warnings, "wait": null,
    });
    Answer::new(text, structured)
}
