//! fence_instances: stops PostgreSQL in instances and keeps their pods (annotation `cnpg.io/fencedInstances`), for looking at what is on
//! disk. What is fenced already stays fenced: the annotation is read, changed and written with the version it was read at.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;

use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::{Cluster, FENCED};
use crate::consent::{Consent, Danger, obtain};
use crate::guard;
use crate::instance;
use crate::json::{json, texts};
use crate::kind::CLUSTERS;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(super) const INSTANCES: Parameter = Parameter::optional(
    "instances",
    Takes::Json(r#"{"type": "array", "items": {"type": "string", "maxLength": 253}, "maxItems": 100, "uniqueItems": true}"#),
    "null",
    "Names (or numbers) of instances. Needed unless `all` is true.",
);
pub(super) const ALL: Parameter = Parameter::optional("all", Takes::Flag, "false", "All instances, the primary included.");

pub(crate) const TOOL: Entry = Entry {
    name: "fence_instances",
    title: "Fence instances",
    description: "Stop PostgreSQL in some or all instances of a cluster and keep their pods and volumes, until `unfence_instances`. A fenced primary means that nobody can write, and that no failover happens: then the human is asked, or `confirm: true` and the cluster's name in `confirm_name` are needed.",
    parameters: &[
        NAME,
        INSTANCES,
        ALL,
        Parameter::optional(
            "confirm",
            Takes::Flag,
            "null",
            "For the primary: must not be false, and needs `confirm_name` beside it when the client cannot ask the human.",
        ),
        Parameter::optional("confirm_name", Takes::Text(""), "null", "For the primary: the cluster's name once more."),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "fenced": {"type": "array", "items": {"type": "string"}, "description": "All that are fenced now; `*`: every one"},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: REQUIRED,
    },
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
    instances: Option<Vec<String>>,
    all: Option<bool>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    // The primary that may be fenced, if any; the outer `None`: not decided yet.
    let agreed = RefCell::new(None::<Option<String>>);
    let decide = |object: &Value| decide(&input, Cluster(object), agreed.borrow().as_ref());
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("has these fenced already", &json!({})).into()) };
    let cluster = Cluster(&seen.object);
    let mut by = None;
    if let (false, Some(primary)) = (change.dry_run, stopped_primary(cluster, &wanted(&input, cluster)?)) {
        let identity = format!("{} {primary}", cluster.uid());
        match obtain(call, &danger(&input, cluster, &identity, primary))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let primary = by.and(cluster.primary()).map(str::to_owned);
    *agreed.borrow_mut() = (!change.dry_run).then_some(primary);
    let done = change.make(seen)?;
    let fenced = Cluster(done.object()).fenced();
    let names = short(&fenced.join(", "));
    let words = Words {
        would: format!("would have fenced: {names}"),
        did: format!("has fenced: {names}"),
        next: "`unfence_instances` when the work is done",
        extra: json!({"fenced": fenced, "confirmed_by": by}),
    };
    Ok(done.answer(&words).into())
}

fn decide(input: &Input, cluster: Cluster<'_>, agreed: Option<&Option<String>>) -> Result<Option<Wanted>, Problem> {
    guard::is_looked_after(cluster)?;
    guard::is_not_moving(cluster)?;
    guard::fence_is_readable(cluster)?;
    let fenced = wanted(input, cluster)?;
    if let (Some(agreed), Some(primary)) = (agreed, stopped_primary(cluster, &fenced))
        && agreed.as_deref() != Some(primary)
    {
        let message = format!("{} became the primary while this call was deciding; nothing was fenced", short(primary));
        return Err(
            Problem::refused("PrimaryMoved", message, "Look again before repeating the call.").next(&["get_cluster_status"])
        );
    }
    let patch = json!({"metadata": {"annotations": {FENCED: json!(fenced).to_string()}}});
    Ok((cluster.fenced() != fenced).then(|| Wanted::merge(patch, notes(cluster, &fenced))))
}

/// The primary, if it would stop now.
fn stopped_primary<'a>(cluster: Cluster<'a>, fenced: &[String]) -> Option<&'a str> {
    let stops = |name: &&str| fenced.iter().any(|one| one == name || one == "*");
    cluster.primary().filter(|name| !instance::is_fenced(cluster, name)).filter(stops)
}

/// Those fenced already and those asked for.
fn wanted(input: &Input, cluster: Cluster<'_>) -> Result<Vec<String>, Problem> {
    let asked = names(cluster, input.instances.as_deref(), input.all)?;
    let mut out = cluster.fenced();
    if asked.iter().chain(&out).any(|one| one == "*") {
        return Ok(vec!["*".into()]);
    }
    out.extend(asked);
    out.sort();
    out.dedup();
    Ok(out)
}

/// The instances that were meant; `*` for all.
pub(super) fn names(cluster: Cluster<'_>, asked: Option<&[String]>, all: Option<bool>) -> Result<Vec<String>, Problem> {
    let asked = asked.unwrap_or_default();
    if all == Some(true) || asked.iter().any(|one| one == "*") {
        return Ok(vec!["*".into()]);
    }
    if asked.is_empty() {
        return Err(Problem::argument("instances", "no instance is named", "Name instances, or say `all: true`."));
    }
    let known = texts(cluster.0, "/status/instanceNames");
    let names: Vec<String> = asked.iter().map(|one| instance::meant(cluster, one)).collect();
    match names.iter().find(|one| !known.contains(&one.as_str())) {
        Some(stranger) => Err(instance::unknown(cluster, stranger, &known)),
        None => Ok(names),
    }
}

fn notes(cluster: Cluster<'_>, fenced: &[String]) -> Vec<String> {
    let stops = |name: &str| fenced.iter().any(|one| one == name || one == "*");
    let mut out = Vec::new();
    if cluster.primary().is_some_and(stops) {
        out.push("the primary is fenced: nobody can write, and the operator does not fail over".into());
    }
    if fenced.len() > 1 || cluster.synchronous().is_some() {
        out.push("a fenced standby confirms no synchronous write".into());
    }
    out
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, identity: &'a str, primary: &str) -> Danger<'a> {
    Danger {
        tool: "fence_instances",
        noun: "cluster",
        name: cluster.name(),
        identity,
        question: format!("Fence the primary {primary} of cluster {}/{}?", cluster.namespace(), cluster.name()),
        impact:
            "- PostgreSQL stops there: nobody can write, and no failover happens until it is unfenced\n- Pods and volumes stay\n"
                .into(),
        undone: "had nothing fenced",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
