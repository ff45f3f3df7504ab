//! Tools on poolers: PgBouncer in front of a cluster.

mod delete;
mod get;
mod list;
mod pause;
mod set;

use serde_json::Value;

use crate::catalogue::Entry;
use crate::json::{integer, json, text};
use crate::kind::POOLERS;
use crate::name::OBJECT_PATTERN;
use crate::parameter::{Parameter, Takes};
use crate::text::short;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &get::TOOL, &set::TOOL, &pause::PAUSE, &pause::RESUME, &delete::TOOL];

const POOLER: Parameter =
    Parameter::required("name", Takes::Text(OBJECT_PATTERN), "Name of the pooler, which is also that of its service.")
        .naming(POOLERS);

fn is_paused(pooler: &Value) -> bool {
    pooler.pointer("/spec/pgbouncer/paused").and_then(Value::as_bool).unwrap_or(false)
}

/// What lists and details share.
fn summary(pooler: &Value) -> Value {
    let word = |pointer: &str| text(pooler, pointer).map(short);
    json!({
        "name": word("/metadata/name"), "namespace": word("/metadata/namespace"), "cluster": word("/spec/cluster/name"),
        "type": word("/spec/type").unwrap_or_else(|| "rw".into()),
        "pool_mode": word("/spec/pgbouncer/poolMode").unwrap_or_else(|| "session".into()),
        "instances": integer(pooler, "/spec/instances").unwrap_or(1), "running": integer(pooler, "/status/instances").unwrap_or(0),
        "paused": is_paused(pooler), "phase": word("/status/phase"), "phase_reason": word("/status/phaseReason"),
        "created": text(pooler, "/metadata/creationTimestamp"),
    })
}
