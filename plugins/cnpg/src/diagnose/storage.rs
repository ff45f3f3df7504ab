//! Rules on volume claims.

use serde_json::Value;

use super::scene::{Scene, join};
use super::{Rule, Severity};
use crate::json::{text, texts};
use crate::quantity;

fn claims(scene: &Scene<'_>, fits: impl Fn(&Value) -> bool) -> Option<String> {
    join(scene.claims().iter().filter(|one| fits(one)).filter_map(|one| text(one, "/metadata/name")))
}

fn listed(scene: &Scene<'_>, pointer: &str) -> Option<String> {
    join(texts(scene.cluster.0, pointer).into_iter())
}

const STORAGE: (&str, &str) = ("get_cluster_status", "{\"sections\": [\"storage\", \"events\"]}");

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "volumes_unusable",
        severity: Severity::Critical,
        says: "volumes cannot be used: an instance lacks one of its volumes",
        advice: "Do not delete what is left before you know whether another instance has the data.",
        doc: "storage",
        next: STORAGE,
        look: |scene| listed(scene, "/status/unusablePVC"),
    },
    Rule {
        id: "volumes_dangling",
        severity: Severity::Warning,
        says: "volumes have no instance",
        advice: "The operator uses them again when it makes that instance anew.",
        doc: "storage",
        next: STORAGE,
        look: |scene| listed(scene, "/status/danglingPVC"),
    },
    Rule {
        id: "volumes_resizing",
        severity: Severity::Info,
        says: "volumes are being resized",
        advice: "If it takes long, the storage driver may need the pod to be restarted.",
        doc: "storage",
        next: STORAGE,
        look: |scene| listed(scene, "/status/resizingPVC"),
    },
    Rule {
        id: "volume_pending",
        severity: Severity::Critical,
        says: "a volume claim is not bound to a volume",
        advice: "The StorageClass does not exist, has no driver, or has no room: the claim's events say which.",
        doc: "storage",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| claims(scene, |one| text(one, "/status/phase") == Some("Pending")),
    },
    Rule {
        id: "volume_lost",
        severity: Severity::Critical,
        says: "the volume behind a claim is gone",
        advice: "The instance must be made anew from the others, or the cluster restored.",
        doc: "storage",
        next: ("list_backups", ""),
        look: |scene| claims(scene, |one| text(one, "/status/phase") == Some("Lost")),
    },
    Rule {
        id: "volume_too_small",
        severity: Severity::Warning,
        says: "a volume is smaller than its claim asks for",
        advice: "It is being grown, or its StorageClass does not allow that (`allowVolumeExpansion`).",
        doc: "storage",
        next: STORAGE,
        look: |scene| {
            let size = |one: &Value, at: &str| text(one, at).and_then(quantity::value);
            claims(scene, |one| {
                let both = size(one, "/status/capacity/storage").zip(size(one, "/spec/resources/requests/storage"));
                both.is_some_and(|(have, asked)| have < asked)
            })
        },
    },
    Rule {
        id: "mount_fails",
        severity: Severity::Critical,
        says: "a volume cannot be attached or mounted",
        advice: "It may still be attached to a node that is gone: see the events.",
        doc: "storage",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| {
            let all = scene.warnings("FailedMount").into_iter().chain(scene.warnings("FailedAttachVolume"));
            join(all.filter_map(|one| text(one, "/involvedObject/name")))
        },
    },
];
