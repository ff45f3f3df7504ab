//! Section "certificates": when they end. Reads only the Cluster's status; no Secret is looked at.

use serde_json::Value;

use super::section::Section;
use crate::cluster::Cluster;
use crate::json::json;
use crate::text::table;
use crate::time;

/// Shorter than this a certificate deserves a word: CloudNativePG renews its own 7 days ahead, so 30 means user-provided or stuck.
const SOON_SECONDS: i64 = 30 * 86_400;

pub(crate) fn section(cluster: Cluster<'_>, now: i64) -> Section {
    let expirations = cluster.0.pointer("/status/certificates/expirations").and_then(Value::as_object);
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for (secret, stamp) in expirations.into_iter().flatten() {
        let stamp = stamp.as_str().unwrap_or_default();
        let left = time::seconds(stamp).map(|end| end - now);
        let state = match left {
            None => "unknown",
            Some(left) if left <= 0 => "expired",
            Some(left) if left < SOON_SECONDS => "soon",
            Some(_) => "ok",
        };
        rows.push(vec![secret.clone(), stamp.to_owned(), left.map(time::span).unwrap_or_default(), state.to_owned()]);
        all.push(json!({"secret": secret, "expires": stamp, "state": state}));
    }
    let none = if rows.is_empty() { "The status names no certificates yet.\n" } else { "" };
    let text = format!("{none}{}", table(&["Secret", "Expires", "In", "State"], &rows));
    Section::new("certificates", text, Value::Array(all))
}
