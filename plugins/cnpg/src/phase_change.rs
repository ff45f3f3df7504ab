//! What `kubectl cnpg` writes into a Cluster's status when it asks the operator for something: a phase, its reason, and the condition
//! Ready that goes with it. Source: CloudNativePG `pkg/resources/status`. Conditions are an atomic list, so all of them are sent.

use serde_json::{Map, Value};

use crate::cluster::Cluster;
use crate::json::{json, text};
use crate::time;

/// The status fields, without what else the caller puts beside them.
pub(crate) fn fields(cluster: Cluster<'_>, phase: &str, reason: &str, now: i64) -> Map<String, Value> {
    let mut conditions = cluster.conditions().to_vec();
    let ready = not_ready(cluster, now);
    match conditions.iter_mut().find(|one| text(one, "/type") == Some("Ready")) {
        Some(one) => *one = ready,
        None => conditions.push(ready),
    }
    let mut map = Map::new();
    map.insert("phase".into(), phase.into());
    map.insert("phaseReason".into(), reason.into());
    map.insert("conditions".into(), conditions.into());
    map
}

/// A condition keeps its transition time for as long as its status is the same.
fn not_ready(cluster: Cluster<'_>, now: i64) -> Value {
    let before = cluster.condition("Ready").filter(|one| text(one, "/status") == Some("False"));
    let since = before.and_then(|one| text(one, "/lastTransitionTime")).map_or_else(|| time::rfc3339(now), str::to_owned);
    json!({
        "type": "Ready", "status": "False", "reason": "ClusterIsNotReady", "message": "Cluster Is Not Ready", "lastTransitionTime": since,
    })
}
