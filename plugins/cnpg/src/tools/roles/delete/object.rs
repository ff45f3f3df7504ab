//! Deleting a DatabaseRole: its reclaim policy is brought in line with what the caller asked for, then it is deleted as it was looked at.
//! The finalizer `cnpg.io/deleteRole` keeps it until PostgreSQL has dropped the role.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use super::Plan;
use super::answer::Taken;
use crate::applied::until_gone;
use crate::call::Call;
use crate::change::{Change, Wanted};
use crate::deleting;
use crate::json::{json, text};
use crate::problem::Problem;

pub(super) fn take(call: &Call<'_>, plan: &Plan<'_>) -> Result<Taken, Problem> {
    let target = plan.roles.target(plan.role.object_name().unwrap_or_default());
    let mut taken = Taken::default();
    let mut seen = plan.role.object.clone();
    taken.notes.extend(deleting::gitops(call, &seen)?);
    let policy = if plan.drops { "delete" } else { "retain" };
    if plan.role.reclaim_policy() != Some(policy) {
        let (object, notes) = set_policy(call, plan, &target, policy)?;
        taken.notes.extend(notes);
        // A rehearsal changed nothing: the object is deleted as it is.
        if !plan.dry_run {
            seen = object;
        }
    }
    taken.warnings = deleting::delete(call, &target, &seen, plan.dry_run)?;
    taken.accepted = !plan.dry_run;
    if let (Some(seconds), false) = (plan.wait, plan.dry_run) {
        let waited = match call.get(&target) {
            Ok(now) => until_gone(call, &target, now, Some(seconds)),
            Err(problem) if problem.code == 404 => {
                taken.gone = true;
                return Ok(taken);
            }
            Err(problem) => return Err(problem),
        };
        taken.gone = waited.is_gone();
        taken.said = waited.words("role", &["get_postgres_role_status"])?;
        taken.wait = waited.structured();
    }
    Ok(taken)
}

/// The policy is set on the very object that was looked at.
fn set_policy(call: &Call<'_>, plan: &Plan<'_>, target: &Target, policy: &str) -> Result<(Value, Vec<String>), Problem> {
    let decide = |object: &Value| {
        let same = |pointer: &str| text(object, pointer) == text(plan.role.object, pointer);
        if !same("/metadata/uid") {
            let message = format!(
                "another DatabaseRole is called `{}` now; nothing was deleted",
                target.name.as_deref().unwrap_or_default()
            );
            return Err(Problem::refused("Replaced", message, "Look at it before calling again."));
        }
        Ok(Some(Wanted::merge(json!({"spec": {"databaseRoleReclaimPolicy": policy}}), Vec::new())))
    };
    let done = Change::of(call, target.clone(), plan.dry_run, &decide).settle()?;
    let notes = done.notes.clone();
    Ok((done.into_object(), notes))
}
