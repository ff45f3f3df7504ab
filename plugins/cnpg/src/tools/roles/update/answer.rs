//! What update_postgres_role says.

use serde_json::Value;

use super::Done;
use crate::answer::{Answer, warnings};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::diff::{self, Change};
use crate::json::{integer, json, list, text};
use crate::problem::Problem;
use crate::roles::applied::{self, Goal};
use crate::roles::attributes::flag;
use crate::roles::role::Source;
use crate::tools::roles::bullets;
use crate::watching::Seen;

/// The answer, after a wait where one helps.
pub(super) fn answer(call: &Call<'_>, input: &Value, done: &Done<'_>) -> Result<Answer, Problem> {
    let cluster = Cluster(&done.roles.cluster);
    let changes = done.changes();
    let mut text = words(done, &changes);
    text.push_str(&bullets(&done.notes));
    let texts = done.changed.as_ref().map(|one| one.warnings().to_vec()).unwrap_or_default();
    text.push_str(&warnings(&texts));
    let mut waited = Value::Null;
    if flag(input, "wait").unwrap_or(true) && done.is_worth_waiting() {
        let (seen, goal) = done.wait(call, integer(input, "/timeout").unwrap_or(applied::SECONDS));
        text.push_str(&format!("\n{}\n", applied::words(&seen, goal)?));
        waited = seen.structured();
    }
    text.push_str(if done.dry_run {
        "\nNext: the same call with `dry_run: false`.\n"
    } else {
        "\nNext: `get_postgres_role_status`.\n"
    });
    let structured = json!({
        "cluster": cluster.name(), "namespace": cluster.namespace(), "role_name": done.role.name(), "crd_name": done.role.object_name(),
        "source": done.role.source_word(), "changed": done.is_made(), "dry_run": done.dry_run, "changes": diff::structured(&changes),
        "password_changed": !done.dry_run && done.stored.is_some(),
        "password_secret": done.stored.as_ref().map(|one| one.name.as_str()).or(done.role.secret()), "notes": done.notes,
        "warnings": texts, "wait": waited,
    });
    Ok(Answer::new(text, structured))
}

fn words(done: &Done<'_>, changes: &[Change]) -> String {
    let cluster = Cluster(&done.roles.cluster);
    let role = format!("role `{}` of cluster `{}/{}`", done.role.name(), cluster.namespace(), cluster.name());
    let mut out = match (done.dry_run, done.changed.is_some() || done.stored.is_some()) {
        (_, false) => return format!("Everything is as asked for already: {role} was not changed.\n"),
        (true, true) => format!("**Dry run**: the API server accepts this for {role}; nothing was changed.\n"),
        (false, true) => format!("Changed {role}.\n"),
    };
    if !changes.is_empty() {
        out.push_str(&format!("\n{}", diff::markdown(changes)));
    }
    if let Some(stored) = &done.stored {
        let written = if done.dry_run { "would be written" } else { "is written" };
        out.push_str(&format!("- A new password {written} into Secret `{}`; it is shown nowhere\n", stored.name));
    }
    out
}

impl Done<'_> {
    pub(super) fn is_made(&self) -> bool {
        !self.dry_run && (self.changed.is_some() || self.stored.is_some())
    }

    /// What differs; of a list of roles only the entry of this one.
    fn changes(&self) -> Vec<Change> {
        let Some(changed) = &self.changed else { return Vec::new() };
        let (before, after) = (changed.before(), changed.object());
        if self.role.source == Source::Object {
            return diff::changes(before, after);
        }
        let entry = |cluster: &Value| {
            let all = list(cluster, "/spec/managed/roles").iter();
            json!({"role": all.into_iter().find(|one| text(one, "/name") == Some(self.role.name()))})
        };
        diff::changes(&entry(before), &entry(after))
    }

    /// The status of an entry of `spec.managed.roles` names no version of what it is about, except of passwords.
    fn is_worth_waiting(&self) -> bool {
        let changed = self.changed.is_some() && self.role.source == Source::Object;
        !self.dry_run && (changed || self.stored.is_some())
    }

    fn wait(&self, call: &Call<'_>, seconds: i64) -> (Seen, Goal<'_>) {
        let secret = self.stored.as_ref().and_then(|one| one.version.as_deref());
        let changed = self.changed.is_some() && self.role.source == Source::Object;
        let goal = Goal { role: self.role.name(), source: self.role.source, changed, secret };
        let now = self.changed.as_ref().map_or(self.role.object, crate::change::Done::object);
        (applied::wait(call, &self.target, now.clone(), goal, seconds), goal)
    }
}
