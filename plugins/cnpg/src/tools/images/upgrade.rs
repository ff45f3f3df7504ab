//! upgrade_cluster_image: moves a cluster to another image, by name or by catalog. Within a major version that is a rolling restart; to
//! another one it stops the cluster and cannot be taken back, so that it needs a fresh backup and consent.

use std::cell::Cell;

use serde::Deserialize;
use serde_json::Value;

use super::step::{self, Goal, Wish};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, as_seen, obtain};
use crate::guard;
use crate::json::json;
use crate::kind::{BACKUPS, CLUSTER_IMAGE_CATALOGS, CLUSTERS, IMAGE_CATALOGS};
use crate::parameter::{CONFIRM_NAME, DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rolling;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

/// What a major upgrade costs.
const COST: [&str; 3] = [
    "all instances stop while `pg_upgrade` runs: nobody can connect until it is done",
    "replicas are cloned anew afterwards: there is no standby until then",
    "backups taken before it do not lead across it: take one when it is done, run `ANALYZE`, update the extensions",
];

pub(crate) const TOOL: Entry = Entry {
    name: "upgrade_cluster_image",
    title: "Upgrade the PostgreSQL of a cluster",
    description: "Move a PostgreSQL cluster to another image: `image`, or `catalog` and `major` (either alone keeps the other as it is). Within a major version the instances restart one after the other. To a later major version (at least 16) only with `allow_major: true`, on a healthy cluster, with a completed backup of the last 24 hours: it stops the cluster while it runs, and asks the human when the client can, otherwise needs the name once more in `confirm_name`.",
    parameters: &[
        NAME,
        Parameter::optional(
            "image",
            Takes::Text("^[A-Za-z0-9][-A-Za-z0-9._:/@]{0,511}$"),
            "null",
            "Image with a tag that begins with the version, e.g. `ghcr.io/cloudnative-pg/postgresql:17.5-system-trixie`.",
        ),
        Parameter::optional(
            "catalog",
            Takes::Text("^((Cluster)?ImageCatalog/)?[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$"),
            "null",
            "Image catalog: its name, or `ImageCatalog/name` or `ClusterImageCatalog/name`. Left out: the one that the cluster uses.",
        ),
        Parameter::optional(
            "major",
            Takes::Integer(1, 99),
            "null",
            "Major version to take from the catalog. Left out: the one that runs.",
        ),
        Parameter::optional(
            "allow_major",
            Takes::Flag,
            "false",
            "Whether this may be a major upgrade, which stops the cluster and cannot be taken back.",
        ),
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "upgrade": {"enum": ["minor", "major"]}, "from_major": {"type": ["integer", "null"]}, "to_major": {"type": "integer"},
"image": {"type": ["string", "null"], "description": "Null: the catalog could not be read"},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[
        Rule::on(CLUSTERS, &["get", "patch"]),
        Rule::on(BACKUPS, &["list"]),
        Rule::on(IMAGE_CATALOGS, &["list"]),
        Rule::on(CLUSTER_IMAGE_CATALOGS, &["list"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    image: Option<String>,
    catalog: Option<String>,
    major: Option<i64>,
    allow_major: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

/// From which major version to which, and the image.
type Step = (Option<i64>, i64, Option<String>);

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    attempt(call, &input).map_err(|problem| {
        problem.renamed(&[("container_image", "image"), ("image_catalog", "catalog"), ("postgres_version", "major")])
    })
}

fn attempt(call: &Call<'_>, input: &Input) -> Result<Outcome, Problem> {
    let looked_at: Cell<Option<Step>> = Cell::new(None);
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let goal = step::goal(call, &wish(input), cluster)?;
        let step = (step::current(cluster), goal.major, goal.image.clone());
        let before = looked_at.replace(Some(step.clone()));
        // What was agreed to, or needed no agreement, was that step.
        if before.is_some_and(|one| one != step) {
            let message =
                format!("the version of cluster `{}` changed while this call was deciding; it was not changed", input.name);
            return Err(Problem::refused("Changed", message, "Look at it before calling again.").next(&["get_cluster_status"]));
        }
        decision(call, input, &goal, cluster)
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("has this image already", &json!({})).into()) };
    let step = looked_at.take().unwrap_or_default();
    let mut by = None;
    if is_major(&step) && !change.dry_run {
        // Which image a catalog has, and which version runs, the spec does not say.
        let identity = format!("{} {step:?}", as_seen(&seen.object));
        match obtain(call, &danger(input, &step, Cluster(&seen.object), &identity, &seen.wanted.notes))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let told = words(&step, by);
    looked_at.set(Some(step));
    Ok(change.make_agreed(seen, by)?.answer(&told).into())
}

fn wish(input: &Input) -> Wish<'_> {
    Wish { image: input.image.as_deref(), catalog: input.catalog.as_deref(), major: input.major }
}

/// A version that is not known may be another major one.
fn is_major((from, to, _): &Step) -> bool {
    *from != Some(*to)
}

fn decision(call: &Call<'_>, input: &Input, goal: &Goal, cluster: Cluster<'_>) -> Result<Option<Wanted>, Problem> {
    if step::is_there(goal, cluster) {
        return Ok(None);
    }
    let patch = json!({"spec": goal.spec});
    if step::current(cluster) == Some(goal.major) {
        let mut notes = step::minor_notes(goal, cluster);
        notes.extend(rolling::notes(cluster));
        return Ok(Some(Wanted::merge(patch, notes)));
    }
    let mut notes = step::guard_major(call, goal, cluster, input.allow_major == Some(true))?;
    notes.extend(COST.iter().map(|one| (*one).to_owned()));
    Ok(Some(Wanted::merge(patch, notes)))
}

fn danger<'a>(input: &'a Input, step: &Step, cluster: Cluster<'a>, identity: &'a str, notes: &[String]) -> Danger<'a> {
    let (from, to, image) = step;
    let from = from.map_or_else(|| "an unknown version".to_owned(), |one| one.to_string());
    let image = image.as_deref().map(short).unwrap_or_else(|| "an image of the catalog that could not be read".into());
    let (name, namespace) = (cluster.name(), cluster.namespace());
    Danger {
        tool: "upgrade_cluster_image",
        noun: "cluster",
        name,
        identity,
        question: format!("Upgrade PostgreSQL cluster {namespace}/{name} from {from} to major version {to} ({image})?"),
        impact: notes.iter().map(|one| format!("- {one}\n")).collect(),
        undone: "was not upgraded",
        flag: Some(("allow_major", input.allow_major)),
        confirm_name: input.confirm_name.as_deref(),
    }
}

fn words(step: &Step, by: Option<&str>) -> Words {
    let (from, to, image) = step;
    let kind = if is_major(step) { "major" } else { "minor" };
    let place = image.as_deref().map(short).unwrap_or_else(|| format!("PostgreSQL {to} of its catalog"));
    let (would, did, next) = if is_major(step) {
        (
            format!("would be stopped and upgraded to major version {to} ({place})"),
            format!("is being stopped and upgraded to major version {to} ({place})"),
            "follow it with `wait_for`; when it is healthy again, `create_backup`",
        )
    } else {
        (
            format!("would be restarted, instance by instance, with {place}"),
            format!("is being restarted, instance by instance, with {place}"),
            "follow it with `get_cluster_status`",
        )
    };
    let image = image.as_deref().map(short);
    let extra = json!({"upgrade": kind, "from_major": from, "to_major": to, "image": image, "confirmed_by": by});
    Words { would, did, next, extra }
}
