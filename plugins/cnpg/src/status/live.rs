//! Section "live": what PostgreSQL itself says, through `GET pods/https:{pod}:8000/proxy/pg/status`. The instance manager answers it
//! without authentication to the API server's proxy (CloudNativePG `pkg/management/postgres/webserver/remote.go`; fields:
//! `pkg/postgres/status.go`).

use serde_json::Value;

use super::instances::is_instance;
use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::call::{Call, parse};
use crate::cluster::Cluster;
use crate::explain::{Action, explain};
use crate::json::{integer, json, list, text};
use crate::kind::PODS;
use crate::problem::Problem;
use crate::text::table;

/// Instances asked, one request each: enough for every cluster but the odd one, and bounded.
const ASKED: usize = 9;

/// What one instance says of itself.
pub(crate) fn ask(call: &Call<'_>, namespace: &str, pod: &str) -> Result<Value, Problem> {
    let target = PODS.within(namespace).named(format!("https:{pod}:8000"));
    let action = Action { verb: "get", target: &target, subresource: "proxy" };
    let reply = call.api.get_proxy(&target, "/pg/status").map_err(|status| explain(status, &action))?;
    parse(&reply.body)
}

fn describe(pod: &str, status: &Value) -> (Value, Vec<String>) {
    let yes = |pointer: &str| status.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
    let word = |pointer: &str| text(status, pointer);
    let primary = yes("/isPrimary");
    let lsn = if primary { word("/currentLsn") } else { word("/replayLsn").or_else(|| word("/receivedLsn")) };
    let mut notes = Vec::new();
    for (pointer, words) in [
        ("/pendingRestart", "restart pending"),
        ("/replayPaused", "replay paused"),
        ("/isPgRewindRunning", "pg_rewind running"),
        ("/mightBeUnavailable", "might be unavailable"),
    ] {
        if yes(pointer) {
            notes.push(words.to_owned());
        }
    }
    if !primary && !yes("/isWalReceiverActive") {
        notes.push("WAL receiver not active".into());
    }
    let archive = primary.then(|| json!({"last_archived": word("/lastArchivedWAL"), "last_failed": word("/lastFailedWAL"), "waiting": integer(status, "/readyWalFiles")}));
    // A failure that a later success made up for is history. Both stamps are RFC 3339 in UTC.
    let made_up_for = word("/lastArchivedWALTime") > word("/lastFailedWALTime");
    if let Some(failed) = word("/lastFailedWAL").filter(|_| primary && !made_up_for) {
        notes.push(format!("archiving fails at WAL {failed}"));
    }
    let row = vec![
        pod.to_owned(),
        if primary { "primary" } else { "replica" }.into(),
        lsn.unwrap_or_default().into(),
        notes.join(", "),
    ];
    let structured = json!({"pod": pod, "primary": primary, "lsn": lsn, "notes": notes, "archive": archive, "timeline": integer(status, "/timeLineID")});
    (structured, row)
}

/// pg_stat_replication as the primary sees it.
fn replication(status: &Value) -> (Vec<Value>, Vec<Vec<String>>) {
    let keys = [
        ("applicationName", "name"),
        ("state", "state"),
        ("syncState", "sync"),
        ("writeLag", "write_lag"),
        ("flushLag", "flush_lag"),
        ("replayLag", "replay_lag"),
    ];
    let one = |entry: &Value| {
        let word =
            |key: &str| entry.get(key).map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).unwrap_or_default();
        let structured: Value = Value::Object(keys.iter().map(|(from, to)| ((*to).to_owned(), word(from).into())).collect());
        (structured, keys.iter().map(|(from, _)| word(from)).collect())
    };
    list(status, "/replicationInfo").iter().map(one).unzip()
}

pub(crate) fn section(call: &Call<'_>, parts: &Parts, cluster: Cluster<'_>) -> Option<Section> {
    let pods = match parts.get(&Part::Pods)? {
        Ok(pods) => pods,
        Err(problem) => {
            let (text, structured) = unread(problem);
            return Some(Section::new("live", text, structured));
        }
    };
    let running = |one: &&Value| is_instance(one) && text(one, "/status/phase") == Some("Running");
    let names: Vec<&str> =
        list(pods, "/items").iter().filter(running).filter_map(|one| text(one, "/metadata/name")).take(ASKED).collect();
    let (mut rows, mut all, mut lag, mut lag_rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for pod in names {
        match ask(call, cluster.namespace(), pod) {
            Ok(status) => {
                let (structured, row) = describe(pod, &status);
                let (more, more_rows) = replication(&status);
                all.push(structured);
                rows.push(row);
                lag.extend(more);
                lag_rows.extend(more_rows);
            }
            // Without permission every further request would say the same.
            Err(problem) if problem.code == 403 => {
                let (text, structured) = unread(&problem);
                return Some(Section::new("live", text, structured));
            }
            Err(problem) => {
                rows.push(vec![pod.to_owned(), String::new(), String::new(), format!("no answer: {}", problem.message)]);
                all.push(json!({"pod": pod, "unavailable": problem.message}));
            }
        }
    }
    let none = if rows.is_empty() { "No running instance to ask.\n" } else { "" };
    let lag_header = ["Standby", "State", "Sync", "Write lag", "Flush lag", "Replay lag"];
    let text = format!("{none}{}{}", table(&["Pod", "Role", "LSN", "Notes"], &rows), table(&lag_header, &lag_rows));
    Some(Section::new("live", text, json!({"instances": all, "replication": lag})))
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::describe;

    #[test]
    fn only_a_failure_of_archiving_that_nothing_made_up_for_is_told() {
        let mut status = json!({"isPrimary": true, "lastFailedWAL": "00000002", "lastFailedWALTime": "2026-11-21T10:00:00Z",
            "lastArchivedWALTime": "2026-11-21T09:00:00Z"});
        assert!(describe("db-1", &status).0["notes"][0].as_str().is_some_and(|note| note.contains("00000002")));
        status["lastArchivedWALTime"] = json!("2026-11-21T11:00:00Z");
        assert_eq!(describe("db-1", &status).0["notes"], json!([]));
    }

    #[test]
    fn a_replica_without_a_wal_receiver_is_told() {
        let status = json!({"isPrimary": false, "replayLsn": "0/1", "isWalReceiverActive": false, "pendingRestart": true});
        assert_eq!(describe("db-2", &status).0["notes"], json!(["restart pending", "WAL receiver not active"]));
    }
}
