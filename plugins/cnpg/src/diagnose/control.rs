//! Rules on what the operator says and what people told it: phases, conditions, annotations. Source: CloudNativePG
//! `api/v1/cluster_types.go`, `pkg/utils/labels_annotations.go`.

use super::scene::{Scene, join};
use super::{Rule, Severity};
use crate::json::{annotation, list, text, texts};
use crate::phase::{self, Health};
use crate::text::short;
use crate::time;

/// Seconds that work may take before it looks stuck.
const STUCK: i64 = 1800;
/// Seconds that a move of the primary may take.
const MOVE: i64 = 300;
/// CloudNativePG renews its own certificates seven days ahead: less is left only when that does not work.
const RENEWAL: i64 = 7 * 86_400;

fn phase(scene: &Scene<'_>, begins: &str) -> Option<String> {
    let phase = scene.cluster.phase().filter(|phase| phase.starts_with(begins))?;
    Some(short(&scene.cluster.phase_reason().map_or_else(|| phase.to_owned(), |reason| format!("{phase}: {reason}"))))
}

fn note(scene: &Scene<'_>, key: &str, value: &str) -> Option<String> {
    (annotation(scene.cluster.0, key) == Some(value)).then(|| format!("annotation `{key}: {value}`"))
}

/// Secrets whose certificate has between these seconds left.
fn certificates(scene: &Scene<'_>, from: i64, to: i64) -> Option<String> {
    let all = scene.cluster.0.pointer("/status/certificates/expirations")?.as_object()?;
    let left = |stamp: &str| time::seconds(stamp).map(|end| end - scene.now);
    join(
        all.iter()
            .filter(|(_, stamp)| stamp.as_str().and_then(left).is_some_and(|left| (from..to).contains(&left)))
            .map(|(name, _)| name.as_str()),
    )
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unrecoverable",
        severity: Severity::Critical,
        says: "no instance is left that could become primary",
        advice: "Do not delete volumes. Find out from logs and events what happened to them, or restore into a new cluster.",
        doc: "recovery",
        next: ("list_backups", ""),
        look: |scene| phase(scene, "Cluster is unrecoverable"),
    },
    Rule {
        id: "invalid_definition",
        severity: Severity::Critical,
        says: "the operator refuses the spec and does nothing more for this cluster",
        advice: "Correct what the reason names.",
        doc: "troubleshooting",
        next: ("get_cluster_status", "{\"detail_level\": \"detailed\"}"),
        look: |scene| phase(scene, "Invalid cluster definition"),
    },
    Rule {
        id: "objects_not_created",
        severity: Severity::Critical,
        says: "the operator could not create a Secret, Service or the like",
        advice: "Look at the reason: quotas, webhooks and permissions of the operator are the usual ones.",
        doc: "troubleshooting",
        next: ("list_cluster_events", ""),
        look: |scene| phase(scene, "Unable to create required cluster objects"),
    },
    Rule {
        id: "image_catalog",
        severity: Severity::Critical,
        says: "the image catalog does not carry the major version that the cluster asks for",
        advice: "Add it to the catalog, or choose another one.",
        doc: "image_catalog",
        next: ("get_cluster_status", ""),
        look: |scene| phase(scene, "Cluster has incomplete or invalid image catalog"),
    },
    Rule {
        id: "plugin_unknown",
        severity: Severity::Critical,
        says: "a plugin in `spec.plugins` is not installed beside the operator",
        advice: "Install it in the operator's namespace, or take it out of the spec.",
        doc: "cnpg_i",
        next: ("get_cluster_status", ""),
        look: |scene| phase(scene, "Cluster cannot proceed to reconciliation due to an unknown plugin"),
    },
    Rule {
        id: "plugin_failing",
        severity: Severity::Critical,
        says: "a CloudNativePG plugin answers with errors, and nothing is reconciled",
        advice: "Read the plugin's own log in the operator's namespace.",
        doc: "cnpg_i",
        next: ("list_cluster_events", ""),
        look: |scene| phase(scene, "Cluster cannot proceed to reconciliation due to an error"),
    },
    Rule {
        id: "architecture",
        severity: Severity::Critical,
        says: "the operator's image lacks the binary for a node's architecture",
        advice: "Use an operator image for all architectures of the nodes.",
        doc: "architecture",
        next: ("get_cluster_status", ""),
        look: |scene| phase(scene, "Cluster cannot execute instance online upgrade"),
    },
    Rule {
        id: "waiting_for_user",
        severity: Severity::Warning,
        says: "a supervised update waits for a person to start the switchover",
        advice: "Promote an updated replica when it suits you.",
        doc: "rolling_update",
        next: ("get_cluster_status", "{\"detail_level\": \"detailed\"}"),
        look: |scene| phase(scene, "Waiting for user action"),
    },
    Rule {
        id: "not_looked_at",
        severity: Severity::Warning,
        says: "the operator has not looked at this cluster",
        advice: "Is CloudNativePG running, and does it watch this namespace?",
        doc: "installation_upgrade",
        next: ("list_cluster_events", ""),
        look: |scene| {
            let age = scene.since(scene.cluster.created())?;
            (scene.cluster.phase().is_none() && age > 60).then(|| format!("no phase after {}", time::span(age)))
        },
    },
    Rule {
        id: "stuck",
        severity: Severity::Warning,
        says: "the operator has been working on it for long",
        advice: "Look at the pods and their events: what it waits for is usually there.",
        doc: "troubleshooting",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| {
            let ready = scene.cluster.condition("Ready").filter(|one| text(one, "/status") == Some("False"))?;
            let long = scene.since(text(ready, "/lastTransitionTime")).filter(|long| *long > STUCK)?;
            let working = phase::health(scene.cluster.phase()) == Health::Progressing && !scene.cluster.is_hibernated();
            working.then(|| format!("{} for {}", short(scene.cluster.phase().unwrap_or("no phase")), time::span(long)))
        },
    },
    Rule {
        id: "primary_failing",
        severity: Severity::Critical,
        says: "the primary does not answer",
        advice: "The operator fails over after `spec.failoverDelay`; look at the primary's log.",
        doc: "failover",
        next: ("get_cluster_logs", "{\"level\": \"warning\"}"),
        look: |scene| {
            let stamp = text(scene.cluster.0, "/status/currentPrimaryFailingSinceTimestamp")?;
            Some(format!("{} since {}", scene.cluster.primary().map(short).unwrap_or_default(), short(stamp)))
        },
    },
    Rule {
        id: "move_stuck",
        severity: Severity::Critical,
        says: "the primary has been moving for long: nothing may be accepting writes",
        advice: "Look at the log of the instance that is to take over.",
        doc: "failover",
        next: ("get_cluster_logs", "{\"level\": \"warning\"}"),
        look: |scene| {
            let target = scene.cluster.target_primary().filter(|target| scene.cluster.primary() != Some(target))?;
            let long = scene.since(text(scene.cluster.0, "/status/targetPrimaryTimestamp")).filter(|long| *long > MOVE)?;
            Some(format!(
                "from {} to {} for {}",
                scene.cluster.primary().map(short).unwrap_or_default(),
                short(target),
                time::span(long)
            ))
        },
    },
    Rule {
        id: "being_deleted",
        severity: Severity::Info,
        says: "it is being deleted",
        advice: "Finalizers may hold it: see its metadata.",
        doc: "troubleshooting",
        next: ("get_cluster_status", ""),
        look: |scene| text(scene.cluster.0, "/metadata/deletionTimestamp").map(|stamp| format!("since {}", short(stamp))),
    },
    Rule {
        id: "hibernated",
        severity: Severity::Info,
        says: "it is hibernated: its pods are shut down on purpose",
        advice: "Resume it when it is needed.",
        doc: "declarative_hibernation",
        next: ("resume_cluster", ""),
        look: |scene| note(scene, "cnpg.io/hibernation", "on"),
    },
    Rule {
        id: "fenced",
        severity: Severity::Warning,
        says: "instances are fenced: PostgreSQL is stopped there on purpose",
        advice: "Lift the fence when the reason for it is gone.",
        doc: "fencing",
        next: ("get_cluster_status", ""),
        look: |scene| join(scene.cluster.fenced().iter().map(String::as_str)),
    },
    Rule {
        id: "reconciliation_off",
        severity: Severity::Warning,
        says: "the operator ignores this cluster: no failover, no change",
        advice: "Remove the annotation unless somebody is repairing something right now.",
        doc: "labels_annotations",
        next: ("get_cluster_status", ""),
        look: |scene| note(scene, "cnpg.io/reconciliationLoop", "disabled"),
    },
    Rule {
        id: "validation_off",
        severity: Severity::Warning,
        says: "nothing checks changes of this cluster",
        advice: "Remove the annotation.",
        doc: "labels_annotations",
        next: ("get_cluster_status", ""),
        look: |scene| note(scene, "cnpg.io/validation", "disabled"),
    },
    Rule {
        id: "maintenance",
        severity: Severity::Info,
        says: "a node maintenance window is open",
        advice: "Close it when the work on the nodes is done.",
        doc: "kubernetes_upgrade",
        next: ("set_maintenance", "{\"in_progress\": false}"),
        look: |scene| {
            super::scene::yes(scene.cluster.0, "/spec/nodeMaintenanceWindow/inProgress")
                .then(|| "`spec.nodeMaintenanceWindow.inProgress: true`".into())
        },
    },
    Rule {
        id: "certificate_expired",
        severity: Severity::Critical,
        says: "a certificate has expired: TLS connections with it fail",
        advice: "The operator renews its own; certificates that people provide must be renewed by them.",
        doc: "certificates",
        next: ("get_cluster_status", "{\"sections\": [\"certificates\"]}"),
        look: |scene| certificates(scene, i64::MIN, 1),
    },
    Rule {
        id: "certificate_ending",
        severity: Severity::Warning,
        says: "a certificate ends within a week and was not renewed",
        advice: "The operator renews its own seven days ahead; certificates that people provide must be renewed by them.",
        doc: "certificates",
        next: ("get_cluster_status", "{\"sections\": [\"certificates\"]}"),
        look: |scene| certificates(scene, 1, RENEWAL),
    },
    Rule {
        id: "roles_not_reconciled",
        severity: Severity::Warning,
        says: "roles of `spec.managed.roles` cannot be brought about",
        advice: "The status says why for each.",
        doc: "declarative_role_management",
        next: ("get_cluster_logs", "{\"level\": \"error\"}"),
        look: |scene| {
            let all = scene.cluster.0.pointer("/status/managedRolesStatus/cannotReconcile")?.as_object()?;
            join(all.keys().map(String::as_str))
        },
    },
    Rule {
        id: "tablespace_error",
        severity: Severity::Warning,
        says: "a tablespace cannot be brought about",
        advice: "The status says why.",
        doc: "tablespaces",
        next: ("get_cluster_logs", "{\"level\": \"error\"}"),
        look: |scene| join(list(scene.cluster.0, "/status/tablespacesStatus").iter().filter_map(|one| text(one, "/error"))),
    },
    Rule {
        id: "failed_instances",
        severity: Severity::Warning,
        says: "instances have failed",
        advice: "Look at their events and logs.",
        doc: "failure_modes",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| join(texts(scene.cluster.0, "/status/instancesStatus/failed").into_iter()),
    },
];
