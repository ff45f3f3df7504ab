//! restart_instance: the primary in place (a phase in the status, as `kubectl cnpg restart` does it), a replica by deleting its pod,
//! which the operator makes anew on the same volume.

use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::deleting;
use crate::guard;
use crate::instance::{self, INSTANCE, Instances};
use crate::json::json;
use crate::kind::{CLUSTERS, PODS};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE};
use crate::phase_change;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::status::instances::role;
use crate::text::count;

const IN_PLACE: &str = "Primary instance is being restarted in-place";

pub(crate) const TOOL: Entry = Entry {
    name: "restart_instance",
    title: "Restart one instance",
    description: "Restart one instance of a PostgreSQL cluster. The primary is restarted in place, without a switchover: nobody can write meanwhile. A replica's pod is deleted and made anew on the same volume.",
    parameters: &[NAME, INSTANCE, NAMESPACE, DRY_RUN],
    shape: Shape {
        properties: shape_of_change!(r#", "instance": {"type": "string"}, "role": {"enum": ["primary", "replica"]}"#),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[
        Rule::on(CLUSTERS, &["get"]),
        Rule { kind: CLUSTERS, subresource: "status", verbs: &["patch"] },
        Rule::on(PODS, &["get", "list", "delete"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    instance: String,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = call.get(&CLUSTERS.within(call.namespace(input.namespace.as_deref())).named(&input.name))?;
    let cluster = Cluster(&object);
    guard::is_awake(cluster)?;
    guard::is_not_moving(cluster)?;
    let name = instance::meant(cluster, &input.instance);
    let instances = Instances::read(call, cluster)?;
    let pod = instances.named(cluster, &name)?;
    if instance::is_fenced(cluster, &name) {
        let message = format!("`{name}` is fenced: PostgreSQL would not start there");
        return Err(Problem::refused("Fenced", message, "Unfence it first.").next(&["unfence_instances"]));
    }
    if cluster.primary() == Some(&name) { primary(call, &input, &name) } else { replica(call, &input, cluster, &instances, pod) }
}

fn primary(call: &Call<'_>, input: &Input, name: &str) -> Result<Outcome, Problem> {
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_awake(cluster)?;
        guard::is_not_moving(cluster)?;
        if cluster.primary() != Some(name) {
            let message = format!("`{name}` is not the primary any more; nothing was changed");
            return Err(Problem::refused("PrimaryMoved", message, "Look again.").next(&["get_cluster_status"]));
        }
        let status = phase_change::fields(cluster, IN_PLACE, "Requested by the user", call.host.now());
        let notes = vec!["nobody can connect to the primary until it is back; there is no switchover".into()];
        Ok((cluster.phase() != Some(IN_PLACE)).then(|| Wanted::merge(json!({"status": status}), notes)))
    };
    let change = Change {
        subresource: "status",
        ..Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide)
    };
    let words = |_: &Value| Words {
        would: format!("would have its primary {name} restarted in place"),
        did: format!("has its primary {name} restarted in place"),
        next: "follow it with `get_cluster_status`",
        extra: json!({"instance": name, "role": "primary"}),
    };
    change.run(words, "has its primary being restarted").map(Into::into)
}

fn replica(call: &Call<'_>, input: &Input, cluster: Cluster<'_>, instances: &Instances, pod: &Value) -> Result<Outcome, Problem> {
    let (name, dry_run) = (instance::name(pod), input.dry_run.unwrap_or(false));
    let left = instances.healthy(cluster, &[name, cluster.primary().unwrap_or_default()]);
    let mut notes = vec!["its volume stays".to_owned()];
    if left.is_empty() {
        notes.push("until it is back there is no other healthy replica to fail over to".into());
    }
    let short_of = cluster.synchronous().filter(|number| usize::try_from(*number).is_ok_and(|number| left.len() < number));
    if let Some(number) = short_of {
        notes.push(format!("synchronous replication wants {}: writes may wait until it is back", count(number, "standby")));
    }
    let still = |now: &Value| {
        let object = call.get(&CLUSTERS.within(cluster.namespace()).named(cluster.name()))?;
        is_replica(cluster.uid(), Cluster(&object), now)
    };
    is_replica(cluster.uid(), cluster, pod)?;
    let texts = deleting::delete_part(call, &PODS.within(cluster.namespace()).named(name), pod, dry_run, &still)?;
    let (verb, next) = if dry_run {
        ("**Dry run**: the API server would delete the pod of", "the same call with `dry_run: false`")
    } else {
        ("Restarting replica: deleted the pod of", "`get_cluster_status` with the section `instances`")
    };
    let mut text = format!("{verb} `{name}`; the operator makes it anew.\n");
    notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
    text.push_str(&warnings(&texts));
    text.push_str(&format!("\nNext: {next}.\n"));
    let structured = json!({
        "name": cluster.name(), "namespace": cluster.namespace(), "changed": !dry_run, "dry_run": dry_run, "changes": [], "notes": notes,
        "warnings": texts, "instance": name, "role": "replica",
    });
    Ok(Answer::new(text, structured).into())
}

/// Refuses a pod that a failover has made the primary meanwhile, as the cluster or the pod's own label tells: deleting it would be
/// another failover.
fn is_replica(uid: &str, cluster: Cluster<'_>, pod: &Value) -> Result<(), Problem> {
    let name = instance::name(pod);
    if cluster.uid() != uid {
        let message = format!("cluster `{}` was deleted and made anew; nothing was restarted", cluster.name());
        return Err(Problem::refused("Replaced", message, "Look at the new one first.").next(&["get_cluster_status"]));
    }
    if [cluster.primary(), cluster.target_primary()].contains(&Some(name)) || role(pod) == "primary" {
        let message = format!("`{name}` became the primary while this call was deciding; it was not restarted");
        let problem = Problem::refused("PrimaryMoved", message, "Look again before repeating the call.");
        return Err(problem.next(&["get_cluster_status"]));
    }
    guard::is_awake(cluster)?;
    guard::is_not_moving(cluster)
}
