//! Edits of `spec.managed.roles`. The list is atomic for the API server, so that each edit is a JSON patch that tests the entry it was
//! decided on; a merge patch or an apply would throw away what others wrote into the list.

use serde_json::{Value, json};

use crate::changing::Operations;
use crate::json::{list, merged, text};

/// Fields that entries do not have.
const NOT_INLINE: [&str; 2] = ["databaseRoleReclaimPolicy", "clientCertificate"];

/// The entry after a merge patch of it.
pub(crate) fn entry(before: &Value, patch: &Value) -> Value {
    let mut entry = merged(before, patch);
    if let Some(map) = entry.as_object_mut() {
        map.retain(|key, _| !NOT_INLINE.contains(&key.as_str()));
    }
    entry
}

/// Appends an entry.
pub(crate) fn add(cluster: &Value, entry: &Value) -> Operations {
    let operation = if cluster.pointer("/spec/managed/roles").is_some_and(Value::is_array) {
        json!({"op": "add", "path": "/spec/managed/roles/-", "value": entry})
    } else if cluster.pointer("/spec/managed").is_some_and(Value::is_object) {
        json!({"op": "add", "path": "/spec/managed/roles", "value": [entry]})
    } else {
        json!({"op": "add", "path": "/spec/managed", "value": {"roles": [entry]}})
    };
    let mut all = list(cluster, "/spec/managed/roles").to_vec();
    all.push(entry.clone());
    operations(vec![operation], all)
}

/// Puts `wanted` in the place of the entry of that name, or takes the entry out. `None`: there is none.
pub(crate) fn replace(cluster: &Value, name: &str, wanted: Option<&Value>) -> Option<Operations> {
    let mut all = list(cluster, "/spec/managed/roles").to_vec();
    let at = all.iter().position(|one| text(one, "/name") == Some(name))?;
    let path = format!("/spec/managed/roles/{at}");
    let test = json!({"op": "test", "path": path, "value": all.get(at)});
    let change = match wanted {
        Some(entry) => json!({"op": "replace", "path": path, "value": entry}),
        None => json!({"op": "remove", "path": path}),
    };
    all.splice(at..=at, wanted.cloned());
    Some(operations(vec![test, change], all))
}

fn operations(operations: Vec<Value>, roles: Vec<Value>) -> Operations {
    Operations { operations, as_merge: json!({"spec": {"managed": {"roles": roles}}}), notes: Vec::new() }
}
