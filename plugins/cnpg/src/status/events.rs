//! Section "events": recent warnings about the cluster and what belongs to it.

use serde_json::Value;

use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::cluster::Cluster;
use crate::json::{integer, json, list, text};
use crate::text::{short, table};
use crate::time;

/// Events shown, newest first.
const SHOWN: usize = 15;

pub(crate) fn last_seen(event: &Value) -> &str {
    let stamps = ["/lastTimestamp", "/series/lastObservedTime", "/eventTime", "/metadata/creationTimestamp"];
    stamps.iter().find_map(|pointer| text(event, pointer)).unwrap_or_default()
}

/// The cluster itself, or an object that carries its name with a suffix: `db-1`, `db-1-wal`, `db-2-join`.
pub(crate) fn concerns(event: &Value, cluster: &str) -> bool {
    let name = text(event, "/involvedObject/name").unwrap_or_default();
    let rest = name.strip_prefix(cluster);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|next| next.starts_with(|one: char| one.is_ascii_digit()))
    })
}

pub(crate) fn describe(event: &Value, now: i64) -> (Value, Vec<String>) {
    let word = |pointer: &str| text(event, pointer).unwrap_or_default().to_owned();
    let object = format!("{}/{}", word("/involvedObject/kind"), word("/involvedObject/name"));
    let (reason, message, seen) = (word("/reason"), short(&word("/message")), last_seen(event));
    let count = integer(event, "/count").or_else(|| integer(event, "/series/count")).unwrap_or(1);
    let row = vec![time::age(Some(seen), now), object.clone(), reason.clone(), count.to_string(), message.clone()];
    (json!({"object": object, "reason": reason, "message": message, "count": count, "last_seen": seen}), row)
}

pub(crate) fn section(parts: &Parts, cluster: Cluster<'_>, now: i64) -> Option<Section> {
    let (text, structured) = match parts.get(&Part::Events)? {
        Err(problem) => unread(problem),
        Ok(found) => {
            let warning = |one: &&Value| text(one, "/type").is_none_or(|kind| kind == "Warning");
            let mut events: Vec<&Value> =
                list(found, "/items").iter().filter(warning).filter(|one| concerns(one, cluster.name())).collect();
            events.sort_by(|a, b| last_seen(b).cmp(last_seen(a)));
            let (all, rows): (Vec<Value>, Vec<Vec<String>>) =
                events.into_iter().take(SHOWN).map(|one| describe(one, now)).unzip();
            let none = if rows.is_empty() { "No warnings.\n" } else { "" };
            (format!("{none}{}", table(&["Seen", "Object", "Reason", "Count", "Message"], &rows)), Value::Array(all))
        }
    };
    Some(Section::new("events", text, structured))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::concerns;

    #[test]
    fn a_cluster_whose_name_begins_alike_is_another_one() {
        let about = |name: &str| json!({"involvedObject": {"name": name}});
        assert!(concerns(&about("db"), "db") && concerns(&about("db-1"), "db") && concerns(&about("db-1-wal"), "db"));
        assert!(!concerns(&about("db-test-1"), "db") && !concerns(&about("dbx"), "db"));
    }
}
