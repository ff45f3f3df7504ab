//! promote_cluster_instance: a switchover, asked for as `kubectl cnpg promote` does it (a merge patch of the status), with the
//! resourceVersion it was decided on, so that nobody's failover is overwritten, and only after the readiness rules.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, obtain};
use crate::instance::{self, INSTANCE, Instances};
use crate::json::json;
use crate::kind::{CLUSTERS, LEASES, PODS};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::phase_change;
use crate::problem::Problem;
use crate::profile::Level;
use crate::readiness::{Facts, LAG_MAX, Weight, kind, weighing};
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;

pub(crate) const TOOL: Entry = Entry {
    name: "promote_cluster_instance",
    title: "Promote an instance to primary",
    description: "Promote a replica of a PostgreSQL cluster to primary by a controlled switchover: the primary shuts down, the replica takes over, the old primary follows it. Refused where `switchover_readiness` says no-go, unless `force: true`; then the human is asked, or the instance's name is needed once more in `confirm_name`.",
    parameters: &[
        NAME,
        INSTANCE,
        Parameter::optional(
            "force",
            Takes::Flag,
            "false",
            "Promote in spite of risks such as lag or an unhealthy phase; data may be lost. Never overrides a failover in progress, fencing or hibernation.",
        ),
        Parameter::optional(
            "confirm_name",
            Takes::Text(""),
            "null",
            "The instance's name once more; needed only with `force` against risks when the client cannot ask the human.",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "instance": {"type": "string"}, "previous_primary": {"type": ["string", "null"]},
"overridden": {"type": "array", "items": {"type": "string"}, "description": "Risks that `force` overrode"},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["get"]),
        Rule { kind: CLUSTERS, subresource: "status", verbs: &["patch"] },
        Rule::on(PODS, &["list"]),
        Rule { kind: PODS, subresource: "proxy", verbs: &["get"] },
        Rule::on(LEASES, &["get"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    instance: String,
    force: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let risks = RefCell::new(Vec::new());
    // Kinds of risk that were agreed to; `None`: not decided yet.
    let agreed = RefCell::new(None::<Vec<String>>);
    let decide = |object: &Value| {
        let (wanted, found) = decide(call, &input, Cluster(object))?;
        if let Some(agreed) = agreed.borrow().as_ref() {
            let new: Vec<String> = found.iter().filter(|one| !agreed.contains(&kind(one))).cloned().collect();
            if !new.is_empty() {
                return Err(refused(&input.instance, &new, "This arose while the call was deciding. Look again."));
            }
        }
        *risks.borrow_mut() = found;
        Ok(wanted)
    };
    let change = Change {
        subresource: "status",
        ..Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide)
    };
    let Some(seen) = change.look()? else {
        return Ok(change
            .same(&format!("has {} as its primary already", input.instance), &json!({"instance": input.instance}))
            .into());
    };
    let cluster = Cluster(&seen.object);
    let instance = instance::meant(cluster, &input.instance);
    let mut by = None;
    let overridden = risks.borrow().clone();
    if !change.dry_run && !overridden.is_empty() {
        let identity = identity(cluster, &overridden);
        match obtain(call, &danger(&input, cluster, &instance, &identity, &overridden))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    *agreed.borrow_mut() = (!change.dry_run).then(|| overridden.iter().map(|one| kind(one)).collect());
    let previous = cluster.primary().map(short);
    let words = Words {
        would: format!("would switch over from {} to {instance}", previous.as_deref().unwrap_or("none")),
        did: format!("is switching over from {} to {instance}", previous.as_deref().unwrap_or("none")),
        next: "follow it with `get_cluster_status`",
        extra: json!({"instance": instance, "previous_primary": previous, "overridden": overridden, "confirmed_by": by}),
    };
    let done = change.make(seen)?;
    if !change.dry_run {
        call.host.log(&format!(
            "promotion of {instance} in cluster {} requested (force: {})",
            input.name,
            !overridden.is_empty()
        ));
    }
    Ok(done.answer(&words).into())
}

/// What to write, and the risks that `force` overrides with it.
fn decide(call: &Call<'_>, input: &Input, cluster: Cluster<'_>) -> Result<(Option<Wanted>, Vec<String>), Problem> {
    let name = instance::meant(cluster, &input.instance);
    if cluster.target_primary() == Some(&name) {
        return Ok((None, Vec::new()));
    }
    let instances = Instances::read(call, cluster)?;
    instances.named(cluster, &name)?;
    let found = Facts::gather(call, cluster, &instances, &[&name], LAG_MAX).assess(&[&name]);
    let all: Vec<_> = found.whole.into_iter().chain(found.candidates.into_iter().flat_map(|one| one.findings)).collect();
    let (blockers, risks) = (weighing(&all, Weight::Forbids), weighing(&all, Weight::Risks));
    if !blockers.is_empty() {
        return Err(refused(&name, &blockers, "Not even `force` overrides this."));
    }
    if !risks.is_empty() && input.force != Some(true) {
        let hint = "Wait until it is ready. If the human accepts that risk: the same call with `force: true`.";
        return Err(refused(&name, &risks, hint));
    }
    let mut notes: Vec<String> = risks.iter().map(|one| format!("in spite of: {one}")).collect();
    notes.extend(weighing(&all, Weight::Notes));
    Ok((Some(Wanted::merge(patch(cluster, &name, call.host.now()), notes)), risks))
}

/// Exactly the fields that `kubectl cnpg promote` sets.
fn patch(cluster: Cluster<'_>, name: &str, now: i64) -> Value {
    let mut status = phase_change::fields(cluster, "Switchover in progress", &format!("Switching over to {name}"), now);
    status.insert("targetPrimary".into(), name.into());
    // RFC3339Micro.
    status.insert("targetPrimaryTimestamp".into(), time::rfc3339(now).replace('Z', ".000000Z").into());
    json!({"status": status})
}

fn refused(name: &str, reasons: &[String], hint: &str) -> Problem {
    let message = format!("`{name}` was not promoted: {}", reasons.join("; "));
    Problem { retryable: true, ..Problem::refused("NotReady", message, hint) }
        .next(&["switchover_readiness", "get_cluster_status"])
}

/// What the human agrees to: these kinds of risk, of this cluster with this primary. Another kind is another question.
fn identity(cluster: Cluster<'_>, risks: &[String]) -> String {
    let kinds: Vec<String> = risks.iter().map(|one| kind(one)).collect();
    format!("{} {}: {}", cluster.uid(), cluster.primary().unwrap_or_default(), kinds.join("; "))
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, instance: &'a str, identity: &'a str, risks: &[String]) -> Danger<'a> {
    Danger {
        tool: "promote_cluster_instance",
        noun: "instance",
        name: instance,
        identity,
        question: format!("Promote {instance} of cluster {}/{} in spite of these risks?", cluster.namespace(), cluster.name()),
        impact: format!("- {}\n", risks.join("\n- ")),
        undone: "was not promoted",
        flag: Some(("force", input.force)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
