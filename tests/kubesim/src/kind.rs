//! What a served resource is: names, scope, subresources, schema, printer columns; and the built-in ones.
//! Must not hold objects; custom resources become a `ResourceType` in `definition.rs`.

use serde_json::{Value, json};

/// A printer column of the Table form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Heading.
    pub(crate) name: String,
    /// Simple JSONPath from the object's root, with its leading dot.
    pub(crate) path: String,
    /// OpenAPI type of the cell; `date` is shown as an age.
    pub(crate) kind: String,
    /// 0 is shown always, more only in wide output.
    pub(crate) priority: i64,
}

/// One served resource.
#[derive(Clone, Debug)]
pub(crate) struct ResourceType {
    /// API group, empty for core.
    pub(crate) group: String,
    /// API version.
    pub(crate) version: String,
    /// Name in URLs.
    pub(crate) plural: String,
    /// Singular name.
    pub(crate) singular: String,
    /// Kind of an object.
    pub(crate) kind: String,
    /// Kind of a list.
    pub(crate) list_kind: String,
    /// Short names for discovery.
    pub(crate) short_names: Vec<String>,
    /// False for cluster scope.
    pub(crate) namespaced: bool,
    /// `status`, `scale`, `log`, `proxy`.
    pub(crate) subresources: Vec<String>,
    /// `openAPIV3Schema` of a custom resource; built-in kinds are taken as they come.
    pub(crate) schema: Option<Value>,
    /// Columns after the name.
    pub(crate) columns: Vec<Column>,
    /// `spec.…` paths of the scale subresource: spec replicas, status replicas, selector.
    pub(crate) scale: Option<[String; 3]>,
}

impl ResourceType {
    /// `clusters.postgresql.cnpg.io`, or `pods`: how errors name a resource.
    pub(crate) fn group_resource(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `postgresql.cnpg.io/v1`, or `v1`.
    pub(crate) fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// True if the resource has this subresource.
    pub(crate) fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|known| known == subresource)
    }

    /// True for a resource that a CustomResourceDefinition made.
    pub(crate) fn is_custom(&self) -> bool {
        self.schema.is_some()
    }
}

/// Group, version, plural, kind, short name, namespaced, subresources.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str]);

const BUILT_IN: &[Row] = &[
    ("", "v1", "namespaces", "Namespace", "ns", false, &["status"]),
    ("", "v1", "nodes", "Node", "no", false, &["status"]),
    ("", "v1", "pods", "Pod", "po", true, &["status", "log", "proxy"]),
    ("", "v1", "secrets", "Secret", "", true, &[]),
    ("", "v1", "services", "Service", "svc", true, &["status", "proxy"]),
    ("", "v1", "serviceaccounts", "ServiceAccount", "sa", true, &[]),
    ("", "v1", "configmaps", "ConfigMap", "cm", true, &[]),
    ("", "v1", "events", "Event", "ev", true, &[]),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", true, &["status"]),
    ("apps", "v1", "deployments", "Deployment", "deploy", true, &["status"]),
    ("batch", "v1", "jobs", "Job", "", true, &["status"]),
    ("coordination.k8s.io", "v1", "leases", "Lease", "", true, &[]),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", false, &[]),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "crd", false, &["status"]),
];

/// Every resource that is there before any CustomResourceDefinition.
pub(crate) fn built_in() -> Vec<ResourceType> {
    BUILT_IN.iter().map(from_row).collect()
}

fn from_row(&(group, version, plural, kind, short, namespaced, subresources): &Row) -> ResourceType {
    ResourceType {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        short_names: Some(short).filter(|short| !short.is_empty()).map(|short| vec![short.to_owned()]).unwrap_or_default(),
        namespaced,
        subresources: subresources.iter().map(|name| (*name).to_owned()).collect(),
        schema: None,
        columns: columns(plural),
        scale: None,
    }
}

/// The columns of a built-in kind; fewer than kubectl's, since some of those are computed in Go.
fn columns(plural: &str) -> Vec<Column> {
    let own: &[(&str, &str, &str)] = match plural {
        "pods" => &[("Status", ".status.phase", "string")],
        "namespaces" => &[("Status", ".status.phase", "string")],
        "secrets" => &[("Type", ".type", "string")],
        "services" => &[("Type", ".spec.type", "string"), ("Cluster-IP", ".spec.clusterIP", "string")],
        "persistentvolumeclaims" => &[
            ("Status", ".status.phase", "string"),
            ("Volume", ".spec.volumeName", "string"),
            ("Capacity", ".status.capacity.storage", "string"),
            ("StorageClass", ".spec.storageClassName", "string"),
        ],
        "events" => &[("Type", ".type", "string"), ("Reason", ".reason", "string"), ("Message", ".message", "string")],
        _ => &[],
    };
    let age = ("Age", ".metadata.creationTimestamp", "date");
    own.iter().chain([&age]).map(|&(name, path, kind)| Column::new(name, path, kind, 0)).collect()
}

impl Column {
    /// A column.
    pub(crate) fn new(name: &str, path: &str, kind: &str, priority: i64) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), kind: kind.to_owned(), priority }
    }

    /// How the Table form announces it.
    pub(crate) fn definition(&self) -> Value {
        json!({"name": self.name, "type": self.kind, "format": "", "description": "", "priority": self.priority})
    }
}
