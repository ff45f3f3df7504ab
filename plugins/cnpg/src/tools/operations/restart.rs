//! restart_cluster: a rolling restart, asked for by the annotation that `kubectl cnpg restart` and `kubectl rollout restart` write.

use super::stamp::{PARAMETERS, stamp};
use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{REQUIRED, Words, shape_of_change};
use crate::json::json;
use crate::kind::CLUSTERS;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rolling;
use crate::rule::Rule;
use crate::shape::Shape;

const ANNOTATION: &str = "kubectl.kubernetes.io/restartedAt";

pub(crate) const TOOL: Entry = Entry {
    name: "restart_cluster",
    title: "Restart a PostgreSQL cluster",
    description: "Restart all instances of a PostgreSQL cluster one after the other: replicas first, then the primary (by a switchover or in place, as the cluster's `primaryUpdateMethod` says). Connections to an instance are cut when its turn comes. One instance alone: `restart_instance`.",
    parameters: PARAMETERS,
    shape: Shape { properties: shape_of_change!(""), required: REQUIRED },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let words = || Words {
        would: "would be restarted, instance by instance".into(),
        did: "is being restarted, instance by instance".into(),
        next: "follow it with `get_cluster_status`",
        extra: json!({}),
    };
    stamp(call, arguments, ANNOTATION, rolling::notes, words)
}
