//! restart_cluster: a rolling restart, asked for by the annotation that `kubectl cnpg restart` and `kubectl rollout restart` write.

use serde::Deserialize;
use serde_json::json;

use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints, read};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rolling;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::time;

const ANNOTATION: &str = "kubectl.kubernetes.io/restartedAt";

pub(crate) const TOOL: Entry = Entry {
    name: "restart_cluster",
    title: "Restart a PostgreSQL cluster",
    description: "Restart all instances of a PostgreSQL cluster one after the other: replicas first, then the primary (by a switchover or in place, as the cluster's `primaryUpdateMethod` says). Connections to an instance are cut when its turn comes. One instance alone: `restart_instance`.",
    parameters: &[NAME, NAMESPACE, DRY_RUN],
    shape: Shape { properties: shape_of_change!(""), required: REQUIRED },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &_| {
        let cluster = Cluster(object);
        guard::is_awake(cluster)?;
        let patch = json!({"metadata": {"annotations": {ANNOTATION: time::rfc3339(call.host.now())}}});
        Ok(Some(Wanted { patch, notes: rolling::notes(cluster) }))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let words = |_: &_| Words {
        would: "would be restarted, instance by instance".into(),
        did: "is being restarted, instance by instance".into(),
        next: "follow it with `get_cluster_status`",
        extra: json!({}),
    };
    change.run(words, "").map(Into::into)
}
