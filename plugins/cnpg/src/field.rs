//! Which parameter of a tool stands behind a field of the Cluster, so that a refusal names what the caller wrote.

/// Field of the object (or how it begins) and parameter, the more exact first.
const PARAMETERS: &[(&str, &str)] = &[
    ("metadata.name", "name"),
    ("metadata.namespace", "namespace"),
    ("spec.instances", "instances"),
    ("spec.storage.size", "storage_size"),
    ("spec.storage.storageClass", "storage_class"),
    ("spec.storage", "storage_size"),
    ("spec.walStorage", "wal_storage_size"),
    ("spec.imageName", "container_image"),
    ("spec.imageCatalogRef.major", "postgres_version"),
    ("spec.imageCatalogRef", "image_catalog"),
    ("spec.imagePullPolicy", "image_pull_policy"),
    ("spec.affinity.nodeSelector", "node_selector"),
    ("spec.affinity.tolerations", "tolerations"),
    ("spec.resources", "resources"),
    ("spec.postgresql.parameters", "parameters"),
    ("spec.postgresql.synchronous", "sync"),
    ("spec.minSyncReplicas", "sync"),
    ("spec.maxSyncReplicas", "sync"),
    ("spec.bootstrap.initdb.database", "database"),
    ("spec.bootstrap.initdb.owner", "owner"),
    ("spec.backup", "backup"),
    ("spec.plugins", "backup"),
    ("spec.method", "method"),
    ("spec.pluginConfiguration", "plugin_name"),
    ("spec.online", "online"),
    ("spec.schedule", "schedule"),
    ("spec.cluster", "cluster"),
];

/// The parameter, where there is one.
pub(crate) fn parameter(field: &str) -> Option<&'static str> {
    let begins = |path: &str| field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    PARAMETERS.iter().find(|(path, _)| begins(path)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn the_most_exact_path_decides() {
        assert_eq!(parameter("spec.storage.size"), Some("storage_size"));
        assert_eq!(parameter("spec.storage.storageClass"), Some("storage_class"));
        assert_eq!(parameter("spec.postgresql.parameters.shared_buffers"), Some("parameters"));
        assert_eq!(parameter("spec.plugins[0].name"), Some("backup"));
        assert_eq!(parameter("spec.instancesFoo"), None);
    }
}
