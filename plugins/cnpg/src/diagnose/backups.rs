//! Rules on backups and WAL archiving: whether the cluster could be restored.

use serde_json::Value;

use super::scene::{Scene, join, yes};
use super::{Rule, Severity};
use crate::backup::{self, Backup};
use crate::json::{annotation, integer, text};
use crate::status::part::Part;
use crate::time;

/// Age of the newest good backup beyond which replaying WAL gets long and risky, in seconds.
const OLD: i64 = 7 * 86_400;
/// How long a backup may run before it looks stuck, in seconds.
const LONG: i64 = 86_400;
/// WAL files waiting to be archived beyond which archiving is behind: 16 MiB each.
const BACKLOG: i64 = 64;

fn is_set_up(scene: &Scene<'_>) -> bool {
    backup::method(scene.cluster).is_some()
}

fn newest_good(scene: &Scene<'_>) -> Option<i64> {
    let mine = scene.mine(Part::Backups);
    let good = mine.iter().map(|one| Backup(one)).filter(|one| one.is_completed());
    let status = text(scene.cluster.0, "/status/lastSuccessfulBackup").and_then(time::seconds);
    good.filter_map(|one| time::seconds(one.moment())).chain(status).max()
}

/// A schedule that runs.
fn runs(schedule: &Value) -> bool {
    !yes(schedule, "/spec/suspend")
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "archiving_fails",
        severity: Severity::Critical,
        says: "WAL is not archived: a restore ends where that stopped, and the WAL volume fills up",
        advice: "Check the object store's address, credentials and room; the log of `wal-archive` says more.",
        doc: "wal_archiving",
        next: ("get_cluster_logs", "{\"level\": \"error\", \"logger\": \"wal-archive\"}"),
        look: |scene| scene.failing("ContinuousArchiving"),
    },
    Rule {
        id: "archiving_behind",
        severity: Severity::Warning,
        says: "WAL archiving is behind",
        advice: "Check how fast the object store takes files; `maxParallel` of the archiver raises throughput.",
        doc: "wal_archiving",
        next: ("get_cluster_logs", "{\"logger\": \"wal-archive\"}"),
        look: |scene| {
            let most = scene.live.iter().filter_map(|(_, status)| integer(status, "/readyWalFiles")).max()?;
            (most > BACKLOG).then(|| format!("{most} WAL files wait"))
        },
    },
    Rule {
        id: "archiving_off",
        severity: Severity::Critical,
        says: "WAL archiving is switched off by an annotation",
        advice: "Remove the annotation, then take a backup.",
        doc: "labels_annotations",
        next: ("get_cluster_status", ""),
        look: |scene| {
            let on = annotation(scene.cluster.0, "cnpg.io/skipWalArchiving") == Some("enabled");
            on.then(|| "annotation `cnpg.io/skipWalArchiving: enabled`".into())
        },
    },
    Rule {
        id: "archive_check_off",
        severity: Severity::Warning,
        says: "nothing keeps this cluster from writing into another one's archive",
        advice: "Remove the annotation `cnpg.io/skipEmptyWalArchiveCheck` once the cluster runs.",
        doc: "labels_annotations",
        next: ("get_cluster_status", ""),
        look: |scene| {
            let on = annotation(scene.cluster.0, "cnpg.io/skipEmptyWalArchiveCheck") == Some("enabled");
            on.then(|| "annotation `cnpg.io/skipEmptyWalArchiveCheck: enabled`".into())
        },
    },
    Rule {
        id: "no_backups_set_up",
        severity: Severity::Warning,
        says: "no backups are set up: what is lost stays lost",
        advice: "Add the Barman Cloud plugin with an ObjectStore, or volume snapshots.",
        doc: "backup",
        next: ("get_cluster_status", ""),
        look: |scene| (!is_set_up(scene)).then(|| "neither a plugin that archives WAL nor `spec.backup`".into()),
    },
    Rule {
        id: "in_tree_barman",
        severity: Severity::Warning,
        says: "backups use the in-tree Barman, which CloudNativePG 1.31 removes",
        advice: "Move to the Barman Cloud plugin before upgrading the operator.",
        doc: "appendixes/backup_barmanobjectstore",
        next: ("list_backups", ""),
        look: |scene| {
            let there = scene.cluster.0.pointer("/spec/backup/barmanObjectStore").is_some_and(Value::is_object);
            there.then(|| "`spec.backup.barmanObjectStore`".into())
        },
    },
    Rule {
        id: "backup_failed",
        severity: Severity::Warning,
        says: "the last backup failed",
        advice: "The Backup's error says why.",
        doc: "backup",
        next: ("list_backups", "{\"phase\": \"failed\"}"),
        look: |scene| scene.failing("LastBackupSucceeded"),
    },
    Rule {
        id: "no_good_backup",
        severity: Severity::Critical,
        says: "backups are set up, and none is completed: nothing can be restored",
        advice: "Take one now and see whether it works.",
        doc: "backup",
        next: ("create_backup", "{\"wait\": true}"),
        look: |scene| {
            let none = is_set_up(scene) && scene.knows(Part::Backups) && newest_good(scene).is_none();
            none.then(|| "no completed Backup object, no time in the status".into())
        },
    },
    Rule {
        id: "old_backup",
        severity: Severity::Warning,
        says: "the newest good backup is old: a restore replays all WAL since",
        advice: "Take one now, and schedule them.",
        doc: "backup",
        next: ("create_backup", ""),
        look: |scene| {
            let age = newest_good(scene).map(|at| scene.now - at).filter(|age| *age > OLD)?;
            Some(format!("{} old", time::span(age)))
        },
    },
    Rule {
        id: "backup_stuck",
        severity: Severity::Warning,
        says: "a backup has been going on for long",
        advice: "Others wait behind it. Look at its instance's log.",
        doc: "backup",
        next: ("list_backups", "{\"phase\": \"unfinished\"}"),
        look: |scene| {
            let mine = scene.mine(Part::Backups);
            let stuck = mine.iter().map(|one| Backup(one)).filter(|one| {
                let age = scene.since(text(one.0, "/metadata/creationTimestamp"));
                one.verdict() == crate::watching::Verdict::Going && age.is_some_and(|age| age > LONG)
            });
            join(stuck.map(Backup::name))
        },
    },
    Rule {
        id: "no_schedule",
        severity: Severity::Warning,
        says: "no backups are scheduled",
        advice: "Schedule them, e.g. each night.",
        doc: "backup",
        next: ("set_scheduled_backup", "{\"schedule\": \"0 3 * * *\"}"),
        look: |scene| {
            let none = is_set_up(scene) && scene.knows(Part::ScheduledBackups) && scene.mine(Part::ScheduledBackups).is_empty();
            none.then(|| "no ScheduledBackup of this cluster".into())
        },
    },
    Rule {
        id: "schedules_suspended",
        severity: Severity::Warning,
        says: "all schedules of backups are suspended",
        advice: "Let one run again.",
        doc: "backup",
        next: ("list_scheduled_backups", ""),
        look: |scene| {
            let mine = scene.mine(Part::ScheduledBackups);
            let off = !mine.is_empty() && !mine.iter().any(|one| runs(one));
            off.then(|| join(mine.iter().filter_map(|one| text(one, "/metadata/name"))))?
        },
    },
];
