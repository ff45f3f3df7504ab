//! A last backup before the deletion. Unless it is completed, nothing is deleted.

use portcullis_plugin::kubernetes::{ListOptions, OBJECT, Target};
use serde_json::{Value, json};

use crate::call::{Call, parse};
use crate::cluster::Cluster;
use crate::explain::{Action, explain};
use crate::json::{list, text};
use crate::kind::{BACKUPS, CLUSTER_LABEL, CNPG};
use crate::problem::Problem;
use crate::text::short;

/// Kept back from the deadline for the deletion itself, in milliseconds.
const RESERVE_MS: u64 = 5_000;

/// Takes it and waits for it; its name when it is completed.
pub(super) fn take(call: &Call<'_>, cluster: Cluster<'_>) -> Result<String, Problem> {
    let method = method(cluster).ok_or_else(|| unconfigured(cluster))?;
    let name = format!("{}-final-{}", cluster.name(), call.host.now());
    let mut spec = method;
    if let Some(map) = spec.as_object_mut() {
        map.insert("cluster".into(), json!({"name": cluster.name()}));
    }
    let labels = json!({CLUSTER_LABEL: cluster.name()});
    let manifest = json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": "Backup",
        "metadata": {"name": name, "namespace": cluster.namespace(), "labels": labels}, "spec": spec,
    });
    let target = BACKUPS.within(cluster.namespace());
    let created = call.create(&target, &manifest, false)?;
    call.host.progress(1, &format!("Backup {name} is requested"));
    follow(call, &target, &name, created.object)?;
    Ok(name)
}

/// How this cluster is backed up: the plugin that archives its WAL, else snapshots, else the in-tree way it was set up with.
fn method(cluster: Cluster<'_>) -> Option<Value> {
    let archives = |one: &&Value| one.pointer("/isWALArchiver").and_then(Value::as_bool) == Some(true);
    if let Some(plugin) = list(cluster.0, "/spec/plugins").iter().find(archives).and_then(|one| text(one, "/name")) {
        return Some(json!({"method": "plugin", "pluginConfiguration": {"name": plugin}}));
    }
    let has = |pointer: &str| cluster.0.pointer(pointer).is_some_and(Value::is_object);
    if has("/spec/backup/volumeSnapshot") {
        return Some(json!({"method": "volumeSnapshot"}));
    }
    has("/spec/backup/barmanObjectStore").then(|| json!({"method": "barmanObjectStore"}))
}

fn unconfigured(cluster: Cluster<'_>) -> Problem {
    let message = format!("cluster `{}` has no backups configured; nothing was deleted", cluster.name());
    Problem::argument("final_backup", message, "Configure backups first, or leave out `final_backup`.")
}

/// Watches until the backup is completed, failed, or time is up.
fn follow(call: &Call<'_>, all: &Target, name: &str, mut backup: Value) -> Result<(), Problem> {
    let action = Action::new("watch", all);
    let left = || u32::try_from(call.remaining_ms().saturating_sub(RESERVE_MS)).unwrap_or(u32::MAX);
    let options = ListOptions {
        field_selector: Some(format!("metadata.name={name}")),
        resource_version: text(&backup, "/metadata/resourceVersion").map(Into::into),
        ..ListOptions::default()
    };
    let mut watcher =
        call.api.watch(all, &options, OBJECT, left().div_ceil(1000).max(1)).map_err(|status| explain(status, &action))?;
    let mut step = 1;
    loop {
        let phase = text(&backup, "/status/phase").unwrap_or("pending");
        match phase {
            "completed" => return Ok(()),
            "failed" | "walArchivingFailing" | "invalid backup definition" => return Err(failed(name, &backup)),
            _ if left() == 0 || watcher.ended() => return Err(unfinished(name, phase)),
            _ => {}
        }
        if let Some(event) = watcher.next(left()).map_err(|status| explain(status, &action))?
            && event.kind == "MODIFIED"
        {
            backup = parse(&event.object)?;
            step += 1;
            call.host.progress(step, &format!("Backup {name}: {}", text(&backup, "/status/phase").unwrap_or("pending")));
        }
    }
}

fn failed(name: &str, backup: &Value) -> Problem {
    let why = text(backup, "/status/error").map(short).unwrap_or_default();
    let message = format!("the final backup `{name}` failed ({why}); nothing was deleted");
    Problem::refused("BackupFailed", message, "Find out why, or delete without `final_backup`.").next(&["get_cluster_status"])
}

fn unfinished(name: &str, phase: &str) -> Problem {
    let message = format!("the final backup `{name}` is still {phase}, and this call may run no longer; nothing was deleted");
    let hint = "It goes on by itself. When it is completed, call again without `final_backup`.";
    Problem::refused("BackupPending", message, hint).next(&["get_cluster_status"])
}
