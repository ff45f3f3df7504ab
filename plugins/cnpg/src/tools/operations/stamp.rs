//! Tools that only write the present moment into an annotation of the Cluster, which the operator then acts upon. What it means, tools say.

use serde::Deserialize;

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::change::{Change, Wanted, Words};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::json;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter};
use crate::problem::Problem;
use crate::time;

pub(super) const PARAMETERS: &[Parameter] = &[NAME, NAMESPACE, DRY_RUN];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

/// Writes the moment, with what to tell of this cluster and of the change.
pub(super) fn stamp(
    call: &Call<'_>,
    arguments: &str,
    annotation: &str,
    notes: fn(Cluster<'_>) -> Vec<String>,
    words: fn() -> Words,
) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &_| {
        let cluster = Cluster(object);
        guard::is_awake(cluster)?;
        let patch = json!({"metadata": {"annotations": {annotation: time::rfc3339(call.host.now())}}});
        Ok(Some(Wanted::merge(patch, notes(cluster))))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    change.run(|_| words(), "").map(Into::into)
}
