//! scale_postgres_cluster: changes `spec.instances` by a merge patch that carries the resourceVersion it was decided on, so that the
//! webhook sees it (the scale subresource bypasses it) and nobody's change is overwritten.

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Outcome};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, Wanted, Words};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{integer, json, list, text};
use crate::kind::{CLUSTERS, FAILOVER_QUORUMS};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, TIMEOUT, Takes, WAIT};
use crate::phase::Health;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{count, short};
use crate::waiting;

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

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &Value| decide(call, Cluster(object), input.instances);
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(unchanged(&input, &change.target).into()) };
    let done = change.make(seen)?;
    let waited = (!change.dry_run && input.wait.unwrap_or(false)).then(|| {
        let seconds = waiting::seconds(input.timeout, input.instances);
        waiting::until_settled(call, &change.target, done.object().clone(), input.instances, seconds)
    });
    let mut answer = done.answer(&words(Cluster(done.before()).instances(), input.instances));
    if let Some(waited) = waited {
        answer.text.push_str(&format!("\n{}\n", waited.words()?));
        if let Some(map) = answer.structured.as_object_mut() {
            map.insert("wait".into(), waited.structured());
        }
    }
    Ok(answer.into())
}

/// `None`: it has that many already.
fn decide(call: &Call<'_>, cluster: Cluster<'_>, wanted: i64) -> Result<Option<Wanted>, Problem> {
    if cluster.instances() == wanted {
        return Ok(None);
    }
    guard::is_looked_after(cluster)?;
    let mut notes = allowed(call, cluster, wanted)?;
    notes.extend(quorum(call, cluster, wanted)?);
    Ok(Some(Wanted::merge(json!({"spec": {"instances": wanted}}), notes)))
}

fn words(had: i64, wanted: i64) -> Words {
    let instances = count(wanted, "instance");
    Words {
        would: format!("would be scaled from {had} to {instances}"),
        did: if had == wanted { format!("has {instances}") } else { format!("is being scaled from {had} to {instances}") },
        next: "follow it with `get_cluster_status`",
        extra: json!({"previous_instances": had, "instances": wanted, "wait": null}),
    }
}

/// What forbids the change, or else what to tell about it.
fn allowed(call: &Call<'_>, cluster: Cluster<'_>, wanted: i64) -> Result<Vec<String>, Problem> {
    let most = call.settings.max_instances;
    if wanted > most {
        return Err(Problem::argument(
            "instances",
            format!("{wanted} is more than the {most} that this server allows"),
            "The host's operator can raise `maxInstances` in this plugin's settings.",
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
