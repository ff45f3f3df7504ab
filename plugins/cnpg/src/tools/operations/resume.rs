//! resume_cluster: ends the hibernation of a cluster; waits by watch if asked to.

use serde::Deserialize;

use super::hibernate::ANNOTATION;
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::json;
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, TIMEOUT, WAIT};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::waiting;

pub(crate) const TOOL: Entry = Entry {
    name: "resume_cluster",
    title: "Resume a hibernated PostgreSQL cluster",
    description: "Bring a hibernated PostgreSQL cluster back: its instances start again on the volumes that were kept.",
    parameters: &[NAME, NAMESPACE, DRY_RUN, WAIT, TIMEOUT],
    shape: Shape { properties: shape_of_change!(r#", "wait": {"type": ["object", "null"]}"#), required: REQUIRED },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch", "watch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    dry_run: Option<bool>,
    wait: Option<bool>,
    timeout: Option<i64>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |object: &_| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let patch = json!({"metadata": {"annotations": {ANNOTATION: "off"}}});
        Ok(cluster.is_hibernated().then_some(Wanted::merge(patch, Vec::new())))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("is not hibernated", &json!({})).into()) };
    let instances = Cluster(&seen.object).instances();
    let words = Words {
        would: "would be resumed".into(),
        did: "is being resumed".into(),
        next: "follow it with `get_cluster_status`",
        extra: json!({}),
    };
    let done = change.make(seen)?;
    let mut answer = done.answer(&words);
    if input.wait == Some(true) && !change.dry_run {
        let seconds = waiting::seconds(input.timeout, instances);
        let waited = waiting::until_settled(call, &change.target, done.object().clone(), instances, seconds);
        answer.text.push_str(&format!("\n{}\n", waited.words()?));
        if let Some(map) = answer.structured.as_object_mut() {
            map.insert("wait".into(), waited.structured());
        }
    }
    Ok(answer.into())
}
