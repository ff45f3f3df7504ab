//! What a kubelet and a running pod would answer: logs, and GET through the API server's proxy.
//! Must not run anything: texts are canned, or given by a test.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::call::{Asked, Call};
use crate::error::ApiError;
use crate::object::{list, name, namespace, text};

/// What tests put in place of the canned answers.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    logs: Mutex<BTreeMap<(String, String), String>>,
    proxied: Mutex<BTreeMap<String, (u16, String)>>,
}

impl Answers {
    /// Gives a pod a log.
    pub(crate) fn set_log(&self, namespace: &str, pod: &str, text: &str) {
        self.logs.lock().insert((namespace.to_owned(), pod.to_owned()), text.to_owned());
    }

    /// Gives a proxied path an answer.
    pub(crate) fn set_proxied(&self, path: &str, code: u16, body: &str) {
        self.proxied.lock().insert(path.to_owned(), (code, body.to_owned()));
    }

    /// The log of a pod, narrowed as asked.
    pub(crate) fn log(&self, pod: &Value, call: &Call) -> Result<String, ApiError> {
        let container = call.query("container");
        let known = list(pod, &["spec", "containers"]).iter().any(|known| text(known, &["name"]) == container);
        if !container.is_empty() && !known {
            return Err(ApiError::bad_request(format!("container {container} is not valid for pod {}", name(pod))));
        }
        let own = self.logs.lock().get(&(namespace(pod).to_owned(), name(pod).to_owned())).cloned();
        let lines = own.unwrap_or_else(|| canned_log(pod));
        Ok(limited(&tail(&lines, call.query("tailLines")), call.query("limitBytes")))
    }

    /// The answer behind a proxy path, `namespace/pods/https:db-1:8000/pg/status`.
    /// `peers` are the pods of its namespace: a primary streams to the replicas among them.
    pub(crate) fn proxied(&self, asked: &Asked, target: Option<&Value>, peers: &[Arc<Value>]) -> Result<(u16, String), ApiError> {
        let path = format!("{}/{}/{}/{}", asked.namespace, asked.kind.plural, asked.name, asked.tail);
        if let Some(answer) = self.proxied.lock().get(&path) {
            return Ok(answer.clone());
        }
        match (target, asked.tail.as_str()) {
            (Some(pod), "pg/status") if text(pod, &["status", "phase"]) == "Running" => {
                Ok((200, pg_status(pod, peers).to_string()))
            }
            (Some(pod), _) if text(pod, &["status", "phase"]) == "Running" => Ok((404, "404 page not found\n".to_owned())),
            (Some(_), _) => Err(unavailable(&format!("error trying to reach service: dial tcp: no route to {}", asked.name))),
            (None, _) => Err(unavailable(&format!("no endpoints available for service \"{}\"", asked.name))),
        }
    }
}

fn unavailable(message: &str) -> ApiError {
    ApiError::new(503, "ServiceUnavailable", message)
}

/// `https:db-1:8000` names the pod `db-1`.
pub(crate) fn proxied_name(name: &str) -> &str {
    match name.split(':').collect::<Vec<_>>().as_slice() {
        [_, pod, _] => pod,
        [pod, _] => pod,
        _ => name,
    }
}

fn tail(text: &str, lines: &str) -> String {
    let Ok(wanted) = lines.parse::<usize>() else { return text.to_owned() };
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    all.iter().skip(all.len().saturating_sub(wanted)).copied().collect()
}

fn limited(text: &str, bytes: &str) -> String {
    let end = bytes.parse::<usize>().unwrap_or(text.len()).min(text.len());
    let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned()
}

fn canned_log(pod: &Value) -> String {
    let line = |logger: &str, message: &str| {
        let line = json!({"level": "info", "ts": text(pod, &["metadata", "creationTimestamp"]), "logger": logger, "msg": message, "logging_pod": name(pod)});
        format!("{line}\n")
    };
    [
        line("instance-manager", "Starting CloudNativePG Instance Manager"),
        line("postgres", "record"),
        line("instance-manager", "Instance is ready"),
    ]
    .concat()
}

fn role(pod: &Value) -> &str {
    text(pod, &["metadata", "labels", "cnpg.io/instanceRole"])
}

/// The instance manager's `/pg/status`, of an instance that is well. Keys: CNPG `pkg/postgres/status.go`.
fn pg_status(pod: &Value, peers: &[Arc<Value>]) -> Value {
    let is_primary = role(pod) == "primary";
    let mut status = json!({
        "pod": {"metadata": {"name": name(pod), "namespace": namespace(pod)}}, "currentLsn": "0/6000060", "systemID": "7512340000000000001",
        "isPrimary": is_primary, "replayPaused": false, "pendingRestart": false, "isPgRewindRunning": false, "isArchivingWAL": is_primary,
        "totalInstanceSize": "30 MB", "timeLineID": 1, "instanceManagerVersion": "1.30.0", "instanceArch": "amd64",
        "latestCheckpointTimelineID": 1, "lastArchivedWAL": "000000010000000000000005", "lastFailedWAL": "", "readyWalFiles": 0, "currentWAL": "000000010000000000000006",
    });
    if !is_primary {
        let fields =
            json!({"receivedLsn": "0/6000060", "replayLsn": "0/6000060", "isWalReceiverActive": true, "isArchivingWAL": false});
        crate::patch::merge(&mut status, &fields);
    } else {
        crate::patch::merge(&mut status, &json!({"replicationInfo": streaming(pod, peers)}));
    }
    status
}

/// `pg_stat_replication` of a primary: every running replica of its cluster, without a lag.
fn streaming(primary: &Value, peers: &[Arc<Value>]) -> Vec<Value> {
    let cluster = |pod: &Value| text(pod, &["metadata", "labels", "cnpg.io/cluster"]).to_owned();
    let follows = |pod: &&Arc<Value>| {
        cluster(pod) == cluster(primary) && role(pod) == "replica" && text(pod, &["status", "phase"]) == "Running"
    };
    let one = |pod: &Arc<Value>| json!({"applicationName": name(pod), "state": "streaming", "syncState": "async", "writeLag": "0s", "flushLag": "0s", "replayLag": "0s"});
    peers.iter().filter(follows).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_streams_to_the_running_replicas_of_its_own_cluster() {
        let pod = |name: &str, cluster: &str, role: &str, phase: &str| {
            let labels = json!({"cnpg.io/cluster": cluster, "cnpg.io/instanceRole": role});
            Arc::new(json!({"metadata": {"name": name, "labels": labels}, "status": {"phase": phase}}))
        };
        let primary = pod("db-1", "db", "primary", "Running");
        let peers = [
            primary.clone(),
            pod("db-2", "db", "replica", "Running"),
            pod("db-3", "db", "replica", "Pending"),
            pod("x-2", "x", "replica", "Running"),
        ];
        let status = pg_status(&primary, &peers);
        let to: Vec<&str> = list(&status, &["replicationInfo"]).iter().map(|one| text(one, &["applicationName"])).collect();
        assert_eq!(to, ["db-2"]);
    }

    #[test]
    fn logs_are_cut_from_the_front_and_limited_by_bytes() {
        assert_eq!(tail("a\nb\nc\n", "2"), "b\nc\n");
        assert_eq!(tail("a\n", ""), "a\n");
        assert_eq!(limited("aé", "2"), "a");
        assert_eq!(limited("abc", ""), "abc");
    }

    #[test]
    fn a_proxied_name_carries_scheme_and_port() {
        assert_eq!(proxied_name("https:db-1:8000"), "db-1");
        assert_eq!(proxied_name("db-1:9187"), "db-1");
        assert_eq!(proxied_name("db-1"), "db-1");
    }
}
