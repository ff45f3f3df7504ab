//! A change of one existing object, mostly a Cluster: read, decide, guard, merge-patch with the resourceVersion it was decided on; again when somebody
//! wrote in between, and then the caller learns what. Which change it is, tools decide; consent is theirs too, between look and make.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use crate::answer::{Answer, warnings};
use crate::atomic::Edit;
use crate::call::{Call, Written};
use crate::diff::{self, Change as Path};
use crate::gitops;
use crate::json::{json, merged, text};
use crate::kind::CLUSTERS;
use crate::problem::Problem;
use crate::text::short;

/// How often the decision is made anew after somebody else changed the object in between.
const ATTEMPTS: usize = 3;

/// The properties that every change answers with, and those of the tool (JSON text that begins with a comma).
macro_rules! shape_of_change {
    ($more:literal) => {
        concat!(
            r#"{"name": {"type": "string"}, "namespace": {"type": "string"},
"changed": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"changes": {"type": "array", "items": {"type": "object"}, "description": "path, from, to"},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}}"#,
            $more,
            "}"
        )
    };
}
pub(crate) use shape_of_change;

/// Those of them that are always there.
pub(crate) const REQUIRED: &[&str] = &["name", "namespace", "changed", "dry_run", "changes", "notes", "warnings"];

/// What a tool wants, decided on one version of the object.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Merge patch, without resourceVersion.
    patch: Value,
    /// Sent in its place where it would overwrite what others wrote into a list: JSON patch, without the test of the resourceVersion.
    operations: Option<Vec<Value>>,
    /// What a person should know of it.
    pub(crate) notes: Vec<String>,
}

impl Wanted {
    /// Fields and maps.
    pub(crate) fn merge(patch: Value, notes: Vec<String>) -> Self {
        Self { patch, operations: None, notes }
    }

    /// An element of a list that the API server keeps whole.
    pub(crate) fn list(edit: Edit, notes: Vec<String>) -> Self {
        Self { patch: edit.as_merge, operations: Some(edit.operations), notes }
    }
}

/// Decides on what is there now. `None`: it is as wanted already.
pub(crate) type Decide<'a> = dyn Fn(&Value) -> Result<Option<Wanted>, Problem> + 'a;

/// A change to come.
pub(crate) struct Change<'a> {
    pub(crate) call: &'a Call<'a>,
    pub(crate) target: Target,
    /// `status`, or empty for the object itself.
    pub(crate) subresource: &'static str,
    pub(crate) dry_run: bool,
    pub(crate) decide: &'a Decide<'a>,
}

/// An object, with what is wanted of it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) object: Value,
    pub(crate) wanted: Wanted,
}

/// A change that was made (or would be).
#[derive(Debug)]
pub(crate) struct Done {
    before: Value,
    /// `None`: it was so already, or somebody else had made it in between.
    after: Option<Written>,
    pub(crate) notes: Vec<String>,
    status: bool,
    dry_run: bool,
    plural: String,
}

/// How a change is told.
pub(crate) struct Words {
    /// "would be restarted".
    pub(crate) would: String,
    /// "is being restarted".
    pub(crate) did: String,
    /// What to call next.
    pub(crate) next: &'static str,
    /// Keys of the tool's own.
    pub(crate) extra: Value,
}

impl<'a> Change<'a> {
    /// A change of the Cluster itself.
    pub(crate) fn of_cluster(
        call: &'a Call<'a>,
        namespace: Option<&str>,
        name: &str,
        dry_run: Option<bool>,
        decide: &'a Decide<'a>,
    ) -> Self {
        let target = CLUSTERS.within(call.namespace(namespace)).named(name);
        Self { call, target, subresource: "", dry_run: dry_run.unwrap_or(false), decide }
    }

    /// A change of any object, to be told in the tool's own words.
    pub(crate) fn of(call: &'a Call<'a>, target: Target, dry_run: bool, decide: &'a Decide<'a>) -> Self {
        Self { call, target, subresource: "", dry_run, decide }
    }

    /// Reads and decides. `None`: nothing needs to change.
    pub(crate) fn look(&self) -> Result<Option<Seen>, Problem> {
        self.decide_on(self.call.get(&self.target)?).map(Result::ok)
    }

    /// Looks and makes, where no consent is needed in between.
    pub(crate) fn settle(&self) -> Result<Done, Problem> {
        match self.decide_on(self.call.get(&self.target)?)? {
            Ok(seen) => self.make(seen),
            Err(same) => Ok(self.done(same, None, Vec::new())),
        }
    }

    /// Looks, makes and tells, where no consent is needed.
    pub(crate) fn run(&self, words: impl Fn(&Value) -> Words, same: &str) -> Result<Answer, Problem> {
        match self.look()? {
            Some(seen) => {
                let words = words(&seen.object);
                Ok(self.make(seen)?.answer(&words))
            }
            None => Ok(self.same(same, &json!({}))),
        }
    }

    /// `Err` of the inner one: the object, which is as wanted.
    fn decide_on(&self, object: Value) -> Result<Result<Seen, Value>, Problem> {
        let Some(mut wanted) = (self.decide)(&object)? else { return Ok(Err(object)) };
        // No GitOps tool writes a status.
        if self.subresource.is_empty() {
            wanted.notes.extend(gitops::guard(self.call, &object, &merged(&object, &wanted.patch))?);
        }
        Ok(Ok(Seen { object, wanted }))
    }

    /// Patches what was seen; when it changed in between, decides anew on what is there now.
    pub(crate) fn make(&self, seen: Seen) -> Result<Done, Problem> {
        self.insist(seen, &|_, _| Ok(()))
    }

    /// The same; if somebody agreed to it (`by`), what they agreed to was the spec that was seen, and no other.
    pub(crate) fn make_agreed(&self, seen: Seen, by: Option<&str>) -> Result<Done, Problem> {
        self.insist(seen, &|was, is| {
            if by.is_none() || was.get("spec") == is.get("spec") {
                return Ok(());
            }
            let name = self.target.name.as_deref().unwrap_or_default();
            let message = format!("the spec of `{name}` changed after this was agreed to; nothing was changed");
            Err(Problem::refused("Changed", message, "Look at it, and ask again.").next(&["get_cluster_status"]))
        })
    }

    fn insist(&self, mut seen: Seen, still: &dyn Fn(&Value, &Value) -> Result<(), Problem>) -> Result<Done, Problem> {
        let mut meanwhile = Vec::new();
        let mut attempt = 1;
        loop {
            match self.send(&seen) {
                Ok(after) => {
                    seen.wanted.notes.extend(meanwhile);
                    return Ok(self.done(seen.object, Some(after), seen.wanted.notes));
                }
                Err(problem) if attempt < ATTEMPTS && seen.may_have_moved(&problem) => {
                    let now = self.call.get(&self.target)?;
                    if problem.code == 422 && version(&now) == version(&seen.object) {
                        return Err(after_change(problem, &meanwhile));
                    }
                    meanwhile.extend(self.told(&seen.object, &now)?);
                    still(&seen.object, &now).map_err(|problem| after_change(problem, &meanwhile))?;
                    seen = match self.decide_on(now).map_err(|problem| after_change(problem, &meanwhile))? {
                        Ok(next) => next,
                        Err(same) => {
                            meanwhile.push("somebody else made this change in between".into());
                            return Ok(self.done(same, None, meanwhile));
                        }
                    };
                    attempt += 1;
                }
                Err(problem) => return Err(after_change(problem, &meanwhile)),
            }
        }
    }

    fn done(&self, before: Value, after: Option<Written>, notes: Vec<String>) -> Done {
        let status = !self.subresource.is_empty();
        Done { before, after, notes, status, dry_run: self.dry_run, plural: self.target.plural.clone() }
    }

    fn send(&self, seen: &Seen) -> Result<Written, Problem> {
        let version = version(&seen.object);
        if let Some(operations) = &seen.wanted.operations {
            let mut all = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
            all.extend(operations.iter().cloned());
            return self.call.edit(&self.target, &Value::Array(all), self.dry_run);
        }
        let patch = merged(&seen.wanted.patch, &json!({"metadata": {"resourceVersion": version}}));
        let mut target = self.target.clone();
        if !self.subresource.is_empty() {
            target = target.subresource(self.subresource);
        }
        self.call.merge(&target, &patch, self.dry_run)
    }

    /// What somebody else changed in between.
    fn told(&self, was: &Value, is: &Value) -> Result<Option<String>, Problem> {
        let uid = |object: &Value| text(object, "/metadata/uid").map(str::to_owned);
        let name = self.target.name.as_deref().unwrap_or_default();
        if uid(was) != uid(is) {
            let message = format!("`{name}` was deleted and made anew while this call was deciding; nothing was changed");
            return Err(Problem::refused("Replaced", message, "Look at the new one first.").next(&["get_cluster_status"]));
        }
        let mut paths = diff::changes(was, is);
        paths.extend(diff::of_status(was, is));
        let one = |path: &Path| format!("{}: {} -> {}", path.path, path.from, path.to);
        let mut all: Vec<String> = paths.iter().map(one).collect();
        // What is cut off at the end is the bulky rest, not the phase.
        all.sort_by_key(String::len);
        Ok((!all.is_empty()).then(|| format!("somebody changed it while this call was deciding ({})", short(&all.join("; ")))))
    }

    /// The answer when nothing needs to change.
    pub(crate) fn same(&self, words: &str, extra: &Value) -> Answer {
        let (name, namespace) = (self.target.name.as_deref(), self.target.namespace.as_deref());
        let (name, namespace) = (name.unwrap_or_default(), namespace.unwrap_or_default());
        let structured = json!({
            "name": name, "namespace": namespace, "changed": false, "dry_run": self.dry_run, "changes": [], "notes": [], "warnings": [],
        });
        let noun = noun(&self.target.plural);
        Answer::new(format!("{noun} `{namespace}/{name}` {words}: nothing was changed.\n"), merged(&structured, extra))
    }
}

fn version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion").unwrap_or_default()
}

impl Seen {
    /// 422 is what a JSON patch is refused with when its test fails, and what a webhook says: only the former after somebody else wrote.
    fn may_have_moved(&self, problem: &Problem) -> bool {
        problem.code == 409 || (problem.code == 422 && self.wanted.operations.is_some())
    }
}

/// What people call it.
fn noun(plural: &str) -> &'static str {
    match plural {
        "poolers" => "Pooler",
        "scheduledbackups" => "Scheduled backup",
        _ => "Cluster",
    }
}

/// A refusal after a conflict says what the conflict was.
fn after_change(mut problem: Problem, meanwhile: &[String]) -> Problem {
    if !meanwhile.is_empty() {
        problem.message = format!("{} ({})", problem.message, meanwhile.join("; ")).into();
    }
    problem
}

impl Done {
    /// The object that it was decided on.
    pub(crate) fn before(&self) -> &Value {
        &self.before
    }

    /// The object as it is (or would be) now.
    pub(crate) fn object(&self) -> &Value {
        self.after.as_ref().map_or(&self.before, |written| &written.object)
    }

    /// The same, to keep.
    pub(crate) fn into_object(self) -> Value {
        self.after.map_or(self.before, |written| written.object)
    }

    /// Whether this call changed it (or would).
    pub(crate) fn is_change(&self) -> bool {
        self.after.is_some()
    }

    /// `Warning:` headers.
    pub(crate) fn warnings(&self) -> &[String] {
        self.after.as_ref().map_or(&[], |written| &written.warnings)
    }

    /// The difference, notes and warnings, for people.
    pub(crate) fn words(&self) -> String {
        let mut out = diff::markdown(&diff::changes(&self.before, self.object()));
        self.remarks(&mut out);
        out
    }

    fn remarks(&self, out: &mut String) {
        for note in &self.notes {
            out.push_str(&format!("- {note}\n"));
        }
        out.push_str(&warnings(self.warnings()));
    }

    /// The keys that every change shares.
    pub(crate) fn structured(&self) -> Value {
        let differ = if self.status { diff::of_status } else { diff::changes };
        json!({
            "changed": !self.dry_run && self.is_change(), "dry_run": self.dry_run,
            "changes": diff::structured(&differ(&self.before, self.object())), "notes": self.notes, "warnings": self.warnings(),
        })
    }

    /// The answer.
    pub(crate) fn answer(&self, words: &Words) -> Answer {
        let word = |pointer: &str| text(&self.before, pointer).unwrap_or_default();
        let (name, namespace) = (word("/metadata/name"), word("/metadata/namespace"));
        let differ = if self.status { diff::of_status } else { diff::changes };
        let mut out = if self.dry_run {
            let shown = diff::markdown(&differ(&self.before, self.object()));
            let noun = noun(&self.plural).to_lowercase();
            format!("**Dry run**: {noun} `{namespace}/{name}` {}; nothing was changed.\n\n{shown}", words.would)
        } else {
            format!("{} `{namespace}/{name}` {}.\n", noun(&self.plural), words.did)
        };
        self.remarks(&mut out);
        let next = if self.dry_run { "the same call with `dry_run: false`" } else { words.next };
        out.push_str(&format!("\nNext: {next}.\n"));
        let structured = merged(&json!({"name": name, "namespace": namespace}), &self.structured());
        Answer::new(out, merged(&structured, &words.extra))
    }
}
