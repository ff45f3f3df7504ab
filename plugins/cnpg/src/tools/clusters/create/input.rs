//! The parameters of create_postgres_cluster as they are read. `null` and absent are the same.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Schema of `resources`.
pub(super) const RESOURCES: &str = r#"{"type": "object", "additionalProperties": false, "properties": {
"requests": {"type": "object", "additionalProperties": {"type": "string"}, "description": "E.g. cpu, memory"},
"limits": {"type": "object", "additionalProperties": {"type": "string"}, "description": "E.g. cpu, memory"}}}"#;

/// Schema of `sync`.
pub(super) const SYNC: &str = r#"{"type": ["integer", "object"], "minimum": 1, "additionalProperties": false, "required": ["number"], "properties": {
"number": {"type": "integer", "minimum": 1, "description": "Standbys that confirm a commit"},
"method": {"enum": ["any", "first"], "description": "any: quorum; first: by priority. Default any"},
"data_durability": {"enum": ["required", "preferred"], "description": "required: writes wait when standbys are missing (default); preferred: they go on"}}}"#;

/// Schema of `backup`.
pub(super) const BACKUP: &str = r#"{"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
"object_store": {"type": "string", "description": "ObjectStore of the Barman Cloud plugin: WAL archive and base backups"},
"server_name": {"type": "string", "description": "Folder in the object store. Default: the cluster's name"},
"volume_snapshot_class": {"type": "string", "description": "VolumeSnapshotClass for snapshots of the volumes"}}}"#;

/// The arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) instances: Option<i64>,
    pub(super) storage_size: Option<String>,
    pub(super) postgres_version: Option<Version>,
    pub(super) container_image: Option<String>,
    pub(super) image_catalog: Option<String>,
    pub(super) storage_class: Option<String>,
    pub(super) wal_storage_size: Option<String>,
    pub(super) image_pull_policy: Option<String>,
    pub(super) node_selector: Option<BTreeMap<String, String>>,
    pub(super) tolerations: Option<Vec<Value>>,
    pub(super) resources: Option<Value>,
    pub(super) parameters: Option<BTreeMap<String, Value>>,
    pub(super) database: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) sync: Option<Sync>,
    pub(super) backup: Option<Backup>,
    pub(super) namespace: Option<String>,
    pub(super) wait: Option<bool>,
    pub(super) timeout: Option<i64>,
    pub(super) dry_run: Option<bool>,
}

/// `17` or `"17"` or `"17.5"`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Version {
    Number(i64),
    Text(String),
}

/// A number of standbys, or all three choices.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Sync {
    Number(i64),
    Full { number: i64, method: Option<String>, data_durability: Option<String> },
}

/// Where backups go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backup {
    pub(super) object_store: Option<String>,
    pub(super) server_name: Option<String>,
    pub(super) volume_snapshot_class: Option<String>,
}

impl Input {
    /// REF's default.
    pub(super) fn instances(&self) -> i64 {
        self.instances.unwrap_or(3)
    }

    /// REF's default.
    pub(super) fn storage_size(&self) -> &str {
        self.storage_size.as_deref().unwrap_or("10Gi")
    }
}

impl Version {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Sync {
    pub(super) fn number(&self) -> i64 {
        match self {
            Self::Number(number) | Self::Full { number, .. } => *number,
        }
    }
}
