//! A last backup before the deletion. Unless it is completed, nothing is deleted.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use crate::backup::{self, Backup, method};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::text;
use crate::kind::BACKUPS;
use crate::problem::Problem;
use crate::text::short;
use crate::watching::{End, until};

/// Kept back from the deadline for the deletion itself, in milliseconds.
const RESERVE_MS: u64 = 5_000;

/// Takes it and waits for it; its name when it is completed.
pub(super) fn take(call: &Call<'_>, cluster: Cluster<'_>) -> Result<String, Problem> {
    let method = method(cluster).ok_or_else(|| unconfigured(cluster))?;
    let name = format!("{}-final-{}", cluster.name(), call.host.now());
    let manifest = backup::manifest(cluster, &name, method.as_object().cloned().unwrap_or_default());
    let target = BACKUPS.within(cluster.namespace());
    let created = call.create(&target, &manifest, false).map_err(|problem| not_begun(problem, cluster))?;
    complete(call, &target.named(&name), &name, created.object)?;
    Ok(name)
}

/// Refuses a last backup that cannot be taken, or that would go with the cluster: snapshots that the Cluster owns are garbage-collected
/// with it (CloudNativePG `spec.backup.volumeSnapshot.snapshotOwnerReference`).
pub(super) fn outlives(cluster: Cluster<'_>) -> Result<(), Problem> {
    const OWNER: &str = "/spec/backup/volumeSnapshot/snapshotOwnerReference";
    let method = method(cluster).ok_or_else(|| unconfigured(cluster))?;
    if text(&method, "/method") != Some("volumeSnapshot") || text(cluster.0, OWNER) != Some("cluster") {
        return Ok(());
    }
    let message = format!(
        "the volume snapshots of cluster `{}` would be deleted with it: `spec.backup.volumeSnapshot.snapshotOwnerReference` is `cluster`; nothing was deleted",
        cluster.name()
    );
    let hint =
        "Set it to `none` (or `backup`) in the Cluster, then call again. Or leave out `final_backup` if no backup is needed.";
    Err(Problem::argument("final_backup", message, hint))
}

fn unconfigured(cluster: Cluster<'_>) -> Problem {
    let message = format!("cluster `{}` has no backups configured; nothing was deleted", cluster.name());
    Problem::argument("final_backup", message, "Configure backups first, or leave out `final_backup`.")
}

/// Watches until the backup is completed, failed, or time is up.
fn complete(call: &Call<'_>, target: &Target, name: &str, backup: Value) -> Result<(), Problem> {
    let judge = |backup: &Value| {
        let backup = Backup(backup);
        (backup.verdict(), format!("Backup {name}: {}", short(backup.phase())))
    };
    let seconds = call.remaining_ms().saturating_sub(RESERVE_MS) / 1000;
    let seen = until(call, target, backup, seconds, &judge);
    match (seen.end, Backup(&seen.object).phase()) {
        (End::Reached, _) => Ok(()),
        (End::Failed, _) => Err(failed(name, &seen.object)),
        (End::TimedOut, phase) => Err(unfinished(name, phase)),
        (End::Deleted, _) => {
            let message = format!("somebody deleted the final backup `{name}`; nothing was deleted");
            Err(Problem::refused("BackupDeleted", message, "Call again when a backup may be taken.")
                .next(&["get_cluster_status"]))
        }
        (End::Blind(problem), _) => Err(unseen(problem, name)),
    }
}

/// The Backup was refused: its own reason, and what that means for the cluster.
fn not_begun(problem: Problem, cluster: Cluster<'_>) -> Problem {
    let hint = format!("No backup was begun and cluster `{}` was not deleted. {}", cluster.name(), problem.hint);
    Problem { message: format!("final backup: {}", problem.message).into(), hint: hint.into(), ..problem }
}

/// The Backup goes on, out of sight.
fn unseen(problem: Problem, name: &str) -> Problem {
    let message = format!(
        "the final backup `{name}` is requested but this server cannot follow it; nothing was deleted: {}",
        problem.message
    );
    let hint = format!("The backup goes on by itself. When it is completed, call again without `final_backup`. {}", problem.hint);
    Problem { message: message.into(), hint: hint.into(), next_tools: &["get_cluster_status"], ..problem }
}

fn failed(name: &str, backup: &Value) -> Problem {
    let why = text(backup, "/status/error").map(short).unwrap_or_default();
    let message = format!("the final backup `{name}` failed ({why}); nothing was deleted");
    Problem::refused("BackupFailed", message, "Find out why, or delete without `final_backup`.").next(&["get_cluster_status"])
}

fn unfinished(name: &str, phase: &str) -> Problem {
    let phase = short(phase);
    let message = format!("the final backup `{name}` is still {phase}, and this call may run no longer; nothing was deleted");
    let hint = "It goes on by itself. When it is completed, call again without `final_backup`.";
    Problem::refused("BackupPending", message, hint).next(&["get_cluster_status"])
}
