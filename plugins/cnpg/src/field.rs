//! Which parameter of a tool stands behind a field of the Cluster, so that a refusal names what the caller wrote.

/// The same for kinds whose fields mean something else than those of the Cluster: plural, field, parameter.
const OF_KIND: &[(&str, &str, &str)] = &[
    ("databases", "spec.name", "database_name"),
    ("databases", "spec.cluster", "cluster_name"),
    ("databases", "spec.owner", "owner"),
    ("databases", "spec.databaseReclaimPolicy", "reclaim_policy"),
    ("databases", "spec.encoding", "encoding"),
    ("databases", "spec.locale", "locale"),
    ("databases", "spec.localeProvider", "locale_provider"),
    ("databases", "spec.localeCollate", "locale_collate"),
    ("databases", "spec.localeCType", "locale_ctype"),
    ("databases", "spec.icuLocale", "icu_locale"),
    ("databases", "spec.icuRules", "icu_rules"),
    ("databases", "spec.builtinLocale", "builtin_locale"),
    ("databases", "spec.collationVersion", "collation_version"),
    ("databases", "spec.template", "template"),
    ("databases", "spec.tablespace", "tablespace"),
    ("databases", "spec.connectionLimit", "connection_limit"),
    ("databases", "spec.extensions", "extensions"),
    ("databases", "spec.schemas", "schemas"),
    ("databases", "spec.fdws", "fdws"),
    ("databases", "spec.servers", "servers"),
    ("publications", "spec.name", "publication_name"),
    ("publications", "spec.dbname", "database_name"),
    ("publications", "spec.cluster", "cluster_name"),
    ("publications", "spec.target.allTables", "all_tables"),
    ("publications", "spec.target", "tables"),
    ("publications", "spec.parameters", "parameters"),
    ("subscriptions", "spec.name", "subscription_name"),
    ("subscriptions", "spec.dbname", "database_name"),
    ("subscriptions", "spec.cluster", "cluster_name"),
    ("subscriptions", "spec.publicationName", "publication_name"),
    ("subscriptions", "spec.externalClusterName", "external_cluster"),
    ("subscriptions", "spec.parameters", "parameters"),
    ("poolers", "spec.cluster", "cluster_name"),
    ("poolers", "spec.instances", "instances"),
    ("poolers", "spec.type", "type"),
    ("poolers", "spec.pgbouncer.poolMode", "pool_mode"),
    ("poolers", "spec.pgbouncer.parameters", "parameters"),
    ("poolers", "spec.pgbouncer.image", "container_image"),
];

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
    ("spec.postgresql.pg_hba", "rules"),
    ("spec.postgresql.synchronous", "sync"),
    ("spec.minSyncReplicas", "sync"),
    ("spec.maxSyncReplicas", "sync"),
    ("spec.bootstrap.initdb.database", "database"),
    ("spec.bootstrap.initdb.owner", "owner"),
    ("spec.backup", "backup"),
    ("spec.plugins", "backup"),
    ("spec.enableSuperuserAccess", "enabled"),
    ("spec.superuserSecret", "secret_name"),
    ("spec.tablespaces", "tablespace"),
    ("spec.managed.services", "service"),
    ("spec.method", "method"),
    ("spec.pluginConfiguration", "plugin_name"),
    ("spec.online", "online"),
    ("spec.schedule", "schedule"),
    ("spec.cluster", "cluster"),
];

/// The parameter, where there is one.
pub(crate) fn parameter(plural: &str, field: &str) -> Option<&'static str> {
    let begins = |path: &str| field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let of_kind = OF_KIND.iter().find(|(kind, path, _)| *kind == plural && begins(path)).map(|(.., name)| *name);
    if field.starts_with("spec") && OF_KIND.iter().any(|(kind, ..)| *kind == plural) {
        return of_kind;
    }
    PARAMETERS.iter().find(|(path, _)| begins(path)).map(|(_, name)| *name)
}

/// The parameter whose field a rule of the whole spec (CEL) speaks of.
pub(crate) fn named_in(plural: &str, message: &str) -> Option<&'static str> {
    let word = |path: &'static str| path.rsplit('.').next().unwrap_or_default();
    let begins = |path| message.strip_prefix(word(path)).is_some_and(|rest| rest.starts_with(' '));
    OF_KIND.iter().find(|(kind, path, _)| *kind == plural && begins(path)).map(|(.., name)| *name)
}

#[cfg(test)]
mod tests {
    use super::{named_in, parameter};

    #[test]
    fn the_most_exact_path_decides() {
        assert_eq!(parameter("clusters", "spec.storage.size"), Some("storage_size"));
        assert_eq!(parameter("clusters", "spec.storage.storageClass"), Some("storage_class"));
        assert_eq!(parameter("clusters", "spec.postgresql.parameters.shared_buffers"), Some("parameters"));
        assert_eq!(parameter("clusters", "spec.plugins[0].name"), Some("backup"));
        assert_eq!(parameter("clusters", "spec.instancesFoo"), None);
    }

    #[test]
    fn a_field_means_what_its_kind_means_by_it() {
        assert_eq!(parameter("databases", "spec.name"), Some("database_name"));
        assert_eq!(parameter("databases", "metadata.name"), Some("name"));
        assert_eq!(parameter("databases", "spec.storage.size"), None);
        assert_eq!(named_in("databases", "icuLocale is only available when localeProvider is set to `icu`"), Some("icu_locale"));
        assert_eq!(named_in("databases", "the name postgres is reserved"), None);
    }
}
