//! delete_scheduled_backup: removes a schedule; says which Backup objects it owns, since Kubernetes removes those with it.

use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::consent::{Consent, Danger, obtain};
use crate::deleting;
use crate::json::{is_owned_by, json, list, text};
use crate::kind::{BACKUPS, SCHEDULED_BACKUPS};
use crate::name::OBJECT_PATTERN;
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

/// Backups that are looked at, and names that are shown.
const PAGE: u32 = 250;
const SHOWN: usize = 50;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_scheduled_backup",
    title: "Delete a backup schedule",
    description: "Delete a ScheduledBackup, so that no more backups are taken by it. Backups that it took stay, except Backup objects that it owns (`owner_ref: self`). `set_scheduled_backup` with `suspend: true` is the way back and forth.",
    parameters: &[
        Parameter::required("name", Takes::Text(OBJECT_PATTERN), "Name of the ScheduledBackup.").naming(SCHEDULED_BACKUPS),
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"},
"deleted": {"type": "boolean"}, "dry_run": {"type": "boolean"}, "confirmed_by": {"enum": ["human", "confirm_name", null]},
"backups_deleted": {"type": "array", "items": {"type": "string"}, "description": "Backup objects that it owns"},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["name", "namespace", "cluster", "deleted", "dry_run", "backups_deleted", "notes", "warnings"],
    },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: false,
    rules: &[Rule::on(SCHEDULED_BACKUPS, &["get", "delete"]), Rule::on(BACKUPS, &["list"])],
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

/// What goes with it.
struct Impact {
    backups: Vec<String>,
    notes: Vec<String>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let target = SCHEDULED_BACKUPS.within(namespace.as_str()).named(&input.name);
    let object = call.get(&target)?;
    let mut impact = impact(call, &namespace, &object);
    impact.notes.extend(deleting::gitops(call, &object)?);
    if input.dry_run.unwrap_or(false) {
        let texts = deleting::delete(call, &target, &object, true)?;
        return Ok(describe(&object, &impact, &texts, None).into());
    }
    let danger = Danger {
        tool: "delete_scheduled_backup",
        noun: "scheduled backup",
        name: &input.name,
        identity: text(&object, "/metadata/uid").unwrap_or_default(),
        question: format!("Delete scheduled backup {namespace}/{}?", input.name),
        impact: impact.markdown(),
        undone: "was not deleted",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    };
    let by = match obtain(call, &danger)? {
        Consent::Given(by) => by,
        Consent::Ask(question) => return Ok(Outcome::Ask(question)),
    };
    let texts = deleting::delete(call, &target, &object, false)?;
    call.host.log(&format!("deleted scheduled backup {namespace}/{} (confirmed by {by})", input.name));
    Ok(describe(&object, &impact, &texts, Some(by)).into())
}

fn impact(call: &Call<'_>, namespace: &str, object: &Value) -> Impact {
    let uid = text(object, "/metadata/uid").unwrap_or_default();
    let of = text(object, "/spec/cluster/name").map(short).unwrap_or_default();
    let mut notes = vec![format!("no more backups of cluster `{of}` are taken by it")];
    let backups = match call.list(&BACKUPS.within(namespace).list().limit(PAGE)) {
        Ok(found) => {
            let mine = list(&found, "/items").iter().filter(|one| is_owned_by(one, uid));
            let names: Vec<String> = mine.filter_map(|one| text(one, "/metadata/name")).map(str::to_owned).collect();
            if names.is_empty() {
                notes.push("backups that it took stay".into());
            }
            if text(&found, "/metadata/continue").is_some() {
                notes.push(format!("only the first {PAGE} backups of the namespace were looked at"));
            }
            names
        }
        Err(problem) => {
            notes.push(format!("which Backup objects it owns could not be looked at ({}): those go with it", problem.reason));
            Vec::new()
        }
    };
    Impact { backups, notes }
}

impl Impact {
    fn markdown(&self) -> String {
        let mut out = String::new();
        if !self.backups.is_empty() {
            let more = if self.backups.len() > SHOWN { ", …" } else { "" };
            let names: Vec<&str> = self.backups.iter().take(SHOWN).map(String::as_str).collect();
            out.push_str(&format!("- {} Backup objects go with it: {}{more}\n", self.backups.len(), names.join(", ")));
        }
        for note in &self.notes {
            out.push_str(&format!("- {note}\n"));
        }
        out
    }
}

fn describe(object: &Value, impact: &Impact, texts: &[String], by: Option<&'static str>) -> Answer {
    let word = |pointer: &str| text(object, pointer).map(short).unwrap_or_default();
    let (namespace, name) = (word("/metadata/namespace"), word("/metadata/name"));
    let mut out = match by {
        None => format!("**Dry run**: the API server would delete scheduled backup `{namespace}/{name}`; nothing was deleted.\n"),
        Some(_) => format!("Scheduled backup `{namespace}/{name}` is deleted.\n"),
    };
    out.push_str(&impact.markdown());
    out.push_str(&warnings(texts));
    out.push_str(match by {
        None => "\nNext: the same call with `dry_run: false` and `confirm_name`.\n",
        Some(_) => "\nNext: `list_scheduled_backups` shows what is left.\n",
    });
    let structured = json!({
        "name": name, "namespace": namespace, "cluster": word("/spec/cluster/name"), "deleted": by.is_some(), "dry_run": by.is_none(),
        "confirmed_by": by, "backups_deleted": impact.backups, "notes": impact.notes, "warnings": texts,
    });
    Answer::new(out, structured)
}
