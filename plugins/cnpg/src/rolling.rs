//! What a rolling restart means for whoever is connected: told by every tool that causes one. Source: CloudNativePG, "Rolling updates".

use crate::cluster::Cluster;
use crate::json::text;

/// What to know before it begins.
pub(crate) fn notes(cluster: Cluster<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if cluster.instances() == 1 {
        out.push("its only instance restarts: nobody can connect meanwhile".into());
    } else if text(cluster.0, "/spec/primaryUpdateStrategy") == Some("supervised") {
        out.push(
            "`primaryUpdateStrategy` is `supervised`: after the replicas the operator waits for `promote_cluster_instance`"
                .into(),
        );
    } else if text(cluster.0, "/spec/primaryUpdateMethod") == Some("switchover") {
        out.push("the primary's turn is a switchover: another instance is the primary afterwards".into());
    }
    if !cluster.fenced().is_empty() {
        out.push("fenced instances stay fenced".into());
    }
    out
}
