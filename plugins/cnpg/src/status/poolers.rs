//! Section "poolers": PgBouncer in front of the cluster.

use serde_json::Value;

use super::backups::of_cluster;
use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::cluster::Cluster;
use crate::json::{integer, json, text};
use crate::text::table;

fn describe(pooler: &Value) -> (Value, Vec<String>) {
    let name = text(pooler, "/metadata/name").unwrap_or_default();
    let kind = text(pooler, "/spec/type").unwrap_or("rw");
    let mode = text(pooler, "/spec/pgbouncer/poolMode").unwrap_or("session");
    let asked = integer(pooler, "/spec/instances").unwrap_or(1);
    let running = integer(pooler, "/status/instances").unwrap_or(0);
    let paused = pooler.pointer("/spec/pgbouncer/paused").and_then(Value::as_bool).unwrap_or(false);
    let phase = text(pooler, "/status/phase").unwrap_or(if paused { "paused" } else { "-" });
    let row = vec![name.to_owned(), kind.to_owned(), mode.to_owned(), format!("{running}/{asked}"), phase.to_owned()];
    let structured = json!({
        "name": name, "type": kind, "pool_mode": mode, "instances": asked, "running": running, "paused": paused, "phase": phase,
    });
    (structured, row)
}

pub(crate) fn section(parts: &Parts, cluster: Cluster<'_>) -> Option<Section> {
    let (text, structured) = match parts.get(&Part::Poolers)? {
        Err(problem) => unread(problem),
        Ok(found) => {
            let found = of_cluster(found, cluster.name());
            let (all, rows): (Vec<Value>, Vec<Vec<String>>) = found.into_iter().map(describe).unzip();
            let none = if rows.is_empty() { "No poolers.\n" } else { "" };
            (format!("{none}{}", table(&["Pooler", "Type", "Mode", "Running", "Phase"], &rows)), Value::Array(all))
        }
    };
    Some(Section::new("poolers", text, structured))
}
