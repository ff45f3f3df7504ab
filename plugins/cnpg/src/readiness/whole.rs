//! What speaks against a switchover of the cluster, whoever takes over.

use serde_json::Value;

use super::{Facts, Finding, Weight};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{integer, text};
use crate::phase::{self, Health};
use crate::text::{count, short};

/// Files that wait to be archived before the primary may stop: more are told.
const BACKLOG: i64 = 10;

pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let cluster = facts.cluster;
    let mut out = Vec::new();
    let mut add = |weight: Weight, words: String| out.push(Finding { weight, words });
    for refusal in [guard::is_awake(cluster), guard::is_not_moving(cluster)] {
        if let Err(problem) = refusal {
            add(Weight::Forbids, problem.message.into());
        }
    }
    let Some(primary) = cluster.primary() else {
        add(Weight::Forbids, "it has no primary yet".into());
        return out;
    };
    // A supervised update waits for exactly this.
    if !matches!(phase::health(cluster.phase()), Health::Healthy | Health::NeedsAttention) {
        let reason = cluster.phase_reason().map(|one| format!(" ({})", short(one))).unwrap_or_default();
        add(Weight::Risks, format!("its phase is \"{}\"{reason}", short(cluster.phase().unwrap_or("not known"))));
    }
    if is_replica_cluster(cluster) {
        add(Weight::Risks, "it is a replica cluster: this moves its designated primary and makes nothing writable".into());
    }
    if let Some(holder) = facts.lease.as_ref().and_then(|lease| text(lease, "/spec/holderIdentity")).filter(|one| *one != primary)
    {
        add(Weight::Risks, format!("the primary lease is held by {}, not by {}", short(holder), short(primary)));
    }
    match facts.live(primary) {
        Some(live) => archiving(live, cluster, &mut add),
        None => add(
            Weight::Risks,
            format!("the primary {} cannot be asked, so no lag is known: {}", short(primary), facts.silence(primary)),
        ),
    }
    let delay = integer(cluster.0, "/spec/switchoverDelay").unwrap_or(3600);
    add(
        Weight::Notes,
        format!(
            "writes stop from the moment the primary shuts down (at most {delay} s, `switchoverDelay`) until the new one accepts them"
        ),
    );
    out
}

fn archiving(live: &Value, cluster: Cluster<'_>, add: &mut dyn FnMut(Weight, String)) {
    let failing = cluster.condition("ContinuousArchiving").is_some_and(|one| text(one, "/status") == Some("False"));
    if failing {
        add(
            Weight::Risks,
            "WAL archiving fails: the primary keeps trying to archive before it stops, which can take all of that time".into(),
        );
    }
    if let Some(waiting) = integer(live, "/readyWalFiles").filter(|one| *one > BACKLOG) {
        add(Weight::Notes, format!("{} to be archived before the primary stops", count(waiting, "WAL file")));
    }
}

/// Whether it follows another cluster.
fn is_replica_cluster(cluster: Cluster<'_>) -> bool {
    let replica = |key: &str| text(cluster.0, &format!("/spec/replica/{key}"));
    if let Some(primary) = replica("primary") {
        return primary != replica("self").unwrap_or(cluster.name());
    }
    cluster.0.pointer("/spec/replica/enabled").and_then(Value::as_bool) == Some(true)
}
