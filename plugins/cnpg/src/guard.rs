//! What forbids work on a cluster whatever the work is, so that every tool says it in the same words.

use crate::cluster::{Cluster, FENCED};
use crate::json::annotation;
use crate::problem::Problem;

/// Refuses a cluster that is going away, or that the operator was told to leave alone: nothing would come of the change.
pub(crate) fn is_looked_after(cluster: Cluster<'_>) -> Result<(), Problem> {
    let name = cluster.name();
    if cluster.is_being_deleted() {
        return Err(Problem::refused(
            "BeingDeleted",
            format!("cluster `{name}` is being deleted"),
            "Nothing can be done with it any more.",
        )
        .next(&["list_postgres_clusters"]));
    }
    if annotation(cluster.0, "cnpg.io/reconciliationLoop") == Some("disabled") {
        let message = format!("the operator ignores cluster `{name}` (annotation `cnpg.io/reconciliationLoop: disabled`)");
        let hint = "Nothing was changed, since nothing would come of it. Whoever set the annotation removes it first.";
        return Err(Problem::refused("ReconciliationDisabled", message, hint).next(&["get_cluster_status"]));
    }
    Ok(())
}

/// The same, and refuses a hibernated one: it has no pods to work on.
pub(crate) fn is_awake(cluster: Cluster<'_>) -> Result<(), Problem> {
    is_looked_after(cluster)?;
    if cluster.is_hibernated() {
        let message = format!("cluster `{}` is hibernated: no instance of it runs", cluster.name());
        return Err(Problem::refused("Hibernated", message, "Resume it first.").next(&["resume_cluster"]));
    }
    Ok(())
}

/// Refuses while the primary moves: whoever writes the status now could undo a failover. `pending` is the operator's mark that it
/// waits for the WAL receivers to stop before it elects (CloudNativePG `internal/controller/replicas.go`).
pub(crate) fn is_not_moving(cluster: Cluster<'_>) -> Result<(), Problem> {
    let (current, target) = (cluster.primary(), cluster.target_primary());
    if target.is_none() || target == current {
        return Ok(());
    }
    let to = match target {
        Some("pending") => "a failover is being decided".to_owned(),
        _ => format!("the primary is moving to {}", crate::text::short(target.unwrap_or_default())),
    };
    let message = format!("cluster `{}`: {to}; nothing was changed", cluster.name());
    let hint = "Let the operator finish, then look again.";
    Err(Problem { retryable: true, ..Problem::refused("PrimaryMoving", message, hint) }.next(&["get_cluster_status"]))
}

/// Refuses when it is not known who is fenced: what would be written could let PostgreSQL start where somebody stopped it.
pub(crate) fn fence_is_readable(cluster: Cluster<'_>) -> Result<(), Problem> {
    if !cluster.fence_is_unreadable() {
        return Ok(());
    }
    let written = annotation(cluster.0, FENCED).map(crate::text::short).unwrap_or_default();
    let message =
        format!("`{FENCED}` of cluster `{}` is not a JSON list of names ({written}); nothing was changed", cluster.name());
    let hint = "Correct the annotation by hand, or remove it with `unfence_instances` and `all: true`, which lets PostgreSQL start everywhere.";
    Err(Problem::refused("FenceUnreadable", message, hint).next(&["get_cluster_status"]))
}
