//! The status of a Cluster as the operator writes it.
//! Must not create or delete anything but the status and an Event per phase.

use serde_json::{Value, json};

use super::children::{Instance, event};
use crate::error::ApiError;
use crate::inside::merge;
use crate::object::{at, list, name, namespace, now, text};
use crate::store::State;

/// The phase of a cluster that is what it should be.
const HEALTHY: &str = "Cluster in healthy state";

/// Writes a phase and its reason, once.
pub(super) fn phase(state: &mut State, cluster: &Value, phase: &str, reason: &str) -> Result<(), ApiError> {
    if text(cluster, &["status", "phase"]) == phase && text(cluster, &["status", "phaseReason"]) == reason {
        return Ok(());
    }
    let conditions = conditions(cluster, false, phase);
    let status = json!({"phase": phase, "phaseReason": reason, "conditions": conditions});
    merge(state, "Cluster", namespace(cluster), name(cluster), "status", &json!({"status": status}))?;
    event(state, cluster, phase, reason)
}

/// The status that the instances make, with the healthy phase if nothing is missing.
pub(super) fn observed(cluster: &Value, all: &[Instance]) -> Value {
    let wanted = at(cluster, &["spec", "instances"]).as_u64().unwrap_or(1);
    let ready: Vec<&str> = all.iter().filter(|instance| instance.ready).map(|instance| instance.name.as_str()).collect();
    let waiting: Vec<&str> = all.iter().filter(|instance| !instance.ready).map(|instance| instance.name.as_str()).collect();
    let names: Vec<&str> = all.iter().map(|instance| instance.name.as_str()).collect();
    let latest = all.iter().map(|instance| instance.number).max().unwrap_or_default();
    let latest = latest.max(at(cluster, &["status", "latestGeneratedNode"]).as_u64().unwrap_or_default());
    let mut status = json!({
        "instances": all.len(), "readyInstances": ready.len(), "instanceNames": names, "latestGeneratedNode": latest,
        "pvcCount": all.len(), "healthyPVC": names, "timelineID": 1, "instancesStatus": groups(&ready, &waiting),
    });
    let is_whole = u64::try_from(ready.len()).is_ok_and(|ready| ready == wanted) && waiting.is_empty();
    if is_whole {
        let fields = json!({"phase": HEALTHY, "phaseReason": "", "conditions": conditions(cluster, true, HEALTHY)});
        crate::patch::merge(&mut status, &fields);
    }
    status
}

fn groups(ready: &[&str], waiting: &[&str]) -> Value {
    // A merge patch removes what is null: no group is left over from before.
    let group = |names: &[&str]| if names.is_empty() { Value::Null } else { json!(names) };
    json!({"healthy": group(ready), "replicating": group(waiting)})
}

/// Conditions keep their transition time for as long as their status is the same.
fn conditions(cluster: &Value, ready: bool, phase: &str) -> Value {
    let before = list(cluster, &["status", "conditions"]);
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        let status = if holds { "True" } else { "False" };
        let same = before.iter().find(|known| text(known, &["type"]) == kind && text(known, &["status"]) == status);
        let since = same.map_or_else(now, |known| text(known, &["lastTransitionTime"]).to_owned());
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
    };
    let (reason, message) = if ready { ("ClusterIsReady", "Cluster is Ready") } else { ("ClusterIsNotReady", phase) };
    json!([
        condition("Ready", ready, reason, message),
        condition("ContinuousArchiving", true, "ContinuousArchivingSuccess", "Continuous archiving is working"),
    ])
}
