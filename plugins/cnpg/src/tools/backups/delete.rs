//! delete_backup: removes the Backup object, and says truly what that does to the data: an archive keeps it until its retention policy
//! says otherwise, volume snapshots go if the Backup owns them.

use serde::Deserialize;
use serde_json::Value;

use super::get::{BACKUP, find};
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::backup::Backup;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::consent::{Consent, Danger, obtain};
use crate::deleting;
use crate::json::{is_owned_by, json, list, text};
use crate::kind::{BACKUPS, VOLUME_SNAPSHOTS};
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;

/// Snapshots that are looked at: one per volume of one instance.
const PAGE: u32 = 100;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_backup",
    title: "Delete a backup",
    description: "Delete a Backup object. What lies in an object store stays there until its retention policy removes it; volume snapshots that the Backup owns are deleted with it. Asks the human when the client can; otherwise needs `confirm_name`.",
    parameters: &[BACKUP, CONFIRM, CONFIRM_NAME, NAMESPACE, DRY_RUN],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"},
"deleted": {"type": "boolean"}, "dry_run": {"type": "boolean"}, "confirmed_by": {"enum": ["human", "confirm_name", null]},
"snapshots_deleted": {"type": "array", "items": {"type": "string"}}, "snapshots_kept": {"type": "array", "items": {"type": "string"}},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["name", "namespace", "cluster", "deleted", "dry_run", "snapshots_deleted", "snapshots_kept", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: false,
    rules: &[Rule::on(BACKUPS, &["get", "list", "delete"]), Rule::on(VOLUME_SNAPSHOTS, &["list"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

/// What goes and what stays.
#[derive(Default)]
struct Impact {
    gone: Vec<String>,
    kept: Vec<String>,
    notes: Vec<String>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = find(call, &input.name, input.namespace.as_deref())?;
    let backup = Backup(&object);
    let note = deleting::gitops(call, &object)?;
    let mut impact = impact(call, backup);
    impact.notes.extend(note);
    let target = BACKUPS.within(backup.namespace()).named(backup.name());
    if input.dry_run.unwrap_or(false) {
        let texts = deleting::delete(call, &target, &object, true)?;
        return Ok(describe(backup, &impact, &texts, None).into());
    }
    let danger = Danger {
        tool: "delete_backup",
        noun: "backup",
        name: backup.name(),
        identity: text(&object, "/metadata/uid").unwrap_or_default(),
        question: format!("Delete backup {}/{} of cluster {}?", backup.namespace(), backup.name(), short(backup.cluster())),
        impact: impact.markdown(true),
        undone: "was not deleted",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    };
    let by = match obtain(call, &danger)? {
        Consent::Given(by) => by,
        Consent::Ask(question) => return Ok(Outcome::Ask(question)),
    };
    let texts = deleting::delete(call, &target, &object, false)?;
    call.host.log(&format!("deleted backup {}/{} (confirmed by {by})", backup.namespace(), backup.name()));
    Ok(describe(backup, &impact, &texts, Some(by)).into())
}

fn impact(call: &Call<'_>, backup: Backup<'_>) -> Impact {
    let mut impact = Impact::default();
    if backup.method() == "volumeSnapshot" {
        snapshots(call, backup, &mut impact);
    } else {
        impact.notes.push("what it wrote to the object store stays there until the retention policy removes it".into());
    }
    if !matches!(backup.phase(), "completed" | "failed") {
        impact
            .notes
            .push(format!("it is not finished (phase {}): deleting the object does not surely stop it", short(backup.phase())));
    }
    if let Some(note) = last_one(call, backup) {
        impact.notes.push(note);
    }
    impact
}

fn snapshots(call: &Call<'_>, backup: Backup<'_>, impact: &mut Impact) {
    let wanted = VOLUME_SNAPSHOTS.within(backup.namespace()).list().labels(format!("cnpg.io/backupName={}", backup.name()));
    let found = match call.list(&wanted.limit(PAGE)) {
        Ok(found) => found,
        Err(problem) => {
            impact
                .notes
                .push(format!("its volume snapshots could not be looked at ({}): those that it owns go with it", problem.reason));
            return;
        }
    };
    let uid = text(backup.0, "/metadata/uid").unwrap_or_default();
    for one in list(&found, "/items") {
        let name = text(one, "/metadata/name").unwrap_or_default().to_owned();
        if is_owned_by(one, uid) { impact.gone.push(name) } else { impact.kept.push(name) }
    }
}

/// Whether no other completed backup of the cluster is left.
fn last_one(call: &Call<'_>, backup: Backup<'_>) -> Option<String> {
    if !backup.is_completed() {
        return None;
    }
    let found = call.list(&BACKUPS.within(backup.namespace()).list().limit(250)).ok()?;
    let other = |one: &&Value| {
        let other = Backup(one);
        other.cluster() == backup.cluster() && other.is_completed() && other.name() != backup.name()
    };
    if list(&found, "/items").iter().any(|one| other(&one)) || text(&found, "/metadata/continue").is_some() {
        return None;
    }
    Some(format!("**it is the only completed backup of cluster `{}`**", short(backup.cluster())))
}

impl Impact {
    fn markdown(&self, would: bool) -> String {
        let mut out = String::new();
        let mut line = |words: &str, names: &[String]| {
            if !names.is_empty() {
                out.push_str(&format!("- {words}: {}\n", names.join(", ")));
            }
        };
        line(
            if would { "Volume snapshots that would be deleted with it" } else { "Volume snapshots deleted with it" },
            &self.gone,
        );
        line("Volume snapshots that stay", &self.kept);
        for note in &self.notes {
            out.push_str(&format!("- {note}\n"));
        }
        out
    }
}

fn describe(backup: Backup<'_>, impact: &Impact, texts: &[String], by: Option<&'static str>) -> Answer {
    let (namespace, name) = (backup.namespace(), backup.name());
    let mut out = match by {
        None => format!(
            "**Dry run**: the API server would delete backup `{namespace}/{name}` (of {}, {}); nothing was deleted.\n",
            short(backup.cluster()),
            time_of(backup)
        ),
        Some(_) => format!("Backup `{namespace}/{name}` is deleted.\n"),
    };
    out.push_str(&impact.markdown(by.is_none()));
    out.push_str(&warnings(texts));
    out.push_str(match by {
        None => "\nNext: the same call with `dry_run: false` and `confirm_name`.\n",
        Some(_) => "\nNext: `list_backups` shows what is left.\n",
    });
    let structured = json!({
        "name": name, "namespace": namespace, "cluster": backup.cluster(), "deleted": by.is_some(), "dry_run": by.is_none(),
        "confirmed_by": by, "snapshots_deleted": impact.gone, "snapshots_kept": impact.kept, "notes": impact.notes, "warnings": texts,
    });
    Answer::new(out, structured)
}

fn time_of(backup: Backup<'_>) -> String {
    time::seconds(backup.moment()).map_or_else(|| "at an unknown time".into(), |at| format!("of {}", time::rfc3339(at)))
}
