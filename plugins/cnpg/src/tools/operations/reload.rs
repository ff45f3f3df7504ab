//! reload_cluster: has every instance read its configuration again, by the annotation of `kubectl cnpg reload`.

use super::stamp::{PARAMETERS, stamp};
use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{REQUIRED, Words, shape_of_change};
use crate::json::json;
use crate::kind::CLUSTERS;
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

const ANNOTATION: &str = "cnpg.io/reloadedAt";

pub(crate) const TOOL: Entry = Entry {
    name: "reload_cluster",
    title: "Reload a PostgreSQL cluster",
    description: "Have all instances of a PostgreSQL cluster read their configuration and certificates again, without a restart. Needed after a change of a ConfigMap or Secret that lacks the label `cnpg.io/reload`.",
    parameters: PARAMETERS,
    shape: Shape { properties: shape_of_change!(""), required: REQUIRED },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let words = || Words {
        would: "would be reloaded".into(),
        did: "is being reloaded".into(),
        next: "`get_parameters` says whether an instance waits for a restart",
        extra: json!({}),
    };
    stamp(call, arguments, ANNOTATION, |_| Vec::new(), words)
}
