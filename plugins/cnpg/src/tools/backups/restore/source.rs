//! What a cluster is restored from, resolved to what CloudNativePG needs: a base backup, and the archive with the WAL behind it.

use serde_json::{Map, Value};

use super::Input;
use super::target::Stop;
use crate::backup::{self, Backup};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::{BACKUPS, CLUSTERS, OBJECT_STORES};
use crate::problem::Problem;
use crate::text::short;
use crate::time;

/// Backups that are looked at for the newest one.
const PAGE: u32 = 250;

/// A folder in an ObjectStore of the Barman Cloud plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) store: String,
    pub(super) server: String,
}

/// The source.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// In words: "backup `db-1` of cluster `db`".
    pub(super) words: String,
    /// The cluster that the data is from, while it exists: the new one takes after it.
    pub(super) cluster: Option<Value>,
    pub(super) archive: Option<Archive>,
    /// Of `bootstrap.recovery`, without `source` and `recoveryTarget`.
    pub(super) recovery: Map<String, Value>,
    /// The base backup within the archive.
    pub(super) backup_id: Option<String>,
    pub(super) notes: Vec<String>,
}

/// Finds out.
pub(super) fn resolve(call: &Call<'_>, input: &Input, namespace: &str, stop: &Stop) -> Result<Origin, Problem> {
    let origin = match (&input.backup, &input.cluster, &input.snapshot, &input.object_store) {
        (Some(name), None, None, _) => from_backup(call, input, &get_backup(call, namespace, name)?, namespace, stop),
        (None, Some(name), None, _) => from_cluster(call, input, name, namespace, stop),
        (None, None, Some(name), _) => from_snapshot(input, name),
        (None, None, None, Some(store)) => from_store(input, store),
        (None, None, None, None) => Err(unsaid("`backup`, `cluster`, `object_store` or `snapshot` says what to restore from")),
        _ => Err(unsaid("only one of `backup`, `cluster` and `snapshot` can be the source")),
    }?;
    if stop.needs_archive && origin.archive.is_none() && !origin.recovery.contains_key("backup") {
        let message = "recovering to a target needs the WAL after the snapshot, and it is not known where that is archived";
        return Err(Problem::argument(
            "object_store",
            message,
            "Name the `object_store` and `server_name` that hold it, or leave out the target.",
        ));
    }
    if let Some(archive) = &origin.archive {
        within_window(call, archive, namespace, stop)?;
    }
    Ok(origin)
}

fn unsaid(message: &str) -> Problem {
    Problem::argument("backup", message, "Give exactly one source.").next(&["list_backups", "list_postgres_clusters"])
}

fn get_backup(call: &Call<'_>, namespace: &str, name: &str) -> Result<Value, Problem> {
    super::super::get::find(call, name, Some(namespace))
}

/// The cluster, unless it is gone.
fn get_cluster(call: &Call<'_>, namespace: &str, name: &str) -> Result<Option<Value>, Problem> {
    match call.get(&CLUSTERS.within(namespace).named(name)) {
        Ok(found) => Ok(Some(found)),
        Err(problem) if problem.code == 404 => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The archive that was named, else the one that the source cluster writes to.
fn archive(input: &Input, cluster: Option<&Value>, server: &str) -> Option<Archive> {
    if let Some(store) = &input.object_store {
        return Some(Archive { store: store.clone(), server: input.server_name.clone().unwrap_or_else(|| server.to_owned()) });
    }
    let cluster = cluster?;
    let plugin = backup::archiver(Cluster(cluster))?;
    let server = text(plugin, "/parameters/serverName").unwrap_or_else(|| Cluster(cluster).name());
    let server = input.server_name.clone().unwrap_or_else(|| server.to_owned());
    Some(Archive { store: text(plugin, "/parameters/barmanObjectName")?.to_owned(), server })
}

fn from_cluster(call: &Call<'_>, input: &Input, name: &str, namespace: &str, stop: &Stop) -> Result<Origin, Problem> {
    let object = call.get(&CLUSTERS.within(namespace).named(name))?;
    if let Some(archive) = archive(input, Some(&object), name) {
        let words = format!("the archive of cluster `{name}` (object store `{}`)", archive.store);
        return Ok(Origin { words, cluster: Some(object), archive: Some(archive), ..Origin::default() });
    }
    let found = call.list(&BACKUPS.within(namespace).list().limit(PAGE))?;
    let mine = list(&found, "/items").iter().filter(|one| Backup(one).cluster() == name && Backup(one).is_completed());
    let fits =
        |one: &&Value| stop.moment.is_none_or(|moment| time::seconds(Backup(one).moment()).is_some_and(|end| end <= moment));
    let newest = mine.filter(fits).max_by(|a, b| Backup(a).moment().cmp(Backup(b).moment()));
    match newest {
        Some(found) => from_backup(call, input, found, namespace, stop),
        None => {
            let message = format!("cluster `{name}` archives no WAL through a plugin and has no completed backup that fits");
            Err(Problem::argument("cluster", message, "There is nothing to restore it from.").next(&["list_backups"]))
        }
    }
}

fn from_store(input: &Input, store: &str) -> Result<Origin, Problem> {
    let Some(server) = input.server_name.clone() else {
        let message = format!("object store `{store}` has a folder per cluster");
        return Err(Problem::argument(
            "server_name",
            message,
            "Name the cluster that wrote it, or the `serverName` it was set up with.",
        ));
    };
    let words = format!("object store `{store}`, folder `{}`", short(&server));
    Ok(Origin { words, archive: Some(Archive { store: store.into(), server }), ..Origin::default() })
}

fn volume(name: &str) -> Value {
    json!({"name": name, "kind": "VolumeSnapshot", "apiGroup": "snapshot.storage.k8s.io"})
}

fn from_snapshot(input: &Input, name: &str) -> Result<Origin, Problem> {
    if input.object_store.is_some() && input.server_name.is_none() {
        return Err(Problem::argument(
            "server_name",
            "the object store has a folder per cluster",
            "Name the one that wrote the WAL.",
        ));
    }
    let mut volumes = json!({"storage": volume(name)});
    if let (Some(wal), Some(map)) = (&input.wal_snapshot, volumes.as_object_mut()) {
        map.insert("walStorage".into(), volume(wal));
    }
    let mut origin =
        Origin { words: format!("volume snapshot `{name}`"), archive: archive(input, None, ""), ..Origin::default() };
    origin.recovery.insert("volumeSnapshots".into(), volumes);
    Ok(origin)
}

fn from_backup(call: &Call<'_>, input: &Input, object: &Value, namespace: &str, stop: &Stop) -> Result<Origin, Problem> {
    let found = Backup(object);
    usable(found, stop)?;
    let cluster = get_cluster(call, namespace, found.cluster())?;
    let server = text(object, "/status/serverName").unwrap_or(found.cluster());
    let archive = archive(input, cluster.as_ref(), server);
    let words = format!("backup `{}` of cluster `{}`", found.name(), short(found.cluster()));
    let mut origin = Origin { words, cluster, archive, ..Origin::default() };
    match found.method() {
        "volumeSnapshot" => {
            origin.recovery.insert("volumeSnapshots".into(), volumes(found)?);
        }
        "plugin" if origin.archive.is_none() => {
            let message =
                format!("the object store of backup `{}` is not known: its cluster is gone, or set up otherwise", found.name());
            return Err(Problem::argument("object_store", message, "Name the ObjectStore it was written to."));
        }
        "barmanObjectStore" if input.object_store.is_none() => in_tree(input, found, &mut origin)?,
        // The plugin reads what the in-tree way wrote: the layout is Barman's.
        _ => origin.backup_id = text(object, "/status/backupId").map(str::to_owned),
    }
    Ok(origin)
}

fn usable(found: Backup<'_>, stop: &Stop) -> Result<(), Problem> {
    if !found.is_completed() {
        let message = format!("backup `{}` is not completed (phase {})", found.name(), short(found.phase()));
        return Err(Problem::argument("backup", message, "Choose a completed one.").next(&["list_backups"]));
    }
    let end = time::seconds(found.moment());
    if let Some((moment, end)) = stop.moment.zip(end).filter(|(moment, end)| moment < end) {
        let message =
            format!("{} is before the end of backup `{}` ({})", time::rfc3339(moment), found.name(), time::rfc3339(end));
        return Err(
            Problem::argument("target_time", message, "Choose an earlier backup, or a later moment.").next(&["list_backups"])
        );
    }
    Ok(())
}

fn in_tree(input: &Input, found: Backup<'_>, origin: &mut Origin) -> Result<(), Problem> {
    if input.allow_in_tree != Some(true) {
        let message = format!("backup `{}` was taken by the in-tree Barman, which CloudNativePG 1.31 removes", found.name());
        let hint = "Make an ObjectStore of the Barman Cloud plugin for the same destination and pass it as `object_store`; or, with an older CloudNativePG, `allow_in_tree: true`.";
        return Err(Problem::argument("object_store", message, hint));
    }
    origin.notes.push("it is read by the in-tree Barman, which is deprecated and gone in CloudNativePG 1.31".into());
    origin.recovery.insert("backup".into(), json!({"name": found.name()}));
    origin.archive = None;
    Ok(())
}

/// The snapshots of a backup, by what they are of.
fn volumes(found: Backup<'_>) -> Result<Value, Problem> {
    let mut out = Map::new();
    let mut spaces = Map::new();
    for one in list(found.0, "/status/snapshotBackupStatus/elements") {
        let name = text(one, "/name").unwrap_or_default();
        match text(one, "/type") {
            Some("PG_DATA") => drop(out.insert("storage".into(), volume(name))),
            Some("PG_WAL") => drop(out.insert("walStorage".into(), volume(name))),
            Some("PG_TABLESPACE") => drop(spaces.insert(text(one, "/tablespaceName").unwrap_or_default().into(), volume(name))),
            _ => {}
        }
    }
    if !spaces.is_empty() {
        out.insert("tablespaceStorage".into(), Value::Object(spaces));
    }
    if !out.contains_key("storage") {
        let message = format!("backup `{}` names no snapshot of the data volume", found.name());
        return Err(
            Problem::argument("backup", message, "Choose another backup, or name the `snapshot` itself.").next(&["list_backups"])
        );
    }
    Ok(Value::Object(out))
}

/// What the object store says of itself, where it may be read: that it exists, and how far back it reaches.
fn within_window(call: &Call<'_>, archive: &Archive, namespace: &str, stop: &Stop) -> Result<(), Problem> {
    let object = match call.get(&OBJECT_STORES.within(namespace).named(&archive.store)) {
        Ok(object) => object,
        Err(problem) if problem.code == 404 => {
            let message = format!("there is no object store `{}` in namespace `{namespace}`", archive.store);
            return Err(Problem::argument(
                "object_store",
                message,
                "ObjectStores belong to a namespace: make one there, or restore where it is.",
            ));
        }
        // Without permission the operator will find out.
        Err(problem) if problem.code == 403 => return Ok(()),
        Err(problem) => return Err(problem),
    };
    let Some(servers) = object.pointer("/status/serverRecoveryWindow").and_then(Value::as_object).filter(|one| !one.is_empty())
    else {
        return Ok(());
    };
    let Some(window) = servers.get(&archive.server) else {
        let known: Vec<&str> = servers.keys().map(String::as_str).take(20).collect();
        let message = format!("object store `{}` knows no folder `{}`", archive.store, short(&archive.server));
        return Err(Problem::argument("server_name", message, format!("It knows: {}.", known.join(", "))));
    };
    let first = text(window, "/firstRecoverabilityPoint").and_then(time::seconds);
    if let Some((moment, first)) = stop.moment.zip(first).filter(|(moment, first)| moment < first) {
        let message =
            format!("{} is before the first moment that can be recovered ({})", time::rfc3339(moment), time::rfc3339(first));
        return Err(Problem::argument("target_time", message, "Choose a later moment."));
    }
    Ok(())
}
