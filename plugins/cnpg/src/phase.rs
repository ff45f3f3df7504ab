//! What a Cluster's `status.phase` means for a person. Source: CloudNativePG `api/v1/cluster_types.go`, release 1.30.

/// How a cluster is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Healthy,
    /// The operator is working on it.
    Progressing,
    /// The operator waits for a person.
    NeedsAttention,
    /// The operator does not get any further.
    Failed,
    /// A phase that this build does not know.
    Unknown,
}

/// The phase that means success.
pub(crate) const HEALTHY: &str = "Cluster in healthy state";

/// Phase (or how it begins), health, and what it means or asks for.
const PHASES: &[(&str, Health, &str)] = &[
    (HEALTHY, Health::Healthy, ""),
    ("Switchover in progress", Health::Progressing, "a replica is taking over as primary"),
    ("Failing over", Health::Progressing, "the primary failed, a replica is being promoted"),
    ("Setting up primary", Health::Progressing, "the first instance is being initialised"),
    ("Creating a new replica", Health::Progressing, "a replica is being cloned"),
    ("Upgrading cluster", Health::Progressing, "instances are being rolled over"),
    ("Upgrading Postgres major version", Health::Progressing, "pg_upgrade is running, the cluster is down meanwhile"),
    ("Online upgrade in progress", Health::Progressing, "the instance manager is being replaced in place"),
    ("Applying configuration", Health::Progressing, "parameters are being applied"),
    ("Waiting for the instances to become active", Health::Progressing, "pods are not ready yet: see their events"),
    ("Primary instance is being restarted in-place", Health::Progressing, "connections to the primary are cut meanwhile"),
    (
        "Primary instance is being restarted without a switchover",
        Health::Progressing,
        "connections to the primary are cut meanwhile",
    ),
    ("Promoting to primary cluster", Health::Progressing, "the replica cluster is becoming a primary cluster"),
    ("Cluster upgrade delayed", Health::Progressing, "the operator spreads upgrades over time"),
    ("Waiting for user action", Health::NeedsAttention, "a supervised update waits for a person to start the switchover"),
    (
        "Cluster is unrecoverable and needs manual intervention",
        Health::Failed,
        "no instance is left to promote: restore from a backup or repair volumes by hand",
    ),
    ("Invalid cluster definition", Health::Failed, "the operator refuses the spec: correct what the reason names"),
    (
        "Unable to create required cluster objects",
        Health::Failed,
        "the operator could not create a Secret, Service or the like: see the reason and its permissions",
    ),
    (
        "Cluster has incomplete or invalid image catalog",
        Health::Failed,
        "the image catalog lacks the major version that the cluster asks for",
    ),
    (
        "Cluster cannot proceed to reconciliation due to an unknown plugin",
        Health::Failed,
        "a plugin in `spec.plugins` is not installed beside the operator",
    ),
    ("Cluster cannot proceed to reconciliation", Health::Failed, "a CloudNativePG plugin answers with errors: see its log"),
    (
        "Cluster cannot execute instance online upgrade due to missing architecture binary",
        Health::Failed,
        "the operator image lacks the binary for a node's architecture",
    ),
];

impl Health {
    /// The word in results and filters.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::NeedsAttention => "needs_attention",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

fn known(phase: &str) -> Option<&'static (&'static str, Health, &'static str)> {
    PHASES.iter().find(|(begin, ..)| phase.starts_with(begin))
}

/// The health that a phase alone tells. No phase yet means that the operator has not looked.
pub(crate) fn health(phase: Option<&str>) -> Health {
    phase.map_or(Health::Progressing, |phase| known(phase).map_or(Health::Unknown, |(_, health, _)| *health))
}

/// What the phase means; empty when there is nothing to add.
pub(crate) fn meaning(phase: Option<&str>) -> &'static str {
    match phase {
        None => "the operator has not looked at it yet (is CloudNativePG running and watching this namespace?)",
        Some(phase) => known(phase).map_or("", |(.., meaning)| meaning),
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, health, meaning};

    #[test]
    fn the_phases_of_the_operator_are_told_apart() {
        assert_eq!(health(Some("Cluster in healthy state")), Health::Healthy);
        assert_eq!(health(Some("Creating a new replica")), Health::Progressing);
        assert_eq!(health(Some("Waiting for user action")), Health::NeedsAttention);
        assert_eq!(health(Some("Cluster is unrecoverable and needs manual intervention")), Health::Failed);
        assert_eq!(health(Some("Cluster has been put on the moon")), Health::Unknown);
        assert_eq!(health(None), Health::Progressing);
    }

    #[test]
    fn an_unknown_plugin_is_told_from_a_failing_one() {
        let unknown = meaning(Some("Cluster cannot proceed to reconciliation due to an unknown plugin being required"));
        let failing = meaning(Some("Cluster cannot proceed to reconciliation due to an error while interacting with plugins"));
        assert!(unknown.contains("not installed") && failing.contains("errors"));
    }
}
