//! A small CloudNativePG operator: one visible step at a time towards what each Cluster asks for.
//! Must not run PostgreSQL or bypass the API's rules. Phases and conditions: CNPG `api/v1/cluster_types.go`.
//! Annotation `kubesim/stuck: REASON` on a Cluster keeps it from getting its second instance.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::inside::{merge, remove};
use crate::object::{at, is_terminating, name, namespace, now, text};
use crate::server::Shared;
use crate::store::State;

mod attached;
mod children;
mod hibernation;
mod status;

use children::{Instance, instances};

/// Steps whenever something changed, until the server stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(pause) = shared.options.operator_step else { return };
    let mut bell = shared.store.subscribe();
    bell.mark_changed();
    while bell.changed().await.is_ok() {
        loop {
            tokio::select! {
                () = shared.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let before = *bell.borrow_and_update();
            shared.store.with(step_all);
            if *bell.borrow() == before {
                break;
            }
        }
    }
}

/// One step for every object that the operator looks after.
fn step_all(state: &mut State) {
    for cluster in all(state, "Cluster") {
        // A refused step (the namespace is going away, say) is tried again at the next change.
        let _ = step(state, &cluster).and_then(|()| attached::roles(state, &cluster));
    }
    for kind in ["Database", "DatabaseRole", "Publication", "Subscription"] {
        all(state, kind).iter().for_each(|object| drop(apply_child(state, kind, object)));
    }
    all(state, "Pooler").iter().for_each(|pooler| drop(attached::pooler(state, pooler)));
    all(state, "Backup").iter().for_each(|backup| drop(back_up(state, backup)));
}

fn all(state: &State, kind: &str) -> Vec<Arc<Value>> {
    let kind = state.kind_named(kind);
    let found = kind.map(|kind| state.list(&kind, "")).unwrap_or_default();
    found.into_iter().filter(|object| !is_terminating(object)).collect()
}

fn step(state: &mut State, cluster: &Value) -> Result<(), ApiError> {
    if text(cluster, &["metadata", "annotations", "cnpg.io/reconciliationLoop"]) == "disabled" {
        return Ok(());
    }
    if at(cluster, &["status", "phase"]).is_null() {
        return children::begin(state, cluster);
    }
    let all = instances(state, cluster);
    if hibernation::is_wanted(cluster) {
        return hibernation::sleep(state, cluster, &all);
    }
    if hibernation::wake(state, cluster, &all)? {
        return Ok(());
    }
    if let Some(starting) = all.iter().find(|instance| !instance.ready) {
        children::start(state, cluster, starting)?;
        return settle(state, cluster);
    }
    let wanted = usize::try_from(at(cluster, &["spec", "instances"]).as_u64().unwrap_or(1)).unwrap_or(usize::MAX);
    match all.len() {
        has if has < wanted => grow(state, cluster),
        has if has > wanted => shrink(state, cluster, &all),
        _ => switch_over(state, cluster, &all),
    }
}

fn grow(state: &mut State, cluster: &Value) -> Result<(), ApiError> {
    let stuck = text(cluster, &["metadata", "annotations", "kubesim/stuck"]);
    if !stuck.is_empty() {
        return status::phase(state, cluster, "Unable to create required cluster objects", stuck);
    }
    let number = children::next_number(state, cluster);
    let instance = format!("{}-{number}", name(cluster));
    status::phase(state, cluster, "Creating a new replica", &format!("Creating replica {instance}"))?;
    children::create(state, cluster, number, "replica")?;
    settle(state, cluster)
}

/// The highest number goes, the primary never.
fn shrink(state: &mut State, cluster: &Value, all: &[Instance]) -> Result<(), ApiError> {
    let primary = text(cluster, &["status", "currentPrimary"]);
    let last = all.iter().filter(|instance| instance.name != primary).max_by_key(|instance| instance.number);
    if let Some(last) = last {
        remove(state, "Pod", namespace(cluster), &last.name)?;
        remove(state, "PersistentVolumeClaim", namespace(cluster), &last.name)?;
    }
    settle(state, cluster)
}

/// A target primary that is not the current one takes over; otherwise all is well.
fn switch_over(state: &mut State, cluster: &Value, all: &[Instance]) -> Result<(), ApiError> {
    let (current, target) = (text(cluster, &["status", "currentPrimary"]), text(cluster, &["status", "targetPrimary"]));
    let is_there = all.iter().any(|instance| instance.name == target);
    if current == target || !is_there {
        children::resize(state, cluster)?;
        return settle(state, cluster);
    }
    if text(cluster, &["status", "phase"]) != "Switchover in progress" {
        return status::phase(state, cluster, "Switchover in progress", &format!("Switching over to {target}"));
    }
    for (instance, role) in [(current, "replica"), (target, "primary")] {
        let labels = json!({"cnpg.io/instanceRole": role, "role": role});
        merge(state, "Pod", namespace(cluster), instance, "", &json!({"metadata": {"labels": labels}}))?;
    }
    let status = json!({"currentPrimary": target, "currentPrimaryTimestamp": now()});
    merge(state, "Cluster", namespace(cluster), name(cluster), "status", &json!({"status": status}))?;
    settle(state, cluster)
}

/// Writes what is there into the status; healthy once it is what was asked for.
fn settle(state: &mut State, cluster: &Value) -> Result<(), ApiError> {
    let all = instances(state, cluster);
    let status = status::observed(cluster, &all);
    merge(state, "Cluster", namespace(cluster), name(cluster), "status", &json!({"status": status})).map(drop)
}

/// What the instance manager does with a Database, DatabaseRole, Publication or Subscription once the cluster is up.
fn apply_child(state: &mut State, kind: &str, object: &Value) -> Result<(), ApiError> {
    let generation = at(object, &["metadata", "generation"]);
    let cluster = crate::inside::get(state, "Cluster", namespace(object), text(object, &["spec", "cluster", "name"]));
    let is_up = cluster.is_some_and(|cluster| !text(&cluster, &["status", "currentPrimary"]).is_empty());
    // The password of a DatabaseRole: a new version of its Secret is applied like a new generation.
    let secret = crate::inside::get(state, "Secret", namespace(object), text(object, &["spec", "passwordSecret", "name"]));
    let version = secret.map(|secret| at(&secret, &["metadata", "resourceVersion"]).clone()).unwrap_or_default();
    let is_applied = at(object, &["status", "observedGeneration"]) == generation
        && at(object, &["status", "secretResourceVersion"]) == &version;
    if !is_up || is_applied {
        return Ok(());
    }
    let mut status = json!({"applied": true, "observedGeneration": generation, "message": null});
    if let ("DatabaseRole", Some(map)) = (kind, status.as_object_mut()) {
        map.insert("secretResourceVersion".into(), version);
    }
    merge(state, kind, namespace(object), name(object), "status", &json!({"status": status})).map(drop)
}

/// A backup of a cluster that is up completes in two steps.
fn back_up(state: &mut State, backup: &Value) -> Result<(), ApiError> {
    let status = match text(backup, &["status", "phase"]) {
        "" => json!({"phase": "running", "startedAt": now()}),
        "running" => json!({"phase": "completed", "stoppedAt": now()}),
        _ => return Ok(()),
    };
    merge(state, "Backup", namespace(backup), name(backup), "status", &json!({"status": status})).map(drop)
}
