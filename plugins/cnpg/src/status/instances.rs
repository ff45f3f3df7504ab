//! Section "instances": the pods, with role, readiness, restarts and where they run.

use serde_json::Value;

use super::part::{Part, Parts};
use super::section::{Section, unread};
use crate::cluster::Cluster;
use crate::json::{integer, json, label, list, text};
use crate::text::table;
use crate::time;

/// Role of an instance pod; poolers carry the cluster's label too.
pub(crate) fn role(pod: &Value) -> &str {
    label(pod, "cnpg.io/instanceRole").or_else(|| label(pod, "role")).unwrap_or("-")
}

/// Whether this pod runs PostgreSQL, not a pooler or a job.
pub(crate) fn is_instance(pod: &Value) -> bool {
    label(pod, "cnpg.io/podRole").is_none_or(|one| one == "instance") && label(pod, "cnpg.io/jobRole").is_none()
}

/// Whether the kubelet says that it serves.
pub(crate) fn is_ready(pod: &Value) -> bool {
    list(pod, "/status/conditions").iter().any(|one| text(one, "/type") == Some("Ready") && text(one, "/status") == Some("True"))
}

/// Why a container does not run, e.g. `ImagePullBackOff`.
pub(crate) fn waiting(pod: &Value) -> Option<&str> {
    list(pod, "/status/containerStatuses").iter().find_map(|one| text(one, "/state/waiting/reason"))
}

fn describe(pod: &Value, cluster: Cluster<'_>, now: i64) -> (Value, Vec<String>) {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let restarts: i64 = list(pod, "/status/containerStatuses").iter().filter_map(|one| integer(one, "/restartCount")).sum();
    let fenced = cluster.fenced().iter().any(|one| one == name || one == "*");
    let state = waiting(pod).or_else(|| text(pod, "/status/phase")).unwrap_or("Unknown");
    let (ready, node, created) = (is_ready(pod), text(pod, "/spec/nodeName"), text(pod, "/metadata/creationTimestamp"));
    let row = vec![
        name.to_owned(),
        role(pod).to_owned(),
        if ready { "yes" } else { "no" }.to_owned(),
        if fenced { format!("{state}, fenced") } else { state.to_owned() },
        restarts.to_string(),
        node.unwrap_or_default().to_owned(),
        time::age(created, now),
    ];
    let structured = json!({
        "name": name, "role": role(pod), "ready": ready, "state": state, "fenced": fenced, "restarts": restarts,
        "node": node, "created": created,
    });
    (structured, row)
}

pub(crate) fn section(parts: &Parts, cluster: Cluster<'_>, now: i64) -> Option<Section> {
    let (text, structured) = match parts.get(&Part::Pods)? {
        Err(problem) => unread(problem),
        Ok(pods) => {
            let pods = list(pods, "/items").iter().filter(|one| is_instance(one));
            let (all, rows): (Vec<Value>, Vec<Vec<String>>) = pods.map(|pod| describe(pod, cluster, now)).unzip();
            let none = if rows.is_empty() { "No pods.\n" } else { "" };
            let shown = table(&["Pod", "Role", "Ready", "State", "Restarts", "Node", "Age"], &rows);
            (format!("{none}{shown}"), Value::Array(all))
        }
    };
    Some(Section::new("instances", text, structured))
}
