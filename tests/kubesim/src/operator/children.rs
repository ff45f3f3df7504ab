//! What a Cluster owns: pods, volumes, services, secrets, events, each with an owner reference for the collector.
//! Must not write the Cluster's status beyond its first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::status;
use crate::error::ApiError;
use crate::inside::{create as put, get, merge};
use crate::object::{at, list, name, namespace, now, text, uid};
use crate::store::State;

/// The image of a cluster that names none: what CNPG 1.30 takes.
const IMAGE: &str = "ghcr.io/cloudnative-pg/postgresql:18.6-system-trixie";

/// One PostgreSQL instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instance {
    /// Name of its pod and volume.
    pub(super) name: String,
    /// Number after the cluster's name.
    pub(super) number: u64,
    /// True once it serves.
    pub(super) ready: bool,
}

/// The instances that are there, by number.
pub(super) fn instances(state: &State, cluster: &Value) -> Vec<Instance> {
    let Some(kind) = state.kind_named("Pod") else { return Vec::new() };
    let pods = state.list(&kind, namespace(cluster));
    let ours = pods.iter().filter(|pod| text(pod, &["metadata", "labels", "cnpg.io/cluster"]) == name(cluster));
    let instance = |pod: &Value| {
        let is_ready = |condition: &Value| text(condition, &["type"]) == "Ready" && text(condition, &["status"]) == "True";
        let number = name(pod).rsplit('-').next()?.parse().ok()?;
        let ready = list(pod, &["status", "conditions"]).iter().any(is_ready);
        Some(Instance { name: name(pod).to_owned(), number, ready })
    };
    let mut found: Vec<Instance> = ours.filter_map(|pod| instance(pod)).collect();
    found.sort_by_key(|instance| instance.number);
    found
}

/// The lowest number that no volume has (instance slots are used again since CNPG 1.30).
pub(super) fn next_number(state: &State, cluster: &Value) -> u64 {
    let taken: Vec<u64> = instances(state, cluster).iter().map(|instance| instance.number).collect();
    (1..).find(|number| !taken.contains(number)).unwrap_or(1)
}

fn meta(cluster: &Value, own_name: &str, labels: &Value) -> Value {
    let mut all = json!({"cnpg.io/cluster": name(cluster), "app.kubernetes.io/managed-by": "cloudnative-pg"});
    crate::patch::merge(&mut all, labels);
    let owner = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": name(cluster), "uid": uid(cluster),
        "controller": true, "blockOwnerDeletion": true,
    });
    json!({"name": own_name, "namespace": namespace(cluster), "labels": all, "ownerReferences": [owner]})
}

fn image(cluster: &Value) -> String {
    let named = text(cluster, &["spec", "imageName"]);
    if named.is_empty() { IMAGE.to_owned() } else { named.to_owned() }
}

/// The first step: services, secrets, the primary's pod and volume, and the phase that says so.
pub(super) fn begin(state: &mut State, cluster: &Value) -> Result<(), ApiError> {
    let primary = format!("{}-1", name(cluster));
    for object in services(cluster).into_iter().chain(secrets(cluster)) {
        make(state, &object)?;
    }
    status::phase(state, cluster, "Setting up primary", &format!("Creating primary instance {primary}"))?;
    create(state, cluster, 1, "primary")?;
    let cluster_name = name(cluster);
    let expires = "2036-01-01 00:00:00 +0000 UTC";
    let status = json!({
        "currentPrimary": primary, "targetPrimary": primary, "currentPrimaryTimestamp": now(), "targetPrimaryTimestamp": now(),
        "image": image(cluster), "instances": 1, "readyInstances": 0, "instanceNames": [primary], "latestGeneratedNode": 1,
        "writeService": format!("{cluster_name}-rw"), "readService": format!("{cluster_name}-r"),
        "selector": format!("cnpg.io/cluster={cluster_name},cnpg.io/podRole=instance"),
        "certificates": {
            "clientCASecret": format!("{cluster_name}-ca"), "serverCASecret": format!("{cluster_name}-ca"),
            "serverTLSSecret": format!("{cluster_name}-server"), "replicationTLSSecret": format!("{cluster_name}-replication"),
            "expirations": {(format!("{cluster_name}-ca")): expires, (format!("{cluster_name}-server")): expires},
        },
    });
    merge(state, "Cluster", namespace(cluster), cluster_name, "status", &json!({"status": status})).map(drop)
}

/// Creates an object unless it is there.
fn make(state: &mut State, object: &Value) -> Result<(), ApiError> {
    match put(state, object) {
        Err(error) if error.reason == "AlreadyExists" => Ok(()),
        other => other.map(drop),
    }
}

/// Creates the volume and the pod of an instance.
pub(super) fn create(state: &mut State, cluster: &Value, number: u64, role: &str) -> Result<(), ApiError> {
    let instance = format!("{}-{number}", name(cluster));
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": meta(cluster, &instance, &json!({"cnpg.io/instanceName": instance, "cnpg.io/pvcRole": "PG_DATA"})),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size(cluster)}}, "storageClassName": class(cluster)},
    });
    make(state, &volume)?;
    let labels =
        json!({"cnpg.io/instanceName": instance, "cnpg.io/instanceRole": role, "role": role, "cnpg.io/podRole": "instance"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta(cluster, &instance, &labels),
        "spec": {
            "nodeName": "kubesim", "containers": [{"name": "postgres", "image": image(cluster)}],
            "volumes": [{"name": "pgdata", "persistentVolumeClaim": {"claimName": instance}}],
        },
    });
    make(state, &pod)
}

fn size(cluster: &Value) -> String {
    let size = text(cluster, &["spec", "storage", "size"]);
    if size.is_empty() { "1Gi".to_owned() } else { size.to_owned() }
}

fn class(cluster: &Value) -> String {
    let class = text(cluster, &["spec", "storage", "storageClass"]);
    if class.is_empty() { "standard".to_owned() } else { class.to_owned() }
}

/// The kubelet's part: the volume is bound, the pod runs and is ready.
pub(super) fn start(state: &mut State, cluster: &Value, instance: &Instance) -> Result<(), ApiError> {
    let bound = json!({"status": {"phase": "Bound", "capacity": {"storage": size(cluster)}}});
    merge(state, "PersistentVolumeClaim", namespace(cluster), &instance.name, "status", &bound)?;
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now()});
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition);
    let running = json!({"status": {
        "phase": "Running", "podIP": format!("10.244.0.{}", instance.number), "startTime": now(),
        "conditions": conditions,
        "containerStatuses": [{"name": "postgres", "ready": true, "restartCount": 0, "image": image(cluster), "state": {"running": {"startedAt": now()}}}],
    }});
    merge(state, "Pod", namespace(cluster), &instance.name, "status", &running).map(drop)
}

/// Volumes grow with `spec.storage.size`.
pub(super) fn resize(state: &mut State, cluster: &Value) -> Result<(), ApiError> {
    let wanted = size(cluster);
    for instance in instances(state, cluster) {
        let volume = get(state, "PersistentVolumeClaim", namespace(cluster), &instance.name).unwrap_or_default();
        let requested = ["spec", "resources", "requests", "storage"];
        if !volume.is_null() && at(&volume, &requested) != &json!(wanted) {
            let change =
                json!({"spec": {"resources": {"requests": {"storage": wanted}}}, "status": {"capacity": {"storage": wanted}}});
            merge(state, "PersistentVolumeClaim", namespace(cluster), &instance.name, "", &change)?;
        }
    }
    Ok(())
}

fn services(cluster: &Value) -> Vec<Value> {
    let service = |(suffix, role): (&str, &str)| {
        let mut selector = json!({"cnpg.io/cluster": name(cluster), "cnpg.io/podRole": "instance"});
        if !role.is_empty() {
            crate::object::put(&mut selector, &["cnpg.io/instanceRole"], json!(role));
        }
        let ports = json!([{"name": "postgres", "port": 5432, "protocol": "TCP", "targetPort": 5432}]);
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": meta(cluster, &format!("{}-{suffix}", name(cluster)), &json!({})),
            "spec": {"type": "ClusterIP", "selector": selector, "ports": ports},
        })
    };
    [("rw", "primary"), ("ro", "replica"), ("r", "")].into_iter().map(service).collect()
}

fn secrets(cluster: &Value) -> Vec<Value> {
    let cluster_name = name(cluster);
    let host = format!("{cluster_name}-rw");
    let uri = format!("postgresql://app:kubesim@{host}.{}:5432/app", namespace(cluster));
    let app = json!({"username": "app", "user": "app", "password": "kubesim", "dbname": "app", "host": host, "port": "5432", "uri": uri});
    let keys = json!({"tls.crt": "", "tls.key": ""});
    let kinds = [
        ("app", "kubernetes.io/basic-auth", &app),
        ("ca", "Opaque", &keys),
        ("server", "kubernetes.io/tls", &keys),
        ("replication", "kubernetes.io/tls", &keys),
    ];
    let secret = |(suffix, kind, data): (&str, &str, &Value)| {
        let encode = |(key, value): (&String, &Value)| (key.clone(), json!(STANDARD.encode(value.as_str().unwrap_or_default())));
        let data: Value = data.as_object().into_iter().flatten().map(encode).collect::<serde_json::Map<_, _>>().into();
        let labels = json!({"cnpg.io/reload": "true"});
        json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta(cluster, &format!("{cluster_name}-{suffix}"), &labels), "data": data})
    };
    kinds.into_iter().map(secret).collect()
}

/// Records an Event about a cluster.
pub(super) fn event(state: &mut State, cluster: &Value, phase: &str, message: &str) -> Result<(), ApiError> {
    let is_trouble = phase.starts_with("Unable");
    let reason: String = phase.split_whitespace().map(capitalized).collect();
    let about = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": name(cluster), "namespace": namespace(cluster), "uid": uid(cluster),
    });
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"generateName": format!("{}.", name(cluster)), "namespace": namespace(cluster)},
        "involvedObject": about, "type": if is_trouble { "Warning" } else { "Normal" }, "reason": reason, "message": message, "count": 1,
        "firstTimestamp": now(), "lastTimestamp": now(), "source": {"component": "cloudnative-pg"},
    });
    put(state, &event).map(drop)
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
