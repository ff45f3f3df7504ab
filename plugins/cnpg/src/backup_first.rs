//! A backup before something grave is done to a cluster. Unless it is completed, the grave thing is not done.

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

/// Kept back from the deadline for the grave thing itself, in milliseconds.
const RESERVE_MS: u64 = 5_000;

/// For whom it is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct First {
    /// The parameter that asks for it.
    pub(crate) parameter: &'static str,
    /// Stands in the Backup's name: "final", "hibernation".
    pub(crate) word: &'static str,
    /// What did not happen: "nothing was deleted".
    pub(crate) undone: &'static str,
    /// The tool's verb, for hints: "delete".
    pub(crate) verb: &'static str,
}

impl First {
    /// Refuses, before anybody is asked, what could not be taken.
    pub(crate) fn possible(&self, cluster: Cluster<'_>) -> Result<Value, Problem> {
        method(cluster).ok_or_else(|| {
            let message = format!("cluster `{}` has no backups configured; {}", cluster.name(), self.undone);
            let hint = format!("Configure backups first (`set_backup_config`), or leave out `{}`.", self.parameter);
            Problem::argument(self.parameter, message, hint)
        })
    }

    /// Refuses too what would go with the cluster: snapshots that the Cluster owns are garbage-collected with it (CloudNativePG
    /// `spec.backup.volumeSnapshot.snapshotOwnerReference`).
    pub(crate) fn outlives(&self, cluster: Cluster<'_>) -> Result<(), Problem> {
        const OWNER: &str = "/spec/backup/volumeSnapshot/snapshotOwnerReference";
        let method = self.possible(cluster)?;
        if text(&method, "/method") != Some("volumeSnapshot") || text(cluster.0, OWNER) != Some("cluster") {
            return Ok(());
        }
        let message = format!(
            "the volume snapshots of cluster `{}` would be deleted with it: `spec.backup.volumeSnapshot.snapshotOwnerReference` is `cluster`; {}",
            cluster.name(),
            self.undone
        );
        let hint =
            "Set it to `none` (or `backup`) in the Cluster, then call again. Or leave out `final_backup` if no backup is needed.";
        Err(Problem::argument(self.parameter, message, hint))
    }

    /// Takes it and waits for it; its name when it is completed.
    pub(crate) fn take(&self, call: &Call<'_>, cluster: Cluster<'_>) -> Result<String, Problem> {
        let method = self.possible(cluster)?;
        let name = format!("{}-{}-{}", cluster.name(), self.word, call.host.now());
        let manifest = backup::manifest(cluster, &name, method.as_object().cloned().unwrap_or_default());
        let target = BACKUPS.within(cluster.namespace());
        let created = call.create(&target, &manifest, false).map_err(|problem| self.not_begun(problem, cluster))?;
        self.complete(call, &target.named(&name), &name, created.object)?;
        Ok(name)
    }

    /// Watches until the backup is completed, failed, or time is up.
    fn complete(&self, call: &Call<'_>, target: &Target, name: &str, backup: Value) -> Result<(), Problem> {
        let judge = |backup: &Value| {
            let backup = Backup(backup);
            (backup.verdict(), format!("Backup {name}: {}", short(backup.phase())))
        };
        let seconds = call.remaining_ms().saturating_sub(RESERVE_MS) / 1000;
        let seen = until(call, target, backup, seconds, &judge);
        match (seen.end, Backup(&seen.object).phase()) {
            (End::Reached, _) => Ok(()),
            (End::Failed, _) => Err(self.failed(name, &seen.object)),
            (End::TimedOut, phase) => Err(self.unfinished(name, phase)),
            (End::Deleted, _) => {
                let message = format!("somebody deleted the {} backup `{name}`; {}", self.word, self.undone);
                Err(Problem::refused("BackupDeleted", message, "Call again when a backup may be taken.")
                    .next(&["get_cluster_status"]))
            }
            (End::Blind(problem), _) => Err(self.unseen(problem, name)),
        }
    }

    /// The Backup was refused: its own reason, and what that means for the cluster.
    fn not_begun(&self, problem: Problem, cluster: Cluster<'_>) -> Problem {
        let hint = format!("No backup of cluster `{}` was begun, and {}. {}", cluster.name(), self.undone, problem.hint);
        Problem { message: format!("{} backup: {}", self.word, problem.message).into(), hint: hint.into(), ..problem }
    }

    /// The Backup goes on, out of sight.
    fn unseen(&self, problem: Problem, name: &str) -> Problem {
        let (word, undone, parameter) = (self.word, self.undone, self.parameter);
        let message =
            format!("the {word} backup `{name}` is requested but this server cannot follow it; {undone}: {}", problem.message);
        let hint =
            format!("The backup goes on by itself. When it is completed, call again without `{parameter}`. {}", problem.hint);
        Problem { message: message.into(), hint: hint.into(), next_tools: &["get_cluster_status"], ..problem }
    }

    fn failed(&self, name: &str, backup: &Value) -> Problem {
        let why = text(backup, "/status/error").map(short).unwrap_or_default();
        let message = format!("the {} backup `{name}` failed ({why}); {}", self.word, self.undone);
        let hint = format!("Find out why, or {} without `{}`.", self.verb, self.parameter);
        Problem::refused("BackupFailed", message, hint).next(&["get_cluster_status"])
    }

    fn unfinished(&self, name: &str, phase: &str) -> Problem {
        let message = format!(
            "the {} backup `{name}` is still {}, and this call may run no longer; {}",
            self.word,
            short(phase),
            self.undone
        );
        let hint = format!("It goes on by itself. When it is completed, call again without `{}`.", self.parameter);
        Problem::refused("BackupPending", message, hint).next(&["get_cluster_status"])
    }
}
