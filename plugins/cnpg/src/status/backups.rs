//! Section "backups": how far back and how recently the cluster can be restored. Also tells deletion how old the last good backup is.

use serde_json::Value;

use super::part::{PAGE, Part, Parts};
use super::section::{Section, unread};
use crate::backup::Backup;
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::problem::Problem;
use crate::text::{short, table};
use crate::time;

/// Backups shown, newest first; `list_backups` is the tool for all of them.
const SHOWN: usize = 5;

/// Items of a list whose `spec.cluster.name` is this cluster: these kinds carry no reliable label.
pub(crate) fn of_cluster<'a>(found: &'a Value, name: &str) -> Vec<&'a Value> {
    list(found, "/items").iter().filter(|one| text(one, "/spec/cluster/name") == Some(name)).collect()
}

/// The newest completed backup among these.
pub(crate) fn last_good<'a>(backups: &[&'a Value]) -> Option<&'a str> {
    backups.iter().map(|one| Backup(one)).filter(|one| one.is_completed()).map(Backup::moment).max()
}

/// The object stores that the Barman Cloud plugin writes to: name, and under which server name. Left out, that is the cluster's.
pub(crate) fn stores(cluster: Cluster<'_>) -> Vec<(&str, &str)> {
    let one = |plugin| {
        let store = text(plugin, "/parameters/barmanObjectName")?;
        Some((store, text(plugin, "/parameters/serverName").unwrap_or_else(|| cluster.name())))
    };
    list(cluster.0, "/spec/plugins").iter().filter_map(one).collect()
}

fn one_backup(backup: &Value, now: i64) -> (Value, Vec<String>) {
    let word = |pointer: &str| text(backup, pointer).unwrap_or_default().to_owned();
    let (name, phase, when) = (word("/metadata/name"), word("/status/phase"), Backup(backup).moment());
    let method = text(backup, "/status/method").or_else(|| text(backup, "/spec/method")).unwrap_or_default();
    let error = text(backup, "/status/error").map(short);
    let row = vec![name.clone(), method.to_owned(), phase.clone(), time::age(Some(when), now), error.clone().unwrap_or_default()];
    (json!({"name": name, "method": method, "phase": phase, "at": when, "error": error}), row)
}

fn backups(out: &mut String, found: &Result<Value, Problem>, cluster: Cluster<'_>, now: i64) -> Value {
    let found = match found {
        Ok(found) => found,
        Err(problem) => {
            let (words, structured) = unread(problem);
            out.push_str(&words);
            return structured;
        }
    };
    let mut all = of_cluster(found, cluster.name());
    all.sort_by(|a, b| Backup(b).moment().cmp(Backup(a).moment()));
    let (shown, rows): (Vec<Value>, Vec<Vec<String>>) = all.iter().take(SHOWN).map(|one| one_backup(one, now)).unzip();
    let good = last_good(&all);
    match good {
        Some(stamp) => out.push_str(&format!("Last good backup: {} ago ({} in all)\n", time::age(Some(stamp), now), all.len())),
        None => out.push_str("No completed backup.\n"),
    }
    out.push_str(&table(&["Backup", "Method", "Phase", "Age", "Error"], &rows));
    let more = text(found, "/metadata/continue").is_some();
    if more {
        out.push_str(&format!("Only the first {PAGE} backups of the namespace were looked at.\n"));
    }
    json!({"count": all.len(), "last_good": good, "latest": shown, "incomplete": more})
}

fn schedules(out: &mut String, found: &Result<Value, Problem>, cluster: Cluster<'_>, now: i64) -> Value {
    let found = match found {
        Ok(found) => found,
        Err(problem) => {
            let (words, structured) = unread(problem);
            out.push_str(&words);
            return structured;
        }
    };
    let all = of_cluster(found, cluster.name());
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            let word = |pointer: &str| text(one, pointer).unwrap_or_default().to_owned();
            let suspended = one.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false);
            let last = text(one, "/status/lastScheduleTime").map(|stamp| time::age(Some(stamp), now)).unwrap_or_default();
            vec![word("/metadata/name"), word("/spec/schedule"), last, if suspended { "yes" } else { "no" }.into()]
        })
        .collect();
    out.push_str(&table(&["Schedule", "Cron (with seconds)", "Last run", "Suspended"], &rows));
    let structured = all.iter().map(|one| {
        json!({
            "name": text(one, "/metadata/name"), "schedule": text(one, "/spec/schedule"),
            "last_run": text(one, "/status/lastScheduleTime"), "suspended": one.pointer("/spec/suspend"),
        })
    });
    structured.collect()
}

/// Where the plugin writes its recovery window; the Cluster's own fields are only for the in-tree way.
fn windows(out: &mut String, found: &Result<Value, Problem>, cluster: Cluster<'_>) -> Value {
    let found = match found {
        Ok(found) => found,
        Err(problem) => {
            let (words, structured) = unread(problem);
            out.push_str(&words);
            return structured;
        }
    };
    let mut all = Vec::new();
    for (name, server) in stores(cluster) {
        let Some(store) = list(found, "/items").iter().find(|one| text(one, "/metadata/name") == Some(name)) else {
            out.push_str(&format!("Object store `{}`: **there is none of that name**\n", short(name)));
            all.push(json!({"name": name, "server_name": server, "missing": true, "recovery_window": null}));
            continue;
        };
        let window = store.pointer("/status/serverRecoveryWindow").and_then(|servers| servers.get(server));
        let window = window.unwrap_or(&Value::Null);
        let stamp = |key: &str| text(window, key).map_or_else(|| "none".to_owned(), short);
        let (from, last) = (stamp("/firstRecoverabilityPoint"), stamp("/lastSuccessfulBackupTime"));
        let failed =
            text(window, "/lastFailedBackupTime").map(|one| format!(", last failure {}", short(one))).unwrap_or_default();
        let (name, server) = (short(name), short(server));
        out.push_str(&format!("Object store `{name}`, server `{server}`: recoverable from {from}, last backup {last}{failed}\n"));
        all.push(json!({"name": name, "server_name": server, "missing": false, "recovery_window": window}));
    }
    Value::Array(all)
}

pub(crate) fn section(parts: &Parts, cluster: Cluster<'_>, now: i64) -> Option<Section> {
    let mut text = String::new();
    let mut structured = json!({"backups": backups(&mut text, parts.get(&Part::Backups)?, cluster, now)});
    let map = structured.as_object_mut()?;
    if let Some(found) = parts.get(&Part::ScheduledBackups) {
        map.insert("scheduled".into(), schedules(&mut text, found, cluster, now));
    }
    if let Some(found) = parts.get(&Part::ObjectStores) {
        map.insert("object_stores".into(), windows(&mut text, found, cluster));
    }
    Some(Section::new("backups", text, structured))
}
