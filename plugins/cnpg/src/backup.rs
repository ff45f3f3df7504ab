//! Backups as CloudNativePG keeps them: what their phases mean, how a cluster is backed up, and the Backup object to ask for one.
//! Source: CloudNativePG `api/v1/backup_types.go`, release 1.30.

use serde_json::{Map, Value};

use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::{CLUSTER_LABEL, CNPG};
use crate::time;
use crate::watching::Verdict;

/// The plugin that archives to an ObjectStore. In-tree Barman is on its way out (1.31) and never written.
pub(crate) const BARMAN_CLOUD: &str = "barman-cloud.cloudnative-pg.io";
/// The methods that a Backup can have.
pub(crate) const METHODS: [&str; 3] = ["plugin", "volumeSnapshot", "barmanObjectStore"];

/// Phases, and what each means for a person.
const PHASES: [(&str, Verdict, &str); 8] = [
    ("pending", Verdict::Going, "waits for its turn, or for an instance that can take it"),
    ("started", Verdict::Going, "is being prepared"),
    ("running", Verdict::Going, "copies the data"),
    ("finalizing", Verdict::Going, "waits until the snapshots are ready to use"),
    ("completed", Verdict::Reached, ""),
    ("failed", Verdict::Failed, "did not work: the error says why"),
    ("walArchivingFailing", Verdict::Failed, "cannot work as long as WAL is not archived: repair archiving first"),
    ("invalid backup definition", Verdict::Failed, "asks for something that this cluster is not set up for"),
];

/// One Backup object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backup<'a>(pub(crate) &'a Value);

impl<'a> Backup<'a> {
    pub(crate) fn name(self) -> &'a str {
        text(self.0, "/metadata/name").unwrap_or_default()
    }
    pub(crate) fn namespace(self) -> &'a str {
        text(self.0, "/metadata/namespace").unwrap_or_default()
    }
    pub(crate) fn cluster(self) -> &'a str {
        text(self.0, "/spec/cluster/name").unwrap_or_default()
    }
    pub(crate) fn phase(self) -> &'a str {
        text(self.0, "/status/phase").unwrap_or("pending")
    }
    pub(crate) fn is_completed(self) -> bool {
        self.phase() == "completed"
    }
    /// As it was taken; the CRD's default is the in-tree one.
    pub(crate) fn method(self) -> &'a str {
        text(self.0, "/status/method").or_else(|| text(self.0, "/spec/method")).unwrap_or("barmanObjectStore")
    }
    /// When it ended, else began, else was asked for.
    pub(crate) fn moment(self) -> &'a str {
        let stamps = ["/status/stoppedAt", "/status/startedAt", "/metadata/creationTimestamp"];
        stamps.iter().find_map(|pointer| text(self.0, pointer)).unwrap_or_default()
    }
    /// How long it took, or has been taking.
    pub(crate) fn took(self, now: i64) -> Option<i64> {
        let began = time::seconds(text(self.0, "/status/startedAt")?)?;
        let ended = text(self.0, "/status/stoppedAt").and_then(time::seconds);
        Some(ended.unwrap_or(now) - began)
    }
    fn known(self) -> Option<&'static (&'static str, Verdict, &'static str)> {
        PHASES.iter().find(|(phase, ..)| *phase == self.phase())
    }
    pub(crate) fn verdict(self) -> Verdict {
        self.known().map_or(Verdict::Going, |(_, verdict, _)| *verdict)
    }
    /// What its phase means; empty when there is nothing to add.
    pub(crate) fn meaning(self) -> &'static str {
        self.known().map_or("", |(.., meaning)| meaning)
    }
}

/// How this cluster is backed up: the plugin that archives its WAL, else snapshots, else the in-tree way it was set up with.
pub(crate) fn method(cluster: Cluster<'_>) -> Option<Value> {
    if let Some(plugin) = archiver(cluster) {
        return Some(json!({"method": "plugin", "pluginConfiguration": {"name": text(plugin, "/name")}}));
    }
    let has = |pointer: &str| cluster.0.pointer(pointer).is_some_and(Value::is_object);
    if has("/spec/backup/volumeSnapshot") {
        return Some(json!({"method": "volumeSnapshot"}));
    }
    has("/spec/backup/barmanObjectStore").then(|| json!({"method": "barmanObjectStore"}))
}

/// The entry of `spec.plugins` that archives WAL.
pub(crate) fn archiver(cluster: Cluster<'_>) -> Option<&Value> {
    let yes = |one: &&Value, pointer: &str, default: bool| one.pointer(pointer).and_then(Value::as_bool).unwrap_or(default);
    list(cluster.0, "/spec/plugins").iter().find(|one| yes(one, "/isWALArchiver", false) && yes(one, "/enabled", true))
}

/// The Backup object that asks for a backup of this cluster.
pub(crate) fn manifest(cluster: Cluster<'_>, name: &str, mut spec: Map<String, Value>) -> Value {
    spec.insert("cluster".into(), json!({"name": cluster.name()}));
    let labels = json!({CLUSTER_LABEL: cluster.name()});
    json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": "Backup",
        "metadata": {"name": name, "namespace": cluster.namespace(), "labels": labels}, "spec": spec,
    })
}
