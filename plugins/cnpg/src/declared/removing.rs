//! Removes the object that declares one: with its policy `delete` (or `drop: true`) the operator drops the thing in PostgreSQL too, and
//! then a human must agree. Exactly the object that was found is deleted, after its policy was made what was asked for.

use serde_json::{Map, Value};

use super::{Declared, Place, find, policy, target};
use crate::answer::{Answer, Outcome, warnings};
use crate::applied;
use crate::call::Call;
use crate::change::{self, Change};
use crate::consent::{Consent, Danger, obtain};
use crate::deleting;
use crate::json::{json, list, text};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;
use crate::text::short;

/// The properties of the answer (JSON text), and those that are always there.
pub(crate) const PROPERTIES: &str = r#"{
"name": {"type": "string", "description": "What it is called in PostgreSQL"}, "crd_name": {"type": "string", "description": "Name of the object that declared it"},
"namespace": {"type": "string"}, "cluster": {"type": "string"},
"deleted": {"type": "boolean", "description": "Whether Kubernetes accepted the deletion"},
"dropped": {"type": "boolean", "description": "Whether the operator drops it in PostgreSQL too"},
"dry_run": {"type": "boolean"}, "confirmed_by": {"enum": ["human", "confirm_name", null]},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#;
pub(crate) const REQUIRED: &[&str] =
    &["name", "crd_name", "namespace", "cluster", "deleted", "dropped", "dry_run", "notes", "warnings"];

pub(crate) const DROP: Parameter = Parameter::optional(
    "drop",
    Takes::Flag,
    "null",
    "true: drop it in PostgreSQL too, for which the human is asked. false: leave it there. Left out: as its reclaim policy says.",
);

/// What is asked for.
pub(crate) struct Wanted<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) drop: Option<bool>,
    pub(crate) confirm: Option<bool>,
    pub(crate) confirm_name: Option<&'a str>,
    pub(crate) dry_run: Option<bool>,
    pub(crate) wait: Option<bool>,
    pub(crate) timeout: Option<i64>,
}

/// Removes it. `consequences` tells, from the object, what a drop takes along.
pub(crate) fn remove(
    call: &Call<'_>,
    what: &Declared,
    wanted: &Wanted<'_>,
    consequences: &dyn Fn(&Value) -> Vec<String>,
) -> Result<Outcome, Problem> {
    let object = find(call, what, &wanted.place)?;
    if wanted.confirm == Some(false) {
        let message = format!("`confirm` is false: {} `{}` was not deleted", what.noun, short(wanted.place.name));
        return Err(Problem::refused("ConfirmationRequired", message, "`dry_run: true` shows what would happen."));
    }
    let drop = wanted.drop.unwrap_or(policy(what, &object) == "delete");
    let mut notes = notes(what, &object, drop);
    if drop {
        notes.extend(consequences(&object));
    }
    notes.extend(deleting::gitops(call, &object)?);
    if wanted.dry_run.unwrap_or(false) {
        return rehearse(call, what, wanted, &object, drop, notes).map(Into::into);
    }
    let mut by = None;
    if drop {
        match obtain(call, &danger(what, wanted, &object, &notes))? {
            Consent::Given(one) => by = Some(one),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    carry_out(call, what, wanted, object, &Told { drop, notes, by }).map(Into::into)
}

/// What is told of a removal.
struct Told {
    drop: bool,
    notes: Vec<String>,
    by: Option<&'static str>,
}

fn notes(what: &Declared, object: &Value, drop: bool) -> Vec<String> {
    let mut out = Vec::new();
    if drop {
        out.push(format!("the {} is dropped in PostgreSQL, with all that is in it", what.noun));
    } else {
        out.push(format!("the {} itself stays in PostgreSQL: only its declaration goes", what.noun));
    }
    if drop && list(object, "/metadata/finalizers").is_empty() {
        out.push(format!(
            "the operator has not taken the object in hand yet (no finalizer): the {} may stay after all",
            what.noun
        ));
    }
    out
}

fn danger<'a>(what: &Declared, wanted: &'a Wanted<'a>, object: &'a Value, notes: &[String]) -> Danger<'a> {
    let place = &wanted.place;
    Danger {
        tool: what.delete_tool,
        noun: what.noun,
        name: place.name,
        identity: text(object, "/metadata/uid").unwrap_or_default(),
        question: format!(
            "Drop {} {} of PostgreSQL cluster {}/{}?",
            what.noun,
            short(place.name),
            place.namespace,
            place.cluster
        ),
        impact: notes.iter().map(|note| format!("- {note}\n")).collect(),
        undone: "was not deleted",
        flag: Some(("confirm", wanted.confirm)),
        confirm_name: wanted.confirm_name,
    }
}

/// Makes the policy say what was asked for; the object as it is then.
fn settle(call: &Call<'_>, what: &Declared, seen: &Value, drop: bool, dry_run: bool) -> Result<Value, Problem> {
    let wanted = if drop { "delete" } else { "retain" };
    let mut spec = Map::new();
    spec.insert(what.policy.into(), wanted.into());
    let patch = json!({"spec": spec});
    let decide = |now: &Value| {
        if text(now, "/metadata/uid") != text(seen, "/metadata/uid") {
            let message =
                format!("the {} object that was looked at is gone, another has its name; nothing was deleted", what.noun);
            return Err(Problem::refused("Replaced", message, "Look at it before calling again.").next(what.look));
        }
        Ok((policy(what, now) != wanted).then(|| change::Wanted::merge(patch.clone(), Vec::new())))
    };
    Change::of(call, target(what, seen), dry_run, &decide).settle().map(change::Done::into_object)
}

fn rehearse(
    call: &Call<'_>,
    what: &Declared,
    wanted: &Wanted<'_>,
    object: &Value,
    drop: bool,
    notes: Vec<String>,
) -> Result<Answer, Problem> {
    settle(call, what, object, drop, true)?;
    let texts = deleting::delete(call, &target(what, object), object, true)?;
    Ok(describe(what, wanted, object, &Told { drop, notes, by: None }, &texts, true))
}

fn carry_out(call: &Call<'_>, what: &Declared, wanted: &Wanted<'_>, object: Value, told: &Told) -> Result<Answer, Problem> {
    let object = settle(call, what, &object, told.drop, false)?;
    let target = target(what, &object);
    let texts = deleting::delete(call, &target, &object, false)?;
    let (namespace, name) = (wanted.place.namespace, target.name.as_deref().unwrap_or_default());
    call.host.log(&format!(
        "deleted {} {namespace}/{name} (drop: {}, confirmed by {})",
        what.noun,
        told.drop,
        told.by.unwrap_or("-")
    ));
    let mut answer = describe(what, wanted, &object, told, &texts, false);
    if wanted.wait.unwrap_or(true) {
        let waited = applied::until_gone(call, &target, object, wanted.timeout);
        answer.text.push_str(&format!("\n{}\n", waited.words(what.noun, what.look)?));
        if let Some(map) = answer.structured.as_object_mut() {
            map.insert("wait".into(), waited.structured());
        }
    }
    Ok(answer)
}

fn describe(what: &Declared, wanted: &Wanted<'_>, object: &Value, told: &Told, texts: &[String], dry_run: bool) -> Answer {
    let place = &wanted.place;
    let (name, crd_name) = (short(place.name), text(object, "/metadata/name").unwrap_or_default());
    let mut out = if dry_run {
        format!(
            "**Dry run**: the API server would delete `{crd_name}`, which declares {} `{name}`; nothing was deleted.\n",
            what.noun
        )
    } else {
        format!("Kubernetes accepted the deletion of `{crd_name}`, which declares {} `{name}`.\n", what.noun)
    };
    for note in &told.notes {
        out.push_str(&format!("- {note}\n"));
    }
    out.push_str(&warnings(texts));
    if dry_run {
        let consent = if told.drop { " and `confirm_name`" } else { "" };
        out.push_str(&format!("\nNext: the same call with `dry_run: false`{consent}.\n"));
    }
    let structured = json!({
        "name": place.name, "crd_name": crd_name, "namespace": place.namespace, "cluster": place.cluster, "deleted": !dry_run,
        "dropped": told.drop && !dry_run, "dry_run": dry_run, "confirmed_by": told.by, "notes": told.notes, "warnings": texts, "wait": null,
    });
    Answer::new(out, structured)
}
