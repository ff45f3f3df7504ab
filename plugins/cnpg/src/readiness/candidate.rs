//! What speaks for and against one replica as the next primary.

use serde_json::Value;

use super::{Facts, Finding, Weight, position, weighing};
use crate::instance::{is_fenced, is_healthy};
use crate::json::{integer, json, list, text};
use crate::text::short;

/// One replica, judged.
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) findings: Vec<Finding>,
    /// WAL that the primary has written and this one has not received.
    pub(crate) lag_bytes: Option<i64>,
    replay_lag: Option<String>,
    /// As the primary calls it: `async`, `sync`, `quorum`.
    sync: Option<String>,
}

/// Judges one instance.
pub(super) fn judge(facts: &Facts<'_>, name: &str) -> Candidate {
    let mut one = Candidate { name: name.into(), findings: Vec::new(), lag_bytes: None, replay_lag: None, sync: None };
    let cluster = facts.cluster;
    if is_fenced(cluster, name) {
        one.add(Weight::Forbids, "it is fenced: PostgreSQL is stopped there on purpose".into());
    }
    match facts.instances.find(name) {
        None => one.add(Weight::Forbids, "there is no pod of it".into()),
        Some(pod) if text(pod, "/metadata/deletionTimestamp").is_some() => {
            one.add(Weight::Forbids, "its pod is being deleted".into());
        }
        Some(pod) if !is_healthy(pod, cluster) => one.add(Weight::Risks, "its pod is not ready".into()),
        Some(_) => {}
    }
    if one.findings.is_empty() {
        one.replication(facts);
    }
    one
}

impl Candidate {
    fn add(&mut self, weight: Weight, words: String) {
        self.findings.push(Finding { weight, words });
    }

    fn replication(&mut self, facts: &Facts<'_>) {
        let name = self.name.clone();
        let Some(own) = facts.live(&name) else {
            self.add(Weight::Risks, format!("it cannot be asked: {}", facts.silence(&name)));
            return;
        };
        self.itself(own);
        let Some(primary) = facts.cluster.primary().and_then(|one| facts.live(one)) else { return };
        self.beside(own, primary);
        let Some(lag) = position(text(primary, "/currentLsn")).zip(position(received(own))).map(|(has, got)| (has - got).max(0))
        else {
            self.add(Weight::Risks, "its lag is not known".into());
            return;
        };
        self.lag_bytes = Some(lag);
        if lag > facts.lag_max {
            self.add(Weight::Risks, format!("it is {lag} bytes of WAL behind (more than {})", facts.lag_max));
        }
    }

    /// What it says of itself.
    fn itself(&mut self, own: &Value) {
        let yes = |pointer: &str| own.pointer(pointer).and_then(Value::as_bool) == Some(true);
        if !yes("/isWalReceiverActive") {
            self.add(Weight::Risks, "its WAL receiver is not active: it does not stream".into());
        }
        for (pointer, words) in
            [("/isPgRewindRunning", "pg_rewind runs on it"), ("/mightBeUnavailable", "it says that it might be unavailable")]
        {
            if yes(pointer) {
                self.add(Weight::Risks, words.into());
            }
        }
        if yes("/replayPaused") {
            self.add(Weight::Risks, "its replay is paused: promotion waits until somebody resumes it".into());
        }
        if yes("/pendingRestart") {
            self.add(Weight::Notes, "it waits for a restart to use all parameters".into());
        }
    }

    /// What the primary says of it.
    fn beside(&mut self, own: &Value, primary: &Value) {
        let timelines = (integer(own, "/timeLineID"), integer(primary, "/timeLineID"));
        if let (Some(own), Some(of_primary)) = timelines
            && own != of_primary
        {
            self.add(Weight::Risks, format!("it is on timeline {own}, the primary on {of_primary}"));
        }
        let name = self.name.clone();
        let listed = list(primary, "/replicationInfo").iter().find(|one| text(one, "/applicationName") == Some(&name));
        match listed {
            None => self.add(Weight::Risks, "the primary does not stream to it".into()),
            Some(one) => {
                let state = text(one, "/state").unwrap_or_default();
                if state != "streaming" {
                    self.add(Weight::Risks, format!("its replication is `{}`, not streaming", short(state)));
                }
                self.replay_lag = text(one, "/replayLag").map(short);
                self.sync = text(one, "/syncState").map(short);
            }
        }
        // CloudNativePG names the slot after the instance, with `_` for `-`.
        let slot = format!("_{}", name.replace('-', "_"));
        let of_it = |one: &&Value| text(one, "/slotName").is_some_and(|known| known.ends_with(&slot));
        let status = list(primary, "/replicationSlotsInfo").iter().find(of_it).and_then(|one| text(one, "/walStatus"));
        if let Some(status @ ("lost" | "unreserved")) = status {
            self.add(Weight::Risks, format!("its replication slot is `{status}`: WAL that it needs may be gone"));
        }
    }

    /// Whether it can take over without force, the cluster willing.
    pub(crate) fn is_ready(&self) -> bool {
        self.findings.iter().all(|one| one.weight == Weight::Notes)
    }

    pub(crate) fn structured(&self) -> Value {
        json!({
            "instance": self.name, "ready": self.is_ready(), "lag_bytes": self.lag_bytes, "replay_lag": self.replay_lag, "sync_state": self.sync,
            "blockers": weighing(&self.findings, Weight::Forbids), "risks": weighing(&self.findings, Weight::Risks),
            "notes": weighing(&self.findings, Weight::Notes),
        })
    }

    pub(crate) fn row(&self) -> Vec<String> {
        let words: Vec<&str> = self.findings.iter().map(|one| one.words.as_str()).collect();
        vec![
            self.name.clone(),
            if self.is_ready() { "yes" } else { "**no**" }.into(),
            self.lag_bytes.map(|one| format!("{one} B")).unwrap_or_default(),
            self.replay_lag.clone().unwrap_or_default(),
            self.sync.clone().unwrap_or_default(),
            words.join("; "),
        ]
    }
}

/// What it has on disk; replay may be further behind.
fn received(own: &Value) -> Option<&str> {
    text(own, "/receivedLsn").or_else(|| text(own, "/replayLsn"))
}
