//! reload_cluster: has every instance read its configuration again, by the annotation of `kubectl cnpg reload`.

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
use crate::rule::Rule;
use crate::shape::Shape;
use crate::time;

const ANNOTATION: &str = "cnpg.io/reloadedAt";

pub(crate) const TOOL: Entry = Entry {
    name: "reload_cluster",
    title: "Reload a PostgreSQL cluster",
    description: "Have all instances of a PostgreSQL cluster read their configuration and certificates again, without a restart. Needed after a change of a ConfigMap or Secret that lacks the label `cnpg.io/reload`.",
    parameters: &[NAME, NAMESPACE, DRY_RUN],
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
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &_| {
        guard::is_awake(Cluster(object))?;
        let patch = json!({"metadata": {"annotations": {ANNOTATION: time::rfc3339(call.host.now())}}});
        Ok(Some(Wanted { patch, notes: Vec::new() }))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let words = |_: &_| Words {
        would: "would be reloaded".into(),
        did: "is being reloaded".into(),
        next: "`get_parameters` says whether an instance waits for a restart",
        extra: json!({}),
    };
    change.run(words, "").map(Into::into)
}
