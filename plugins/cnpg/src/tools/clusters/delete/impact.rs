//! What a deletion takes with it and what it leaves, told from owner references: Kubernetes garbage-collects what the Cluster owns,
//! and nothing else.

use portcullis_plugin::kubernetes::{Kind, Read};
use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::deleting;
use crate::json::{is_owned_by, json, list, text};
use crate::kind::{
    BACKUPS, CLUSTER_LABEL, DATABASE_ROLES, DATABASES, POOLERS, PUBLICATIONS, SCHEDULED_BACKUPS, SUBSCRIPTIONS, VOLUME_CLAIMS,
};
use crate::status::backups::{last_good, of_cluster};
use crate::text::short;
use crate::time;

/// Objects per list; a namespace with more is told as such.
const PAGE: u32 = 250;
/// Names that one line of text lists, and dependents or volumes that the structured result does.
const NAMED: usize = 20;
pub(super) const TOLD: usize = 100;

/// Kinds that name their cluster in `spec.cluster.name`, and the word of `cascade` for each. Backups are in none: they are what a
/// cluster can be restored from.
const DEPENDENTS: [(Kind, &str); 7] = [
    (DATABASES, "databases"),
    (DATABASE_ROLES, "roles"),
    (POOLERS, "poolers"),
    (SCHEDULED_BACKUPS, "scheduled_backups"),
    (PUBLICATIONS, "publications"),
    (SUBSCRIPTIONS, "subscriptions"),
    (BACKUPS, ""),
];

/// The words of `cascade`.
pub(super) const CASCADE: [&str; 6] = ["databases", "roles", "poolers", "scheduled_backups", "publications", "subscriptions"];

/// What becomes of a dependent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    /// Owned by the cluster.
    Collected,
    /// Named by `cascade`, not deleted yet.
    Chosen,
    Deleted,
    Failed(String),
}

/// One dependent.
#[derive(Debug)]
pub(super) struct Dependent {
    pub(super) kind: Kind,
    pub(super) name: String,
    object: Value,
    pub(super) fate: Fate,
}

/// All that a deletion touches.
#[derive(Debug, Default)]
pub(super) struct Impact {
    pub(super) volumes_gone: Vec<String>,
    pub(super) volumes_kept: Vec<String>,
    pub(super) dependents: Vec<Dependent>,
    /// Plurals that could not be read, with the reason.
    pub(super) not_examined: Vec<String>,
    pub(super) last_good_backup: Option<String>,
    /// Taken by this very call.
    pub(super) final_backup: Option<String>,
    /// What a person should know besides.
    pub(super) notes: Vec<String>,
    backup_age: Option<String>,
}

/// Looks around.
pub(super) fn read(call: &Call<'_>, cluster: Cluster<'_>, cascade: &[String]) -> Impact {
    let (namespace, name) = (cluster.namespace(), cluster.name());
    let claims = VOLUME_CLAIMS.within(namespace).list().labels(format!("{CLUSTER_LABEL}={name}")).limit(PAGE);
    let mut reads: Vec<Read> = vec![claims.into()];
    reads.extend(DEPENDENTS.iter().map(|(kind, _)| Read::from(kind.within(namespace).list().limit(PAGE))));
    let mut results = call.read_many(&reads).into_iter();
    let mut impact = Impact::default();
    match results.next() {
        Some(Ok(found)) => impact.volumes(&found, cluster),
        Some(Err(problem)) => impact.not_examined.push(format!("{} ({})", VOLUME_CLAIMS.plural, problem.reason)),
        None => {}
    }
    for ((kind, word), found) in DEPENDENTS.into_iter().zip(results) {
        match found {
            Ok(found) => impact.add(call, kind, &found, cluster, cascade.iter().any(|one| one == word)),
            // Kinds that this CloudNativePG does not have yet.
            Err(problem) if problem.code == 404 => {}
            Err(problem) => impact.not_examined.push(format!("{} ({})", kind.plural, problem.reason)),
        }
    }
    let stamp = impact.last_good_backup.clone().or_else(|| text(cluster.0, "/status/lastSuccessfulBackup").map(str::to_owned));
    impact.backup_age = stamp.as_deref().map(|stamp| time::age(Some(stamp), call.host.now()));
    impact.last_good_backup = stamp;
    impact
}

impl Impact {
    fn volumes(&mut self, found: &Value, cluster: Cluster<'_>) {
        if text(found, "/metadata/continue").is_some() {
            self.not_examined.push(format!("{} beyond the first {PAGE}", VOLUME_CLAIMS.plural));
        }
        for claim in list(found, "/items") {
            let name = text(claim, "/metadata/name").unwrap_or_default().to_owned();
            let side = if is_owned_by(claim, cluster.uid()) { &mut self.volumes_gone } else { &mut self.volumes_kept };
            side.push(name);
        }
    }

    fn add(&mut self, call: &Call<'_>, kind: Kind, found: &Value, cluster: Cluster<'_>, chosen: bool) {
        let mine = of_cluster(found, cluster.name());
        if kind == BACKUPS {
            self.last_good_backup = last_good(&mine).map(str::to_owned);
        }
        if text(found, "/metadata/continue").is_some() {
            self.not_examined.push(format!("{} beyond the first {PAGE}", kind.plural));
        }
        for one in mine {
            let fate = match (is_owned_by(one, cluster.uid()), chosen) {
                (true, _) => Fate::Collected,
                (false, true) => self.chosen(call, one),
                (false, false) => Fate::Kept,
            };
            let name = text(one, "/metadata/name").unwrap_or_default().to_owned();
            self.dependents.push(Dependent { kind, name, object: one.clone(), fate });
        }
    }

    /// What `cascade` named goes, unless a GitOps tool would make it anew.
    fn chosen(&mut self, call: &Call<'_>, object: &Value) -> Fate {
        match deleting::gitops(call, object) {
            Ok(note) => {
                self.notes.extend(note);
                Fate::Chosen
            }
            Err(problem) => Fate::Failed(short(&problem.message)),
        }
    }

    /// Deletes what `cascade` named, each only if it is still what was looked at; or asks whether the API server would.
    pub(super) fn delete_chosen(&mut self, call: &Call<'_>, namespace: &str, dry_run: bool) {
        for one in self.dependents.iter_mut().filter(|one| one.fate == Fate::Chosen) {
            let target = one.kind.within(namespace).named(&one.name);
            one.fate = match deleting::delete(call, &target, &one.object, dry_run) {
                Ok(_) if dry_run => Fate::Chosen,
                Ok(_) => Fate::Deleted,
                Err(problem) if problem.code == 404 => Fate::Deleted,
                Err(problem) => Fate::Failed(short(&problem.message)),
            };
        }
    }

    /// For `structuredContent`: those that matter most first, so that a list that is too long loses what stays.
    pub(super) fn structured(&self) -> (Vec<Value>, usize) {
        let mut all: Vec<&Dependent> = self.dependents.iter().collect();
        all.sort_by_key(|one| match one.fate {
            Fate::Failed(_) => 0,
            Fate::Chosen | Fate::Deleted => 1,
            Fate::Collected => 2,
            Fate::Kept => 3,
        });
        let structured = all.iter().take(TOLD).map(|one| {
            let (fate, message) = match &one.fate {
                Fate::Kept => ("kept", None),
                Fate::Chosen => ("chosen", None),
                Fate::Collected => ("garbage_collected", None),
                Fate::Deleted => ("deleted", None),
                Fate::Failed(message) => ("failed", Some(message)),
            };
            json!({"kind": one.kind.plural, "name": one.name, "fate": fate, "message": message})
        });
        (structured.collect(), self.dependents.len())
    }

    /// For people, before (`would`) or after.
    pub(super) fn markdown(&self, would: bool) -> String {
        let goes = if would { "Would be deleted" } else { "Being deleted" };
        let stays = if would { "Would stay" } else { "Stays" };
        let mut out = format!(
            "- {goes}: its pods, services and the Secrets that the operator made for it (Kubernetes garbage-collects what the Cluster owns)\n"
        );
        if !self.volumes_gone.is_empty() {
            let names = some(&self.volumes_gone);
            out.push_str(&format!(
                "- {goes}: volume claims {names}, **with the data in them** (unless their StorageClass retains volumes)\n"
            ));
        }
        if !self.volumes_kept.is_empty() {
            out.push_str(&format!("- {stays}: volume claims {}, which the Cluster does not own\n", some(&self.volumes_kept)));
        }
        out.push_str(&format!("- {stays}: Secrets that people made; this tool deletes no Secret\n"));
        self.list(&mut out, goes, |fate| matches!(fate, Fate::Collected | Fate::Chosen | Fate::Deleted));
        self.list(&mut out, stays, |fate| matches!(fate, Fate::Kept | Fate::Failed(_)));
        let heirs = self.dependents.iter().any(|one| one.fate == Fate::Kept && one.kind != BACKUPS);
        if heirs {
            out.push_str("- What stays would be applied to a later cluster of the same name: `cascade` deletes it too\n");
        }
        let cannot = if would { "cannot be deleted" } else { "could not be deleted" };
        for one in self.dependents.iter().filter(|one| matches!(one.fate, Fate::Failed(_))).take(NAMED) {
            if let Fate::Failed(message) = &one.fate {
                out.push_str(&format!("- {} `{}` {cannot}: {message}\n", one.kind.plural, one.name));
            }
        }
        match (&self.final_backup, &self.backup_age) {
            (Some(name), _) => out.push_str(&format!("- Final backup: `{name}` is completed\n")),
            (None, Some(age)) => out.push_str(&format!("- Last good backup: {age} ago\n")),
            (None, None) => out.push_str("- **No completed backup is known**\n"),
        }
        for note in self.notes.iter().take(NAMED) {
            out.push_str(&format!("- {note}\n"));
        }
        if !self.not_examined.is_empty() {
            out.push_str(&format!("- Not examined: {}\n", self.not_examined.join(", ")));
        }
        out
    }

    fn list(&self, out: &mut String, heading: &str, fits: impl Fn(&Fate) -> bool) {
        let names: Vec<String> =
            self.dependents.iter().filter(|one| fits(&one.fate)).map(|one| format!("{}/{}", one.kind.plural, one.name)).collect();
        if !names.is_empty() {
            out.push_str(&format!("- {heading}: {}\n", some(&names)));
        }
    }
}

/// As many names as a person reads, and how many more there are.
fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
