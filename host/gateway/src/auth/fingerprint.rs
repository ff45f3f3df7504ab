//! What judged a caller whom a strategy knows, in 32 bytes: the component, what the operator set and granted, and what the endpoint accepts. A
//! stream goes on under another snapshot only while they are the same; else its caller is judged anew.

use portcullis_core::config::{Endpoint, Listener};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::resource;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Of a strategy at an endpoint; `None` if it is not loaded.
pub(crate) fn of(snapshot: &Snapshot, listener: &Listener, endpoint: &Endpoint, plugin: &str) -> Option<[u8; 32]> {
    let strategy = snapshot.strategies.get(plugin)?;
    let config = snapshot.config.plugins.get(plugin);
    let judged_by = json!({
        "component": strategy.descriptor().digest.to_string(),
        "grants": config.map(|it| &it.grants),
        "settings": config.map(|it| &it.settings),
        "resource": resource(listener, &endpoint.path),
        "audiences": endpoint.audiences,
        "ignoresDetails": endpoint.ignores_authorization_details,
    });
    Some(Sha256::digest(judged_by.to_string()).into())
}
