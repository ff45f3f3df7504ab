//! What is there at the start: namespaces, CNPG's CRDs, a storage class; and the clusters of the demo.
//! Must not write past the API's rules.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::server::Shared;
use crate::{definition, example_cluster, inside};

/// Namespaces that are always there.
const NAMESPACES: &[&str] = &["default", "kube-system", "cnpg-system"];

/// Makes a usable API.
///
/// # Errors
/// If one of the objects is refused, which would be a defect of this crate.
pub(crate) fn foundations(shared: &Shared) -> Result<(), ApiError> {
    let own = NAMESPACES.iter().map(|name| (*name).to_owned()).chain(shared.options.namespaces.clone());
    let namespaces = own.map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let crds = definition::cnpg().map_err(|error| ApiError::bad_request(error.to_string()))?;
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "allowVolumeExpansion": true, "provisioner": "kubesim",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    });
    let demo = if shared.options.demo { demo() } else { Vec::new() };
    let mut all = namespaces.chain(crds).chain([class]).chain(demo);
    shared.store.with(|state| all.try_for_each(|object| inside::create(state, &object).map(drop)))
}

/// Something to look at: two healthy clusters, one that cannot become so, roles and databases.
fn demo() -> Vec<Value> {
    let mut broken = example_cluster("demo", "reports", 3);
    crate::object::put(
        &mut broken,
        &["metadata", "annotations"],
        json!({"kubesim/stuck": "pods \"reports-2\" is forbidden: exceeded quota"}),
    );
    let child = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": kind, "metadata": {"name": name, "namespace": "demo"}, "spec": spec});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}),
        example_cluster("demo", "orders", 3),
        example_cluster("demo", "inventory", 1),
        broken,
        child("Database", "orders-shop", json!({"cluster": {"name": "orders"}, "name": "shop", "owner": "app"})),
        child("DatabaseRole", "orders-reader", json!({"cluster": {"name": "orders"}, "name": "reader", "login": true})),
    ]
}
