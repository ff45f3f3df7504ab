//! Rules on replication: what the instances say of themselves, and who may be primary. Source: CloudNativePG `pkg/postgres/status.go`.

use serde_json::Value;

use super::scene::{Scene, join, yes};
use super::{Rule, Severity};
use crate::json::{integer, list, text};
use crate::text::short;

const LIVE: (&str, &str) = ("get_cluster_status", "{\"sections\": [\"live\", \"failover\"]}");

fn primary<'s>(scene: &'s Scene<'_>) -> Option<&'s Value> {
    scene.live.iter().map(|(_, status)| status).find(|status| yes(status, "/isPrimary"))
}

fn slots(scene: &Scene<'_>, fits: impl Fn(&Value) -> bool) -> Option<String> {
    let all = scene.live.iter().flat_map(|(_, status)| list(status, "/replicationSlotsInfo"));
    join(all.filter(|one| fits(one)).filter_map(|one| text(one, "/slotName")))
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "system_ids_differ",
        severity: Severity::Critical,
        says: "instances have different system identifiers: they are not copies of one database",
        advice: "Find out which one is right before anything is deleted.",
        doc: "troubleshooting",
        next: LIVE,
        look: |scene| scene.failing("ConsistentSystemID"),
    },
    Rule {
        id: "timelines_differ",
        severity: Severity::Warning,
        says: "instances are on different timelines: some did not follow the last failover",
        advice: "A replica that does not catch up by itself must be made anew.",
        doc: "replication",
        next: LIVE,
        look: |scene| {
            let mut all: Vec<i64> = scene.live.iter().filter_map(|(_, status)| integer(status, "/timeLineID")).collect();
            all.sort_unstable();
            all.dedup();
            let words: Vec<String> = all.iter().map(i64::to_string).collect();
            (all.len() > 1).then(|| format!("timelines {}", words.join(", ")))
        },
    },
    Rule {
        id: "not_streaming",
        severity: Severity::Warning,
        says: "a replica receives no WAL",
        advice: "Its log says why: authentication, network, or WAL that is gone from the primary.",
        doc: "replication",
        next: ("get_cluster_logs", "{\"level\": \"warning\"}"),
        look: |scene| scene.live_where(|status| !yes(status, "/isPrimary") && !yes(status, "/isWalReceiverActive")),
    },
    Rule {
        id: "replay_paused",
        severity: Severity::Warning,
        says: "a replica does not replay WAL: replay is paused",
        advice: "Somebody called `pg_wal_replay_pause()`, or a parameter of the primary is larger than the replica's.",
        doc: "replication",
        next: LIVE,
        look: |scene| scene.live_where(|status| yes(status, "/replayPaused")),
    },
    Rule {
        id: "too_few_synchronous",
        severity: Severity::Critical,
        says: "fewer synchronous standbys are connected than commits wait for",
        advice: "Bring standbys back, or lower `spec.postgresql.synchronous.number`.",
        doc: "replication",
        next: LIVE,
        look: |scene| {
            let wanted = scene.cluster.synchronous()?;
            let standby = |one: &&Value| matches!(text(one, "/syncState"), Some("sync" | "quorum"));
            let have = list(primary(scene)?, "/replicationInfo").iter().filter(standby).count();
            (i64::try_from(have).ok()? < wanted).then(|| format!("{have} of {wanted}"))
        },
    },
    Rule {
        id: "slot_lost",
        severity: Severity::Critical,
        says: "a replication slot has lost the WAL it needs: its standby cannot catch up",
        advice: "The standby must be made anew; raise `max_slot_wal_keep_size`.",
        doc: "replication",
        next: LIVE,
        look: |scene| slots(scene, |one| text(one, "/walStatus") == Some("lost")),
    },
    Rule {
        id: "slot_inactive",
        severity: Severity::Warning,
        says: "a replication slot keeps WAL for a consumer that is not connected: the WAL volume fills up",
        advice: "Bring its consumer back, or drop the slot if that is gone for good.",
        doc: "replication",
        next: LIVE,
        look: |scene| {
            let kept = |one: &Value| matches!(text(one, "/walStatus"), Some("extended" | "unreserved"));
            slots(scene, |one| one.pointer("/active").and_then(Value::as_bool) == Some(false) && kept(one))
        },
    },
    Rule {
        id: "restart_pending",
        severity: Severity::Info,
        says: "parameters wait for a restart",
        advice: "The operator restarts by itself unless updates of the primary are supervised.",
        doc: "postgresql_conf",
        next: ("get_cluster_status", "{\"sections\": [\"live\"]}"),
        look: |scene| scene.live_where(|status| yes(status, "/pendingRestart")),
    },
    Rule {
        id: "lease_elsewhere",
        severity: Severity::Warning,
        says: "the primary lease is held by another instance than the current primary",
        advice: "It settles after a failover; if it stays, look at the operator's log.",
        doc: "failover",
        next: LIVE,
        look: |scene| {
            let holder = text(scene.lease()?, "/spec/holderIdentity")?;
            let primary = scene.cluster.primary()?;
            (holder != primary).then(|| format!("held by {}, primary is {}", short(holder), short(primary)))
        },
    },
    Rule {
        id: "asynchronous",
        severity: Severity::Info,
        says: "replication is asynchronous: a failover may lose the last commits",
        advice: "`spec.postgresql.synchronous` makes commits wait for standbys.",
        doc: "replication",
        next: ("get_cluster_status", ""),
        look: |scene| {
            let apart = scene.cluster.instances() > 1 && scene.cluster.synchronous().is_none();
            apart.then(|| format!("{} instances, no synchronous standbys asked for", scene.cluster.instances()))
        },
    },
];
