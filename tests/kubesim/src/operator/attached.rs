//! What hangs on a Cluster and is no object of its own or has no `applied`: the roles of `spec.managed.roles`, and poolers.
//! Must not touch pods. CNPG docs "PostgreSQL role management" (`status.managedRolesStatus`) and "Connection pooling".

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::inside::{get, merge};
use crate::object::{at, list, name, namespace, text};
use crate::store::State;

/// As `status.managedRolesStatus.byStatus` calls what is to be done yet.
const PENDING: &str = "pending-reconciliation";

/// The instance manager's part: a role that is not as declared, or whose Secret is not the one that was applied, is pending in one step
/// and reconciled in the next.
pub(super) fn roles(state: &mut State, cluster: &Value) -> Result<(), ApiError> {
    let declared = list(cluster, &["spec", "managed", "roles"]);
    let known = at(cluster, &["status", "managedRolesStatus"]);
    if (declared.is_empty() && known.is_null()) || text(cluster, &["status", "currentPrimary"]).is_empty() {
        return Ok(());
    }
    let pending_before = list(known, &["byStatus", PENDING]);
    let (mut pending, mut reconciled) = (Vec::new(), Vec::new());
    // A merge patch removes what is null: a role that is declared no more has no password either.
    let mut applied: Map<String, Value> =
        at(known, &["passwordStatus"]).as_object().into_iter().flatten().map(|(role, _)| (role.clone(), Value::Null)).collect();
    for role in declared {
        let (name, wanted) = (text(role, &["name"]), fingerprint(state, cluster, role));
        let before = at(known, &["passwordStatus", name]);
        if *before == wanted || pending_before.iter().any(|one| one == name) {
            reconciled.push(name);
            applied.insert(name.to_owned(), wanted);
        } else {
            pending.push(name);
            applied.insert(name.to_owned(), before.clone());
        }
    }
    let group = |names: Vec<&str>| if names.is_empty() { Value::Null } else { json!(names) };
    let by_status = json!({"reconciled": group(reconciled), PENDING: group(pending)});
    let status = json!({"managedRolesStatus": {"byStatus": by_status, "passwordStatus": applied}});
    merge(state, "Cluster", namespace(cluster), name(cluster), "status", &json!({"status": status})).map(drop)
}

/// What tells one declaration of a role from another: its Secret's version, and in the place of PostgreSQL's transaction a hash of the entry.
fn fingerprint(state: &State, cluster: &Value, role: &Value) -> Value {
    let mut hasher = DefaultHasher::new();
    role.to_string().hash(&mut hasher);
    let secret = get(state, "Secret", namespace(cluster), text(role, &["passwordSecret", "name"]));
    let version = secret.map(|secret| at(&secret, &["metadata", "resourceVersion"]).clone());
    let mut fingerprint = json!({"transactionID": hasher.finish() >> 32});
    if let (Some(version), Some(map)) = (version, fingerprint.as_object_mut()) {
        map.insert("resourceVersion".to_owned(), version);
    }
    fingerprint
}

/// The Deployment's part: all the instances of a pooler run once its cluster is up.
pub(super) fn pooler(state: &mut State, pooler: &Value) -> Result<(), ApiError> {
    let cluster = get(state, "Cluster", namespace(pooler), text(pooler, &["spec", "cluster", "name"]));
    if cluster.is_none_or(|cluster| text(&cluster, &["status", "currentPrimary"]).is_empty()) {
        return Ok(());
    }
    let instances = at(pooler, &["spec", "instances"]).as_u64().unwrap_or(1);
    merge(state, "Pooler", namespace(pooler), name(pooler), "status", &json!({"status": {"instances": instances}})).map(drop)
}
