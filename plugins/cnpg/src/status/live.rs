//! Section "live": what PostgreSQL itself says, through `GET pods/https:{pod}:8000/proxy/pg/status`. The instance manager answers it
//! without authentication to the API server's proxy (CloudNativePG `pkg/management/postgres/webserver/remote.go`).

use serde_json::{Value, json};

use super::instances::is_instance;
use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::call::{Call, parse};
use crate::cluster::Cluster;
use crate::explain::{Action, explain};
use crate::json::{integer, list, text};
use crate::kind::PODS;
use crate::problem::Problem;
use crate::text::table;

/// Instances asked, one request each: enough for every cluster but the odd one, and bounded.
const ASKED: usize = 9;

fn ask(call: &Call<'_>, namespace: &str, pod: &str) -> Result<Value, Problem> {
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
        ("/isFenced", "fenced"),
    ] {
        if yes(pointer) {
            notes.push(words.to_owned());
        }
    }
    if !primary && !yes("/isWalReceiverActive") {
        notes.push("WAL receiver not active".into());
    }
    let archive = primary.then(|| json!({"last_archived": word("/lastArchivedWAL"), "last_failed": word("/lastFailedWAL"), "waiting": integer(status, "/readyWalFiles")}));
    if let Some(failed) = word("/lastFailedWAL").filter(|_| primary) {
        notes.push(format!("last WAL that failed to archive: {failed}"));
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
