//! unfence_instances: lets PostgreSQL start again where it was fenced.

use serde::Deserialize;
use serde_json::Value;

use super::fence::{ALL, INSTANCES};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::{Cluster, FENCED};
use crate::guard;
use crate::instance;
use crate::json::json;
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "unfence_instances",
    title: "Unfence instances",
    description: "Let PostgreSQL start again in fenced instances of a cluster. Instances that are not named stay fenced.",
    parameters: &[NAME, INSTANCES, ALL, NAMESPACE, DRY_RUN],
    shape: Shape {
        properties: shape_of_change!(
            r#", "fenced": {"type": "array", "items": {"type": "string"}, "description": "Those that stay fenced"}"#
        ),
        required: REQUIRED,
    },
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
    instances: Option<Vec<String>>,
    all: Option<bool>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

impl Input {
    /// All of them, also by an annotation that cannot be read.
    fn is_all(&self) -> bool {
        self.all == Some(true) || self.instances.iter().flatten().any(|one| one == "*")
    }
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let left = left(&input, cluster)?;
        if !input.is_all() {
            guard::fence_is_readable(cluster)?;
        }
        let value = if left.is_empty() { Value::Null } else { json!(left).to_string().into() };
        let patch = json!({"metadata": {"annotations": {FENCED: value}}});
        Ok((left != cluster.fenced() || cluster.fence_is_unreadable()).then_some(Wanted::merge(patch, Vec::new())))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("has none of these fenced", &json!({})).into()) };
    let done = change.make(seen)?;
    let left = Cluster(done.object()).fenced();
    let rest = if left.is_empty() { "no instance fenced".into() } else { format!("only {} fenced", short(&left.join(", "))) };
    let words = Words {
        would: format!("would have {rest}"),
        did: format!("has {rest}"),
        next: "`get_cluster_status` with the section `instances`",
        extra: json!({"fenced": left}),
    };
    Ok(done.answer(&words).into())
}

/// Those that stay fenced. Names are not checked against the cluster: an instance that is gone can be taken off the list.
fn left(input: &Input, cluster: Cluster<'_>) -> Result<Vec<String>, Problem> {
    let asked = input.instances.as_deref().unwrap_or_default();
    if input.is_all() {
        return Ok(Vec::new());
    }
    if asked.is_empty() {
        return Err(Problem::argument("instances", "no instance is named", "Name instances, or say `all: true`."));
    }
    let mut fenced = cluster.fenced();
    if fenced.iter().any(|one| one == "*") {
        let message = "all instances are fenced at once (`*`), so none can be taken out of it";
        return Err(Problem::argument("instances", message, "Say `all: true`, and then fence those that shall stay fenced."));
    }
    let names: Vec<String> = asked.iter().map(|one| instance::meant(cluster, one)).collect();
    fenced.retain(|one| !names.contains(one));
    Ok(fenced)
}
