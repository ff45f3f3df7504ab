//! The kinds that the tools touch, and where they live in the API. The only place that spells a group, version or plural.

use portcullis_plugin::kubernetes::{Kind, Target};

/// Group of CloudNativePG.
pub(crate) const CNPG: &str = "postgresql.cnpg.io";
/// Label by which pods and volumes name their cluster.
pub(crate) const CLUSTER_LABEL: &str = "cnpg.io/cluster";

const fn cnpg(plural: &'static str) -> Kind {
    Kind::new(CNPG, "v1", plural)
}

const fn core(plural: &'static str) -> Kind {
    Kind::new("", "v1", plural)
}

pub(crate) const CLUSTERS: Kind = cnpg("clusters");
pub(crate) const BACKUPS: Kind = cnpg("backups");
pub(crate) const SCHEDULED_BACKUPS: Kind = cnpg("scheduledbackups");
pub(crate) const POOLERS: Kind = cnpg("poolers");
pub(crate) const DATABASES: Kind = cnpg("databases");
pub(crate) const DATABASE_ROLES: Kind = cnpg("databaseroles");
pub(crate) const PUBLICATIONS: Kind = cnpg("publications");
pub(crate) const SUBSCRIPTIONS: Kind = cnpg("subscriptions");
pub(crate) const IMAGE_CATALOGS: Kind = cnpg("imagecatalogs");
pub(crate) const CLUSTER_IMAGE_CATALOGS: Kind = cnpg("clusterimagecatalogs");
pub(crate) const FAILOVER_QUORUMS: Kind = cnpg("failoverquorums");
pub(crate) const PODS: Kind = core("pods");
pub(crate) const VOLUME_CLAIMS: Kind = core("persistentvolumeclaims");
pub(crate) const SERVICES: Kind = core("services");
pub(crate) const SECRETS: Kind = core("secrets");
pub(crate) const EVENTS: Kind = core("events");
pub(crate) const LEASES: Kind = Kind::new("coordination.k8s.io", "v1", "leases");
pub(crate) const DEPLOYMENTS: Kind = Kind::new("apps", "v1", "deployments");
pub(crate) const JOBS: Kind = Kind::new("batch", "v1", "jobs");
pub(crate) const STORAGE_CLASSES: Kind = Kind::new("storage.k8s.io", "v1", "storageclasses");
pub(crate) const OBJECT_STORES: Kind = Kind::new("barmancloud.cnpg.io", "v1", "objectstores");
pub(crate) const VOLUME_SNAPSHOTS: Kind = Kind::new("snapshot.storage.k8s.io", "v1", "volumesnapshots");

/// All of a kind in a namespace, or everywhere.
pub(crate) fn all(kind: Kind, namespace: Option<&str>) -> Target {
    namespace.map_or_else(|| kind.everywhere(), |one| kind.within(one))
}
