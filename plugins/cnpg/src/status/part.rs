//! What is read for the sections, all at once: one read per part, each with its own result.

use std::collections::BTreeMap;

use portcullis_plugin::kubernetes::Read;
use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::kind::{
    BACKUPS, CLUSTER_LABEL, EVENTS, FAILOVER_QUORUMS, LEASES, OBJECT_STORES, PODS, POOLERS, SCHEDULED_BACKUPS, VOLUME_CLAIMS,
};
use crate::problem::Problem;

/// Objects per list: a namespace with more backups or events than that shows the first of them and says so.
pub(crate) const PAGE: u32 = 250;

/// One thing to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Pods,
    Claims,
    Backups,
    ScheduledBackups,
    ObjectStores,
    Poolers,
    Lease,
    Quorum,
    Events,
}

/// What was read.
pub(crate) type Parts = BTreeMap<Part, Result<Value, Problem>>;

fn needed(section: &str) -> &'static [Part] {
    match section {
        "instances" | "live" => &[Part::Pods],
        "storage" => &[Part::Claims],
        "backups" => &[Part::Backups, Part::ScheduledBackups, Part::ObjectStores],
        "poolers" => &[Part::Poolers],
        "failover" => &[Part::Lease, Part::Quorum],
        "events" => &[Part::Events],
        _ => &[],
    }
}

fn read(part: Part, cluster: Cluster<'_>) -> Read {
    let (namespace, name) = (cluster.namespace(), cluster.name());
    let labelled = |kind: portcullis_plugin::kubernetes::Kind| {
        kind.within(namespace).list().labels(format!("{CLUSTER_LABEL}={name}")).limit(PAGE).into()
    };
    let whole = |kind: portcullis_plugin::kubernetes::Kind| kind.within(namespace).list().limit(PAGE).into();
    match part {
        Part::Pods => labelled(PODS),
        Part::Claims => labelled(VOLUME_CLAIMS),
        Part::Backups => whole(BACKUPS),
        Part::ScheduledBackups => whole(SCHEDULED_BACKUPS),
        Part::ObjectStores => whole(OBJECT_STORES),
        Part::Poolers => whole(POOLERS),
        Part::Lease => LEASES.within(namespace).named(name).get().into(),
        Part::Quorum => FAILOVER_QUORUMS.within(namespace).named(name).get().into(),
        Part::Events => EVENTS.within(namespace).list().fields("type=Warning").limit(PAGE).into(),
    }
}

/// Reads what these sections need.
pub(crate) fn read_all(call: &Call<'_>, cluster: Cluster<'_>, sections: &[&str]) -> Parts {
    let mut parts: Vec<Part> = sections.iter().flat_map(|one| needed(one)).copied().collect();
    // Object stores only where a plugin keeps its backups in one: most API servers do not know the kind.
    if crate::status::backups::stores(cluster).is_empty() {
        parts.retain(|one| *one != Part::ObjectStores);
    }
    parts.sort();
    parts.dedup();
    let reads: Vec<Read> = parts.iter().map(|one| read(*one, cluster)).collect();
    if reads.is_empty() {
        return Parts::new();
    }
    parts.into_iter().zip(call.read_many(&reads)).collect()
}
