//! set_maintenance: opens or closes the node maintenance window of a cluster, as `kubectl cnpg maintenance` does.

use serde::Deserialize;

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::json;
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "set_maintenance",
    title: "Node maintenance of a PostgreSQL cluster",
    description: "Open or close the node maintenance window of a PostgreSQL cluster, for draining Kubernetes nodes. While it is open, the operator relaxes its disruption budgets and either waits for the node of an instance (`reuse_pvc: true`) or clones the instance elsewhere (`false`). Close it when the nodes are back.",
    parameters: &[
        NAME,
        Parameter::required("in_progress", Takes::Flag, "true: open the window. false: close it."),
        Parameter::optional(
            "reuse_pvc",
            Takes::Flag,
            "null",
            "true: wait for the node and keep the volume. false: make a new volume elsewhere. Left out: as it is (CloudNativePG's default is true).",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape { properties: shape_of_change!(""), required: REQUIRED },
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
    in_progress: bool,
    reuse_pvc: Option<bool>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &_| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let (open, reuse) = window(cluster);
        let wanted = input.reuse_pvc.unwrap_or(reuse);
        if open == input.in_progress && wanted == reuse {
            return Ok(None);
        }
        let mut window = json!({"inProgress": input.in_progress});
        if let (Some(reuse), Some(map)) = (input.reuse_pvc, window.as_object_mut()) {
            map.insert("reusePVC".into(), reuse.into());
        }
        let patch = json!({"spec": {"nodeMaintenanceWindow": window}});
        Ok(Some(Wanted::merge(patch, notes(cluster, input.in_progress, wanted))))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let state = if input.in_progress { "open" } else { "closed" };
    let words = |_: &_| Words {
        would: format!("would have its maintenance window {state}"),
        did: format!("has its maintenance window {state}"),
        next: if input.in_progress {
            "drain the node; afterwards `set_maintenance` with `in_progress: false`"
        } else {
            "`get_cluster_status`"
        },
        extra: json!({}),
    };
    change.run(words, &format!("has its maintenance window {state} already")).map(Into::into)
}

/// Whether it is open, and whether volumes are kept (the CRD's default).
fn window(cluster: Cluster<'_>) -> (bool, bool) {
    let flag = |key: &str| cluster.0.pointer(&format!("/spec/nodeMaintenanceWindow/{key}")).and_then(serde_json::Value::as_bool);
    (flag("inProgress").unwrap_or(false), flag("reusePVC").unwrap_or(true))
}

fn notes(cluster: Cluster<'_>, open: bool, reuse: bool) -> Vec<String> {
    let mut out = Vec::new();
    if open && reuse && cluster.instances() == 1 {
        out.push("its only instance is down until its node is back".into());
    }
    if open && !reuse {
        out.push("an instance whose node is drained is cloned elsewhere; its old volume is given up".into());
    }
    out
}
