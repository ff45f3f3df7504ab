//! Changes an object that exists: reads it, lets the tool decide on what is there now, sends a merge patch that carries the version it
//! was decided on, and decides anew when somebody else was faster. Every tool that edits single fields goes through here.

use portcullis_plugin::kubernetes::Target;
use serde_json::{Map, Value, json};

use crate::call::{Call, Written};
use crate::diff;
use crate::gitops;
use crate::json::{merged, text};
use crate::problem::Problem;

/// How often the decision is made anew after somebody else changed the object in between.
const ATTEMPTS: usize = 3;

/// What a tool decided on the object as it is now: the merge patch (without metadata.resourceVersion) and what to tell about it.
pub(crate) struct Decision {
    pub(crate) patch: Value,
    pub(crate) notes: Vec<String>,
}

/// The same for a list that is atomic: the operations of a JSON patch (without the test of the resourceVersion), and the merge patch
/// that would come to the same, for the GitOps guard.
pub(crate) struct Operations {
    pub(crate) operations: Vec<Value>,
    pub(crate) as_merge: Value,
    pub(crate) notes: Vec<String>,
}

/// A patch that went through, with what it was decided on.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) before: Value,
    pub(crate) after: Written,
    pub(crate) notes: Vec<String>,
}

/// Decides and patches; a decision of `None` says that it is so already.
pub(crate) fn change(
    call: &Call<'_>,
    target: &Target,
    dry_run: bool,
    decide: &dyn Fn(&Value) -> Result<Option<Decision>, Problem>,
) -> Result<Outcome, Problem> {
    rounds(call, target, &|before| {
        let Some(Decision { patch, mut notes }) = decide(before)? else { return Ok(None) };
        notes.extend(gitops::guard(call, before, &merged(before, &patch))?);
        let fenced = merged(&patch, &json!({"metadata": {"resourceVersion": version(before)}}));
        Ok(Some((notes, call.merge(target, &fenced, dry_run))))
    })
}

/// As [`change`], for what a merge patch cannot do without overwriting what others wrote into the same list.
pub(crate) fn change_list(
    call: &Call<'_>,
    target: &Target,
    dry_run: bool,
    decide: &dyn Fn(&Value) -> Result<Option<Operations>, Problem>,
) -> Result<Outcome, Problem> {
    rounds(call, target, &|before| {
        let Some(mut one) = decide(before)? else { return Ok(None) };
        one.notes.extend(gitops::guard(call, before, &merged(before, &one.as_merge))?);
        let mut all = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version(before)})];
        all.append(&mut one.operations);
        Ok(Some((one.notes, call.edit(target, &Value::Array(all), dry_run))))
    })
}

/// What one round came to: what to tell, and the API server's reply to the patch.
type Round = (Vec<String>, Result<Written, Problem>);

fn rounds(
    call: &Call<'_>,
    target: &Target,
    round: &dyn Fn(&Value) -> Result<Option<Round>, Problem>,
) -> Result<Outcome, Problem> {
    let mut first: Option<Value> = None;
    let mut before = call.get(target)?;
    for attempt in 1.. {
        let Some((mut notes, reply)) = round(&before)? else { return Ok(Outcome::Same(before)) };
        notes.extend(first.as_ref().and_then(|seen| meanwhile(seen, &before)));
        match reply {
            Ok(after) => return Ok(Outcome::Changed(Changed { before, after, notes })),
            // 422 is what a JSON patch is refused with when its test fails, and what a webhook says: only the former after a change.
            Err(problem) if attempt < ATTEMPTS && matches!(problem.code, 409 | 422) => {
                let now = call.get(target)?;
                if problem.code == 422 && version(&now) == version(&before) {
                    return Err(problem);
                }
                first = first.or(Some(before));
                before = now;
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::default())
}

/// How a change ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Changed(Changed),
    /// It was so already.
    Same(Value),
}

fn version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion").unwrap_or_default()
}

/// What somebody else changed while this call was deciding.
fn meanwhile(seen: &Value, now: &Value) -> Option<String> {
    let paths: Vec<String> = diff::changes(seen, now).into_iter().map(|one| one.path).take(10).collect();
    (!paths.is_empty())
        .then(|| format!("somebody changed it while this call was deciding, and it was decided anew: {}", paths.join(", ")))
}

impl Changed {
    /// What differs now, for `structuredContent`.
    pub(crate) fn changes(&self) -> Value {
        diff::structured(&diff::changes(&self.before, &self.after.object))
    }

    /// Notes, the difference and warnings, for people.
    pub(crate) fn words(&self) -> String {
        let mut out = diff::markdown(&diff::changes(&self.before, &self.after.object));
        for note in &self.notes {
            out.push_str(&format!("- {note}\n"));
        }
        out.push_str(&crate::answer::warnings(&self.after.warnings));
        out
    }

    /// The keys that every change shares.
    pub(crate) fn structured(&self, dry_run: bool) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("changed".into(), (!dry_run).into());
        out.insert("dry_run".into(), dry_run.into());
        out.insert("changes".into(), self.changes());
        out.insert("notes".into(), self.notes.clone().into());
        out.insert("warnings".into(), self.after.warnings.clone().into());
        out
    }
}
