//! Section "failover": who holds the primary lease (CloudNativePG 1.30) and the failover quorum (1.27).

use serde_json::Value;

use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::cluster::Cluster;
use crate::json::{json, text, texts};
use crate::text::short;

fn lease(found: &Value, cluster: Cluster<'_>) -> (String, Value) {
    let holder = text(found, "/spec/holderIdentity");
    let fits = holder == cluster.primary();
    let words = match holder {
        Some(holder) if fits => format!("Primary lease: held by {}\n", short(holder)),
        Some(holder) => format!(
            "Primary lease: held by {}, which is not the current primary ({})\n",
            short(holder),
            short(cluster.primary().unwrap_or("none"))
        ),
        None => "Primary lease: held by nobody\n".into(),
    };
    (words, json!({"holder": holder, "renewed": text(found, "/spec/renewTime"), "is_current_primary": fits}))
}

fn quorum(found: &Value) -> (String, Value) {
    let standbys = texts(found, "/status/standbyNames");
    let number = found.pointer("/status/standbyNumber").cloned().unwrap_or_default();
    let words = format!("Failover quorum: {number} of [{}]\n", short(&standbys.join(", ")));
    (words, json!({"method": text(found, "/status/method"), "standby_names": standbys, "standby_number": number}))
}

pub(crate) fn section(parts: &Parts, cluster: Cluster<'_>) -> Option<Section> {
    let absent = |words: &str| (words.to_owned(), Value::Null);
    let (mut text, lease) = match parts.get(&Part::Lease)? {
        Ok(found) => lease(found, cluster),
        Err(problem) if problem.code == 404 => {
            absent("Primary lease: none (CloudNativePG 1.30 and later keep one once a primary runs)\n")
        }
        Err(problem) => unread(problem),
    };
    let (words, quorum) = match parts.get(&Part::Quorum)? {
        Ok(found) => quorum(found),
        Err(problem) if problem.code == 404 => absent("Failover quorum: not in use\n"),
        Err(problem) => unread(problem),
    };
    text.push_str(&words);
    Some(Section::new("failover", text, json!({"lease": lease, "quorum": quorum})))
}
