//! A Cluster as the API server gives it, read through accessors. Interprets, never changes.

use serde_json::Value;

use crate::gitops;
use crate::json::{annotation, integer, json, list, text, texts};
use crate::phase::{self, Health};
use crate::text::short;

/// A JSON list of names, or of `*` alone.
pub(crate) const FENCED: &str = "cnpg.io/fencedInstances";

/// One Cluster object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster<'a>(pub(crate) &'a Value);

impl<'a> Cluster<'a> {
    pub(crate) fn name(self) -> &'a str {
        text(self.0, "/metadata/name").unwrap_or_default()
    }
    pub(crate) fn namespace(self) -> &'a str {
        text(self.0, "/metadata/namespace").unwrap_or_default()
    }
    pub(crate) fn uid(self) -> &'a str {
        text(self.0, "/metadata/uid").unwrap_or_default()
    }
    pub(crate) fn resource_version(self) -> &'a str {
        text(self.0, "/metadata/resourceVersion").unwrap_or_default()
    }
    pub(crate) fn created(self) -> Option<&'a str> {
        text(self.0, "/metadata/creationTimestamp")
    }
    pub(crate) fn is_being_deleted(self) -> bool {
        text(self.0, "/metadata/deletionTimestamp").is_some()
    }
    /// As asked for. The CRD's default is 1.
    pub(crate) fn instances(self) -> i64 {
        integer(self.0, "/spec/instances").unwrap_or(1)
    }
    pub(crate) fn ready(self) -> i64 {
        integer(self.0, "/status/readyInstances").unwrap_or(0)
    }
    pub(crate) fn phase(self) -> Option<&'a str> {
        text(self.0, "/status/phase")
    }
    pub(crate) fn phase_reason(self) -> Option<&'a str> {
        text(self.0, "/status/phaseReason")
    }
    pub(crate) fn primary(self) -> Option<&'a str> {
        text(self.0, "/status/currentPrimary")
    }
    pub(crate) fn target_primary(self) -> Option<&'a str> {
        text(self.0, "/status/targetPrimary")
    }
    pub(crate) fn storage_size(self) -> Option<&'a str> {
        text(self.0, "/spec/storage/size")
    }
    /// What runs, else what was asked for: with an image catalog only the status knows it.
    pub(crate) fn image(self) -> Option<&'a str> {
        text(self.0, "/status/image").or_else(|| text(self.0, "/spec/imageName"))
    }

    /// The phase, and whether as many instances are ready as were asked for.
    pub(crate) fn health(self) -> Health {
        match phase::health(self.phase()) {
            Health::Healthy if self.ready() < self.instances() && !self.is_hibernated() => Health::Progressing,
            other => other,
        }
    }

    /// Healthy with exactly this many instances: what a wait waits for.
    pub(crate) fn is_settled_at(self, instances: i64) -> bool {
        phase::health(self.phase()) == Health::Healthy && self.ready() == instances
    }

    pub(crate) fn is_hibernated(self) -> bool {
        annotation(self.0, "cnpg.io/hibernation") == Some("on")
    }

    /// Names of fenced instances; `*` is all of them.
    pub(crate) fn fenced(self) -> Vec<String> {
        annotation(self.0, FENCED).and_then(|one| serde_json::from_str(one).ok()).unwrap_or_default()
    }

    /// Whether the annotation is there and says nothing that we understand: who is fenced is not known then.
    pub(crate) fn fence_is_unreadable(self) -> bool {
        annotation(self.0, FENCED).is_some_and(|one| serde_json::from_str::<Vec<String>>(one).is_err())
    }

    /// How people name the version: the image, else the major version of the data.
    pub(crate) fn postgres_version(self) -> String {
        let major =
            || integer(self.0, "/status/pgDataImageInfo/majorVersion").or_else(|| integer(self.0, "/spec/imageCatalogRef/major"));
        self.image().map(short).or_else(|| major().map(|one| one.to_string())).unwrap_or_else(|| "unknown".into())
    }

    /// Database and owner of the application, in whichever of its three ways the cluster began; `None`: nothing is said, and
    /// CloudNativePG calls both `app`.
    pub(crate) fn application(self) -> Option<(&'a str, &'a str)> {
        let begun = |way: &str| {
            let under = |key: &str| text(self.0, &format!("/spec/bootstrap/{way}/{key}"));
            let (database, owner) = (under("database"), under("owner"));
            Some((database.or(owner.map(|_| "app"))?, owner.or(database)?))
        };
        ["initdb", "recovery", "pg_basebackup"].into_iter().find_map(begun)
    }

    /// Number of synchronous standbys that the spec asks for, new way or old.
    pub(crate) fn synchronous(self) -> Option<i64> {
        integer(self.0, "/spec/postgresql/synchronous/number")
            .or_else(|| integer(self.0, "/spec/maxSyncReplicas"))
            .filter(|one| *one > 0)
    }

    /// `[{type,status,reason,message,lastTransitionTime}]`, as REF gave them.
    pub(crate) fn conditions(self) -> &'a [Value] {
        list(self.0, "/status/conditions")
    }

    pub(crate) fn condition(self, kind: &str) -> Option<&'a Value> {
        self.conditions().iter().find(|one| text(one, "/type") == Some(kind))
    }

    /// States that a person should know of and that no phase tells.
    pub(crate) fn notices(self) -> Vec<String> {
        let mut out = Vec::new();
        let mut note = |on: bool, words: String| {
            if on {
                out.push(words);
            }
        };
        note(self.is_being_deleted(), "it is being deleted".into());
        note(self.is_hibernated(), "it is hibernated: its pods are shut down on purpose".into());
        let fenced = self.fenced();
        note(
            !fenced.is_empty(),
            format!("fenced instances: {} (PostgreSQL is stopped there on purpose)", short(&fenced.join(", "))),
        );
        note(self.fence_is_unreadable(), format!("`{FENCED}` cannot be read: which instances are fenced is not known"));
        let moving = self.target_primary().filter(|target| self.primary().is_some_and(|current| current != *target));
        note(moving.is_some(), format!("the primary is moving to {}", short(moving.unwrap_or_default())));
        let off = annotation(self.0, "cnpg.io/reconciliationLoop") == Some("disabled");
        note(off, "`cnpg.io/reconciliationLoop: disabled`: the operator ignores this cluster".into());
        let off = annotation(self.0, "cnpg.io/validation") == Some("disabled");
        note(off, "`cnpg.io/validation: disabled`: nothing checks changes of this cluster".into());
        let off = annotation(self.0, "cnpg.io/skipWalArchiving") == Some("enabled");
        note(off, "`cnpg.io/skipWalArchiving: enabled`: WAL is not archived".into());
        let failing = |kind: &str| self.condition(kind).is_some_and(|one| text(one, "/status") == Some("False"));
        note(failing("ContinuousArchiving"), "WAL archiving fails: point-in-time recovery ends where it stopped".into());
        note(failing("LastBackupSucceeded"), "the last backup failed".into());
        note(failing("ConsistentSystemID"), "instances have different system identifiers".into());
        let dangling = texts(self.0, "/status/danglingPVC");
        note(!dangling.is_empty(), format!("volumes without an instance: {}", short(&dangling.join(", "))));
        let unusable = texts(self.0, "/status/unusablePVC");
        note(!unusable.is_empty(), format!("unusable volumes: {}", short(&unusable.join(", "))));
        note(
            gitops::owner(self.0).is_some(),
            format!("managed by {}: a change made here may be reverted", gitops::owner(self.0).unwrap_or_default()),
        );
        out
    }

    /// The keys that lists and status share (REF's, with phase_reason and health).
    pub(crate) fn summary(self) -> Value {
        json!({
            "name": self.name(), "namespace": self.namespace(), "instances": self.instances(),
            "ready_instances": self.ready(), "phase": self.phase().unwrap_or("Unknown"), "phase_reason": self.phase_reason(),
            "health": self.health().word(), "current_primary": self.primary(), "created": self.created(),
        })
    }
}
