//! The blast radius of a change: what it does to running instances, told from the paths that it touches. Source: CloudNativePG,
//! "Rolling updates", "Declarative hibernation", "Fencing", "Volume expansion".

use serde_json::Value;

use crate::json::{json, list, text};

/// What a change does, at the worst.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Radius {
    /// Instances are restarted, one after the other.
    pub(crate) restart: bool,
    /// The primary moves, or is restarted: writes stop for seconds.
    pub(crate) switchover: bool,
    /// Nobody is served until it is undone or done.
    pub(crate) downtime: bool,
    /// Data or copies of it are gone afterwards.
    pub(crate) irreversible: bool,
    pub(crate) notes: Vec<&'static str>,
}

/// What a path means: restart, switchover, downtime, irreversible, words.
struct Meaning(&'static str, [bool; 4], &'static str);

const NONE: [bool; 4] = [false; 4];
const ROLLING: [bool; 4] = [true, true, false, false];

const MEANINGS: [Meaning; 21] = [
    Meaning(
        "spec.imageCatalogRef.major",
        [true, true, true, true],
        "a new major version: the cluster stops while it is upgraded, and going back means restoring a backup",
    ),
    Meaning("spec.image", ROLLING, "a new image: instances are restarted one after the other, replicas first, then a switchover"),
    Meaning(
        "spec.imageCatalogRef",
        ROLLING,
        "a new image: instances are restarted one after the other, replicas first, then a switchover",
    ),
    Meaning("spec.resources", ROLLING, "other resources: pods are made anew one after the other, then a switchover"),
    Meaning("spec.affinity", ROLLING, "other scheduling: pods are made anew one after the other, then a switchover"),
    Meaning("spec.plugins", ROLLING, "other plugins: pods are made anew one after the other, then a switchover"),
    Meaning("spec.walStorage", ROLLING, "a volume for WAL: pods are made anew one after the other, then a switchover"),
    Meaning("spec.storage", NONE, "larger volumes: grown in place where the storage class can"),
    Meaning("spec.instances", NONE, "another number of instances: copies are added, or replicas go with their volumes"),
    Meaning(
        "spec.postgresql.parameters",
        [true, true, false, false],
        "parameters: most are reloaded; those that need a restart restart the instances one after the other",
    ),
    Meaning("spec.postgresql.synchronous", NONE, "synchronous replication: commits may wait for standbys"),
    Meaning("spec.postgresql.pg_hba", NONE, "who may connect: reloaded without a restart"),
    Meaning("spec.tablespaces", ROLLING, "a new tablespace: pods are made anew one after the other, then a switchover"),
    Meaning("spec.managed.services", NONE, "services: clients may find another instance behind one, or none"),
    Meaning("spec.backup", NONE, "where backups go: what is there already stays"),
    Meaning("spec.enableSuperuserAccess", NONE, "superuser access over the network"),
    Meaning("spec.replica", [false, true, true, false], "the role of the cluster between sites: writes stop or move"),
    Meaning("metadata.annotations.kubectl.kubernetes.io/restartedAt", ROLLING, "a rolling restart, then a switchover"),
    Meaning("metadata.annotations.cnpg.io/hibernation", [false, false, true, false], "hibernation: all pods stop, volumes stay"),
    Meaning(
        "metadata.annotations.cnpg.io/fencedInstances",
        [false, false, true, false],
        "fencing: PostgreSQL stops on those instances until they are unfenced",
    ),
    Meaning("status.targetPrimary", [false, true, false, false], "a switchover: writes stop for seconds"),
];

impl Radius {
    /// Of a dry run's structured result: its `changes`, and for a removal the tool's own hint.
    pub(crate) fn of(structured: &Value, removes: bool) -> Self {
        let mut radius = Self { irreversible: removes, ..Self::default() };
        for change in list(structured, "/changes") {
            let path = match (text(change, "/path").unwrap_or_default(), text(structured, "/upgrade")) {
                // Which version an image is, its tool knows better than its path.
                (path, Some("major")) if path.starts_with("spec.image") => "spec.imageCatalogRef.major",
                (path, Some("minor")) if path.starts_with("spec.image") => "spec.image",
                (path, _) => path,
            };
            // The most telling one comes first in the table.
            if let Some(meaning) = MEANINGS.iter().find(|one| path.starts_with(one.0)) {
                radius.add(meaning);
            }
            let fewer = change.pointer("/from").and_then(Value::as_i64) > change.pointer("/to").and_then(Value::as_i64);
            radius.irreversible |= path == "spec.instances" && fewer;
        }
        radius
    }

    fn add(&mut self, Meaning(_, [restart, switchover, downtime, irreversible], words): &Meaning) {
        self.restart |= restart;
        self.switchover |= switchover;
        self.downtime |= downtime;
        self.irreversible |= irreversible;
        if !self.notes.contains(words) {
            self.notes.push(words);
        }
    }

    /// For `structuredContent`.
    pub(crate) fn structured(&self) -> Value {
        json!({"restart": self.restart, "switchover": self.switchover, "downtime": self.downtime,
            "irreversible": self.irreversible, "notes": self.notes})
    }

    /// For people.
    pub(crate) fn markdown(&self) -> String {
        let yes = |on: bool| if on { "yes" } else { "no" };
        let mut out = format!(
            "**Blast radius**: restarts {}, primary moves {}, downtime {}, cannot be undone {}.\n",
            yes(self.restart),
            yes(self.switchover),
            yes(self.downtime),
            yes(self.irreversible)
        );
        for note in &self.notes {
            out.push_str(&format!("- {note}\n"));
        }
        out
    }
}
