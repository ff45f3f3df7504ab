//! Declarative hibernation: annotation `cnpg.io/hibernation: on` stops all pods and keeps the volumes; anything else brings them back.
//! CNPG docs "Declarative hibernation".

use serde_json::{Value, json};

use super::children::{Instance, create};
use crate::error::ApiError;
use crate::inside::{merge, remove};
use crate::object::{list, name, namespace, now, text};
use crate::store::State;

/// Annotation and condition have one name.
const HIBERNATION: &str = "cnpg.io/hibernation";

/// Whether the cluster should sleep.
pub(super) fn is_wanted(cluster: &Value) -> bool {
    text(cluster, &["metadata", "annotations", HIBERNATION]) == "on"
}

/// Stops all pods, and says so once they are gone.
pub(super) fn sleep(state: &mut State, cluster: &Value, all: &[Instance]) -> Result<(), ApiError> {
    for instance in all {
        remove(state, "Pod", namespace(cluster), &instance.name)?;
    }
    let (status, reason) = if all.is_empty() { ("True", "Hibernated") } else { ("False", "DeletingPods") };
    say(state, cluster, Some((status, reason)), json!({"readyInstances": 0, "instancesStatus": null}))
}

/// The primary comes back first; the others grow as always. True if there was something to do.
pub(super) fn wake(state: &mut State, cluster: &Value, all: &[Instance]) -> Result<bool, ApiError> {
    let sleeps = list(cluster, &["status", "conditions"]).iter().any(|known| text(known, &["type"]) == HIBERNATION);
    if !sleeps {
        return Ok(false);
    }
    let primary = text(cluster, &["status", "currentPrimary"]);
    if all.iter().all(|instance| instance.name != primary) {
        let number = primary.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(1);
        create(state, cluster, number, "primary")?;
    }
    say(state, cluster, None, json!({})).map(|()| true)
}

/// The condition with this status and reason, or without it.
fn say(state: &mut State, cluster: &Value, condition: Option<(&str, &str)>, mut status: Value) -> Result<(), ApiError> {
    let mut conditions: Vec<Value> = list(cluster, &["status", "conditions"]).to_vec();
    let known = conditions.iter().find(|known| text(known, &["type"]) == HIBERNATION).cloned();
    conditions.retain(|known| text(known, &["type"]) != HIBERNATION);
    if let Some((holds, reason)) = condition {
        let same = known.filter(|known| text(known, &["status"]) == holds && text(known, &["reason"]) == reason);
        conditions.push(same.unwrap_or_else(
            || json!({"type": HIBERNATION, "status": holds, "reason": reason, "message": "", "lastTransitionTime": now()}),
        ));
    }
    crate::patch::merge(&mut status, &json!({"conditions": conditions}));
    merge(state, "Cluster", namespace(cluster), name(cluster), "status", &json!({"status": status})).map(drop)
}
