//! Deletion: preconditions, finalizers, propagation, and the garbage collector that follows owner references.
//! Must not read HTTP. The real collector runs in kube-controller-manager and later; here it runs in the same lock.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::kind::ResourceType;
use crate::object::{at, is_terminating, list, now, put, remove, text, uid, version};
use crate::store::{Key, State, key};

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Propagation {
    /// They follow.
    #[default]
    Background,
    /// They go first.
    Foreground,
    /// They stay, without their owner reference.
    Orphan,
}

/// `DeleteOptions`, from the body and the query.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    /// `dryRun=All`.
    pub(crate) dry_run: bool,
    /// `preconditions.uid`.
    pub(crate) uid: Option<String>,
    /// `preconditions.resourceVersion`.
    pub(crate) version: Option<String>,
    /// `propagationPolicy`.
    pub(crate) propagation: Propagation,
}

/// What came of a deletion.
#[derive(Clone, Debug)]
pub(crate) struct Deleted {
    /// The object as it was last.
    pub(crate) object: Arc<Value>,
    /// False while finalizers hold it.
    pub(crate) gone: bool,
}

/// Deletes one object.
///
/// # Errors
/// 404, or 409 for a precondition that does not hold.
pub(crate) fn delete(
    state: &mut State,
    kind: &ResourceType,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    let live = state.find(kind, namespace, name)?;
    preconditions(kind, &live, options)?;
    if kind.plural == "namespaces" && !options.dry_run {
        empty(state, name);
    }
    let mut finalizers: Vec<Value> = list(&live, &["metadata", "finalizers"]).to_vec();
    match options.propagation {
        Propagation::Foreground => finalizers.push(json!("foregroundDeletion")),
        Propagation::Orphan if !options.dry_run => orphan(state, uid(&live)),
        _ => {}
    }
    if options.dry_run {
        return Ok(Deleted { gone: finalizers.is_empty(), object: live });
    }
    let deleted = if finalizers.is_empty() {
        let last = state.erase(&key(kind, namespace, name)).unwrap_or(live);
        Deleted { object: last, gone: true }
    } else {
        Deleted { object: mark(state, kind, &live, finalizers), gone: false }
    };
    if kind.plural == "customresourcedefinitions" && deleted.gone {
        stop_serving(state, &deleted.object);
    }
    sweep(state);
    Ok(deleted)
}

fn preconditions(kind: &ResourceType, live: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
    let fails = |what: &str, wanted: &Option<String>, is: &str| {
        let wanted = wanted.as_deref().filter(|wanted| *wanted != is)?;
        let why = format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {is}");
        Some(ApiError::conflict(kind, crate::object::name(live), &why))
    };
    let failed = fails("UID", &options.uid, uid(live)).or_else(|| fails("ResourceVersion", &options.version, version(live)));
    failed.map_or(Ok(()), Err)
}

/// Sets the deletion timestamp; asking again changes nothing.
fn mark(state: &mut State, kind: &ResourceType, live: &Arc<Value>, mut finalizers: Vec<Value>) -> Arc<Value> {
    if is_terminating(live) {
        return Arc::clone(live);
    }
    finalizers.dedup();
    let mut object = Value::clone(live);
    put(&mut object, &["metadata", "deletionTimestamp"], json!(now()));
    put(&mut object, &["metadata", "deletionGracePeriodSeconds"], json!(0));
    put(&mut object, &["metadata", "finalizers"], Value::Array(finalizers));
    if let Some(generation) = at(&object, &["metadata", "generation"]).as_u64() {
        put(&mut object, &["metadata", "generation"], json!(generation + 1));
    }
    state.commit(kind, object)
}

/// Deletes what a namespace holds.
fn empty(state: &mut State, namespace: &str) {
    let keys: Vec<Key> = state.everything().map(|(key, _)| key.clone()).filter(|key| key.1 == namespace).collect();
    keys.iter().for_each(|key| follow(state, key));
}

fn follow(state: &mut State, key: &Key) {
    let Some(kind) = state.kind_of(&key.0) else { return };
    let Some(live) = state.get(&kind, &key.1, &key.2) else { return };
    let finalizers = list(&live, &["metadata", "finalizers"]).to_vec();
    if finalizers.is_empty() {
        state.erase(key);
    } else {
        mark(state, &kind, &live, finalizers);
    }
}

fn stop_serving(state: &mut State, crd: &Value) {
    let resource = crate::object::name(crd).to_owned();
    let keys: Vec<Key> = state.everything().map(|(key, _)| key.clone()).filter(|key| key.0 == resource).collect();
    for key in &keys {
        state.erase(key);
    }
    state.stop_serving(&resource);
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    list(object, &["metadata", "ownerReferences"]).iter().map(|owner| text(owner, &["uid"]))
}

fn dependents(state: &State, owner: &str) -> Vec<(Key, Arc<Value>)> {
    let all = state.everything().filter(|(_, object)| owners(object).any(|uid| uid == owner));
    all.map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
}

fn orphan(state: &mut State, owner: &str) {
    for (key, object) in dependents(state, owner) {
        let mut object = Value::clone(&object);
        let kept: Vec<Value> = list(&object, &["metadata", "ownerReferences"])
            .iter()
            .filter(|other| text(other, &["uid"]) != owner)
            .cloned()
            .collect();
        put(&mut object, &["metadata", "ownerReferences"], Value::Array(kept));
        if let Some(kind) = state.kind_of(&key.0) {
            state.commit(&kind, object);
        }
    }
}

/// Deletes what has lost its last owner, and owners that only waited for their dependents, until nothing moves.
pub(crate) fn sweep(state: &mut State) {
    loop {
        let before = state.revision();
        lost(state).iter().for_each(|key| follow(state, key));
        finish_foreground(state);
        if state.revision() == before {
            return;
        }
    }
}

fn lost(state: &State) -> Vec<Key> {
    let live: std::collections::BTreeSet<&str> =
        state.everything().filter(|(_, object)| !is_foreground(object)).map(|(_, object)| uid(object)).collect();
    let is_lost = |object: &Value| owners(object).next().is_some() && owners(object).all(|owner| !live.contains(owner));
    let lost = state.everything().filter(|(_, object)| is_lost(object) && !is_terminating(object));
    lost.map(|(key, _)| key.clone()).collect()
}

fn is_foreground(object: &Value) -> bool {
    is_terminating(object) && list(object, &["metadata", "finalizers"]).contains(&json!("foregroundDeletion"))
}

fn finish_foreground(state: &mut State) {
    let waiting = state.everything().filter(|(_, object)| is_foreground(object) && dependents(state, uid(object)).is_empty());
    let waiting: Vec<(Key, Arc<Value>)> = waiting.map(|(key, object)| (key.clone(), Arc::clone(object))).collect();
    for (key, object) in waiting {
        let Some(kind) = state.kind_of(&key.0) else { continue };
        let mut object = Value::clone(&object);
        let left: Vec<Value> = list(&object, &["metadata", "finalizers"])
            .iter()
            .filter(|known| **known != json!("foregroundDeletion"))
            .cloned()
            .collect();
        if left.is_empty() {
            state.erase(&key);
            continue;
        }
        remove(&mut object, &["metadata", "finalizers"]);
        put(&mut object, &["metadata", "finalizers"], Value::Array(left));
        state.commit(&kind, object);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::store::Store;

    fn owned_by(state: &mut State, name: &str, owner: Option<&str>, finalizer: Option<&str>) {
        let kind = state.kind("", "v1", "configmaps").unwrap();
        let uid = format!("uid-{name}");
        let owners: Vec<Value> = owner.map(|owner| json!({"uid": format!("uid-{owner}")})).into_iter().collect();
        let finalizers: Vec<&str> = finalizer.into_iter().collect();
        let meta = json!({"name": name, "namespace": "default", "uid": uid, "ownerReferences": owners, "finalizers": finalizers});
        state.commit(&kind, json!({"metadata": meta}));
    }

    fn run(propagation: Propagation, finalizer: Option<&str>) -> Vec<String> {
        Store::new(100).with(|state| {
            owned_by(state, "owner", None, None);
            owned_by(state, "child", Some("owner"), finalizer);
            owned_by(state, "grandchild", Some("child"), None);
            let kind = state.kind("", "v1", "configmaps").unwrap();
            let options = DeleteOptions { propagation, ..DeleteOptions::default() };
            delete(state, &kind, "default", "owner", &options).unwrap();
            state.everything().map(|(key, _)| key.2.clone()).collect()
        })
    }

    #[test]
    fn dependents_follow_their_last_owner() {
        assert!(run(Propagation::Background, None).is_empty());
        assert!(run(Propagation::Foreground, None).is_empty());
    }

    #[test]
    fn orphans_stay() {
        assert_eq!(run(Propagation::Orphan, None), ["child", "grandchild"]);
    }

    #[test]
    fn a_finalizer_holds_its_object_and_a_foreground_owner() {
        assert_eq!(run(Propagation::Background, Some("x/y")), ["child", "grandchild"]);
        assert_eq!(run(Propagation::Foreground, Some("x/y")), ["child", "grandchild", "owner"]);
    }
}
