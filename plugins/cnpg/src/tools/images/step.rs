//! What moving a cluster to another image amounts to: where it goes, from which major version to which, and the guards of a major step.
//! Source: CloudNativePG, "PostgreSQL upgrades"; its webhook refuses downgrades and in-place upgrades to less than 16.

use serde_json::Value;

use crate::backup::Backup;
use crate::call::Call;
use crate::cluster::Cluster;
use crate::guard;
use crate::image;
use crate::image_catalog::{Catalog, catalogs};
use crate::json::{integer, json, text};
use crate::kind::{BACKUPS, CNPG};
use crate::paging::{self, Row};
use crate::phase::Health;
use crate::problem::Problem;
use crate::text::short;
use crate::time;

/// Lowest major version that CloudNativePG upgrades to in place.
const LOWEST: i64 = 16;
/// Oldest backup that counts as a way back, in seconds: what was written since is lost with it.
const FRESH: i64 = 24 * 3600;

/// Where to: the parameters.
pub(super) struct Wish<'a> {
    pub(super) image: Option<&'a str>,
    pub(super) catalog: Option<&'a str>,
    pub(super) major: Option<i64>,
}

/// Where to, found out.
pub(super) struct Goal {
    /// The fields of the spec that say so; the other one is nulled.
    pub(super) spec: Value,
    /// Not known where the catalog may not be read.
    pub(super) image: Option<String>,
    pub(super) major: i64,
    pub(super) notes: Vec<String>,
}

/// The major version of the data, else of what runs, else of what was asked for.
pub(super) fn current(cluster: Cluster<'_>) -> Option<i64> {
    let runs = || cluster.image().and_then(image::version).map(|(major, _)| major);
    integer(cluster.0, "/status/pgDataImageInfo/majorVersion")
        .or_else(runs)
        .or_else(|| integer(cluster.0, "/spec/imageCatalogRef/major"))
}

/// Finds out.
pub(super) fn goal(call: &Call<'_>, wish: &Wish<'_>, cluster: Cluster<'_>) -> Result<Goal, Problem> {
    match (wish.image, wish.catalog) {
        (Some(_), Some(_)) => {
            let hint = "Leave out `image` or `catalog`.";
            Err(Problem::argument("image", "CloudNativePG takes an image or an image catalog, not both", hint))
        }
        (Some(image), None) => named(image, wish.major),
        (None, None) if wish.major.is_none() => {
            let hint = "Give `image`, or `catalog` and `major`; `list_image_catalogs` shows what there is.";
            Err(Problem::argument("image", "neither an image nor an image catalog is named", hint))
        }
        (None, catalog) => from_catalog(call, catalog, wish.major, cluster),
    }
}

fn named(image: &str, asked: Option<i64>) -> Result<Goal, Problem> {
    let Some((major, _)) = image::version(image) else {
        let message =
            format!("the tag of `{image}` is not a PostgreSQL version, and CloudNativePG refuses `latest` and bare digests");
        return Err(Problem::argument("image", message, "Use a tag that begins with the version, e.g. `:17.5`."));
    };
    if asked.is_some_and(|one| one != major) {
        let message = format!("the tag of `{image}` says {major}");
        return Err(Problem::argument("major", message, "Leave out `major`: the image decides."));
    }
    let spec = json!({"imageName": image, "imageCatalogRef": null});
    Ok(Goal { spec, image: Some(image.into()), major, notes: Vec::new() })
}

/// The catalog that was named, else the one that the cluster uses; the major version that was named, else the one that it has.
fn from_catalog(call: &Call<'_>, asked: Option<&str>, major: Option<i64>, cluster: Cluster<'_>) -> Result<Goal, Problem> {
    let used = |key: &str| text(cluster.0, &format!("/spec/imageCatalogRef/{key}"));
    let (kind, name) = match asked {
        Some(one) => one.split_once('/').map_or((None, one), |(kind, name)| (Some(kind), name)),
        None => (used("kind"), used("name").ok_or_else(no_catalog)?),
    };
    let Some(major) = major.or_else(|| current(cluster)) else {
        let hint = "Say which, e.g. `major: 17`.";
        return Err(Problem::argument("major", "the major version that runs is not known", hint));
    };
    let (found, unread) = catalogs(call, cluster.namespace());
    let matching = found.iter().find(|one| one.name == name && kind.is_none_or(|kind| kind == one.kind));
    match (matching, kind, unread) {
        (Some(one), ..) => carried(one, major),
        (None, Some(kind), Some(problem)) => {
            let note = format!("whether the catalog has {major} was not seen: {}", short(&problem.message));
            Ok(referring(kind, name, major, None, vec![note]))
        }
        (None, None, Some(problem)) => Err(problem),
        (None, _, None) => {
            let message =
                format!("there is no such image catalog in namespace `{}` or cluster-wide: `{name}`", cluster.namespace());
            Err(Problem::argument("catalog", message, "Choose one that exists.").next(&["list_image_catalogs"]))
        }
    }
}

fn no_catalog() -> Problem {
    let hint = "Name one with `catalog`, or an `image`; `list_image_catalogs` shows what there is.";
    Problem::argument("catalog", "the cluster uses no image catalog, so that `major` alone says nothing", hint)
}

fn carried(catalog: &Catalog, major: i64) -> Result<Goal, Problem> {
    let Some(image) = catalog.image(major) else {
        let message = format!("catalog `{}` has {}, not {major}", catalog.name, catalog.majors());
        return Err(Problem::argument("major", message, "Choose one that it has.").next(&["list_image_catalogs"]));
    };
    Ok(referring(catalog.kind, &catalog.name, major, Some(image.to_owned()), Vec::new()))
}

fn referring(kind: &str, name: &str, major: i64, image: Option<String>, notes: Vec<String>) -> Goal {
    let reference = json!({"apiGroup": CNPG, "kind": kind, "name": name, "major": major});
    Goal { spec: json!({"imageCatalogRef": reference, "imageName": null}), image, major, notes }
}

/// Whether the spec says so already.
pub(super) fn is_there(goal: &Goal, cluster: Cluster<'_>) -> bool {
    let has = |pointer: &str| cluster.0.pointer(&format!("/spec{pointer}")).filter(|one| !one.is_null());
    let wants = |pointer: &str| goal.spec.pointer(pointer).filter(|one| !one.is_null());
    let keys = ["/imageName", "/imageCatalogRef/kind", "/imageCatalogRef/name", "/imageCatalogRef/major"];
    keys.into_iter().all(|pointer| has(pointer) == wants(pointer))
}

/// What a step within a major version should say besides.
pub(super) fn minor_notes(goal: &Goal, cluster: Cluster<'_>) -> Vec<String> {
    let mut out = goal.notes.clone();
    let running = cluster.image();
    let minor = |image: Option<&str>| image.and_then(image::version).and_then(|(_, minor)| minor);
    if let (Some(from), Some(to)) = (minor(running), minor(goal.image.as_deref()))
        && to < from
    {
        out.push(format!("an older minor version than the one that runs ({to} after {from}): fixed defects come back"));
    }
    let distribution = |image: Option<&str>| image.and_then(image::distribution);
    if let (Some(from), Some(to)) = (distribution(running), distribution(goal.image.as_deref()))
        && from != to
    {
        out.push(format!(
            "another distribution ({to} after {from}): collations may differ, and indexes on text must then be rebuilt"
        ));
    }
    if cluster.health() != Health::Healthy {
        out.push(format!("the cluster is not healthy now: {}", short(cluster.phase().unwrap_or("no phase"))));
    }
    out
}

/// What must hold before the major version changes; the notes say what was found.
pub(super) fn guard_major(call: &Call<'_>, goal: &Goal, cluster: Cluster<'_>, allowed: bool) -> Result<Vec<String>, Problem> {
    let (name, from) = (cluster.name(), current(cluster));
    let was = from.map_or_else(|| "an unknown version".to_owned(), |one| one.to_string());
    if from.is_some_and(|one| goal.major < one) {
        let message = format!("cluster `{name}` runs {was}: PostgreSQL cannot go back to {}", goal.major);
        return Err(
            Problem::refused("Downgrade", message, "Restore a backup of the older version instead.").next(&["list_backups"])
        );
    }
    if goal.major < LOWEST {
        let message = format!("CloudNativePG upgrades in place to {LOWEST} and later, not to {}", goal.major);
        return Err(Problem::refused("MajorTooOld", message, "Choose a later one.").next(&["list_image_catalogs"]));
    }
    if !allowed {
        let message = format!("from {was} to {} is a major upgrade; cluster `{name}` was not changed", goal.major);
        let hint =
            "It stops the cluster while it runs, and going back means restoring a backup. If that is meant: `allow_major: true`.";
        return Err(Problem::refused("MajorUpgrade", message, hint).next(&["list_backups", "create_backup"]));
    }
    guard::is_awake(cluster)?;
    guard::is_not_moving(cluster)?;
    if cluster.health() != Health::Healthy {
        let message = format!("cluster `{name}` is not healthy ({})", short(cluster.phase().unwrap_or("no phase")));
        let hint = "Nothing was changed. Repair it first: a major upgrade of an ailing cluster leaves two problems.";
        return Err(Problem::refused("NotHealthy", message, hint).next(&["diagnose_cluster"]));
    }
    let age = time::age(Some(&fresh_backup(call, cluster, from)?), call.host.now());
    let mut notes = goal.notes.clone();
    notes.push(format!("the newest completed backup is {age} old: what was written since is lost if it must be restored"));
    Ok(notes)
}

/// When the newest completed backup of this cluster, as it is now, ended. One of an earlier cluster of the name, or of the version before
/// the last upgrade, is no way back.
fn fresh_backup(call: &Call<'_>, cluster: Cluster<'_>, major: Option<i64>) -> Result<String, Problem> {
    let row = |object: &Value| {
        let (backup, of) = (Backup(object), integer(object, "/status/majorVersion"));
        let same = of.is_none() || major.is_none() || of == major;
        let mine = backup.cluster() == cluster.name() && Some(backup.moment()) >= cluster.created();
        let counts = mine && same && backup.is_completed();
        counts.then(|| Row { key: backup.moment().to_owned(), structured: Value::Null, cells: Vec::new() })
    };
    let rows = paging::read(call, &BACKUPS.within(cluster.namespace()), None, &row)?;
    let newest = rows.rows.into_iter().map(|one| one.key).max();
    let limit = call.host.now() - FRESH;
    if let Some(stamp) = newest.as_ref().filter(|one| time::seconds(one).is_some_and(|at| at >= limit)) {
        return Ok(stamp.clone());
    }
    let which = newest.map_or_else(
        || "there is none".to_owned(),
        |stamp| format!("the newest one is {} old", time::age(Some(&stamp), call.host.now())),
    );
    let message =
        format!("cluster `{}` has no completed backup of the last 24 hours: {which}; it was not changed", cluster.name());
    let hint = "Take one and wait until it is completed: it is the only way back from a major upgrade.";
    Err(Problem::refused("NoFreshBackup", message, hint).next(&["create_backup", "list_backups"]))
}
