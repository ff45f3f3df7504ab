//! From a CustomResourceDefinition to a served resource, and the CRDs of CloudNativePG 1.30 that come along.
//! Must not serve anything: one version per CRD, the storage one, as all of CNPG's have.

use serde_json::{Value, json};

use crate::kind::{Column, ResourceType};
use crate::object::{at, list, put, text};

/// CloudNativePG's CRDs, descriptions removed (Apache-2.0, from the operator's `config/crd/bases`).
const CNPG: &[&str] = &[
    include_str!("../crds/backups.json"),
    include_str!("../crds/clusterimagecatalogs.json"),
    include_str!("../crds/clusters.json"),
    include_str!("../crds/databaseroles.json"),
    include_str!("../crds/databases.json"),
    include_str!("../crds/failoverquorums.json"),
    include_str!("../crds/imagecatalogs.json"),
    include_str!("../crds/poolers.json"),
    include_str!("../crds/publications.json"),
    include_str!("../crds/scheduledbackups.json"),
    include_str!("../crds/subscriptions.json"),
];

/// The CRDs of CloudNativePG as objects.
///
/// # Errors
/// If one of the embedded files is not JSON.
pub(crate) fn cnpg() -> Result<Vec<Value>, serde_json::Error> {
    CNPG.iter().map(|text| serde_json::from_str(text)).collect()
}

/// The served resource that a CRD describes, or `None` if it names no storage version.
pub(crate) fn served(crd: &Value) -> Option<ResourceType> {
    let version = list(crd, &["spec", "versions"]).iter().find(|version| at(version, &["storage"]) == &json!(true))?;
    let names = ["spec", "names"];
    let name = |field: &str| text(at(crd, &names), &[field]).to_owned();
    let singular = Some(name("singular")).filter(|name| !name.is_empty()).unwrap_or_else(|| name("kind").to_lowercase());
    let list_kind = Some(name("listKind")).filter(|name| !name.is_empty()).unwrap_or_else(|| format!("{}List", name("kind")));
    Some(ResourceType {
        group: text(crd, &["spec", "group"]).to_owned(),
        version: text(version, &["name"]).to_owned(),
        plural: name("plural"),
        singular,
        kind: name("kind"),
        list_kind,
        short_names: list(crd, &["spec", "names", "shortNames"]).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        namespaced: text(crd, &["spec", "scope"]) == "Namespaced",
        subresources: at(version, &["subresources"]).as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect(),
        schema: Some(at(version, &["schema", "openAPIV3Schema"]).clone()),
        columns: columns(version),
        scale: scale(version),
    })
}

fn columns(version: &Value) -> Vec<Column> {
    let columns: Vec<Column> = list(version, &["additionalPrinterColumns"]).iter().map(column).collect();
    match columns.is_empty() {
        true => vec![Column::new("Age", ".metadata.creationTimestamp", "date", 0)],
        false => columns,
    }
}

fn column(column: &Value) -> Column {
    let priority = at(column, &["priority"]).as_i64().unwrap_or_default();
    Column::new(text(column, &["name"]), text(column, &["jsonPath"]), text(column, &["type"]), priority)
}

fn scale(version: &Value) -> Option<[String; 3]> {
    let scale = at(version, &["subresources", "scale"]);
    let path = |field: &str| text(scale, &[field]).to_owned();
    scale.is_object().then(|| [path("specReplicasPath"), path("statusReplicasPath"), path("labelSelectorPath")])
}

/// Marks a CRD as the API server does once it serves it.
pub(crate) fn establish(crd: &mut Value) {
    let names = at(crd, &["spec", "names"]).clone();
    let condition = |kind: &str, reason: &str| json!({"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": crate::object::now()});
    let conditions = json!([condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted")]);
    put(crd, &["status", "acceptedNames"], names);
    put(crd, &["status", "conditions"], conditions);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn every_embedded_crd_becomes_a_served_resource() {
        let served: Vec<ResourceType> = cnpg().unwrap().iter().filter_map(served).collect();
        assert_eq!(served.len(), 11);
        let clusters = served.iter().find(|kind| kind.plural == "clusters").unwrap();
        assert_eq!(clusters.group_resource(), "clusters.postgresql.cnpg.io");
        assert!(clusters.namespaced && clusters.has("status") && clusters.has("scale"));
        assert_eq!(clusters.columns.len(), 6);
        assert!(!served.iter().find(|kind| kind.plural == "clusterimagecatalogs").unwrap().namespaced);
    }
}
