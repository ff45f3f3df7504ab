//! What a person agrees to when an instance is deleted.

use super::{Input, Look};
use crate::cluster::Cluster;
use crate::consent::Danger;

/// The danger of this deletion.
pub(super) fn danger<'a>(input: &'a Input, seen: &'a Look) -> Danger<'a> {
    let cluster = Cluster(&seen.object);
    let keep = input.keep_pvc == Some(true);
    let claims = seen.parts.claim_names().join(", ");
    let volumes = match (claims.is_empty(), keep) {
        (true, _) => "- It has no volume claims of its own\n".to_owned(),
        (false, true) => format!("- Stays, detached from the cluster: volume claims {claims}\n"),
        (false, false) => format!("- Deleted: volume claims {claims}, with this replica's copy of the data\n"),
    };
    let primary = cluster.primary().unwrap_or_default();
    Danger {
        tool: "delete_cluster_instance",
        noun: "instance",
        name: &seen.instance,
        identity: seen.parts.identity(),
        question: format!("Delete instance {} of PostgreSQL cluster {}/{}?", seen.instance, cluster.namespace(), cluster.name()),
        impact: format!("{volumes}- Stays: the primary ({primary}) and the other replicas; the instance is cloned anew\n"),
        undone: "was not deleted",
        flag: Some(("confirm_deletion", input.confirm_deletion)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
