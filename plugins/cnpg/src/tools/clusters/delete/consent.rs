//! What a person agrees to when a cluster is deleted.

use super::Input;
use super::impact::Impact;
use crate::cluster::Cluster;
use crate::consent::Danger;

/// The danger of this deletion.
pub(super) fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, impact: &Impact) -> Danger<'a> {
    Danger {
        tool: "delete_postgres_cluster",
        noun: "cluster",
        name: cluster.name(),
        identity: cluster.uid(),
        question: format!("Delete PostgreSQL cluster {}/{} with its data?", cluster.namespace(), cluster.name()),
        impact: impact.markdown(true),
        undone: "was not deleted",
        flag: Some(("confirm_deletion", input.confirm_deletion)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
