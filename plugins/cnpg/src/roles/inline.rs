//! Edits of `spec.managed.roles`. The list is atomic for the API server, so that each edit is a JSON patch that tests the entry it was
//! decided on; a merge patch or an apply would throw away what others wrote into the list.

use serde_json::Value;

use crate::atomic::{self, Edit};
use crate::json::{list, merged, text};

const PATH: &[&str] = &["spec", "managed", "roles"];

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
pub(crate) fn add(cluster: &Value, entry: &Value) -> Edit {
    atomic::append(cluster, PATH, entry)
}

/// Puts `wanted` in the place of the entry of that name, or takes the entry out. `None`: there is none.
pub(crate) fn replace(cluster: &Value, name: &str, wanted: Option<&Value>) -> Option<Edit> {
    let at = list(cluster, "/spec/managed/roles").iter().position(|one| text(one, "/name") == Some(name))?;
    Some(atomic::replace(cluster, PATH, at, wanted))
}
