//! Removing an entry of `spec.managed.roles`. CloudNativePG ignores roles that are not in the list, so that taking the entry out drops
//! nothing (D11): the entry is declared absent first, and taken out once the cluster's status confirms that the role is gone.

use std::cell::Cell;

use serde_json::Value;

use super::Plan;
use super::answer::Taken;
use crate::call::Call;
use crate::change::{Change, Done, Wanted};
use crate::json::{json, list, merged, text};
use crate::problem::Problem;
use crate::roles::inline;
use crate::roles::role::inline_state;
use crate::text::short;
use crate::time;
use crate::watching::{self, End, Verdict};

/// Seconds after which a status that says "reconciled" must be about the entry as it is: the instance manager looks at each change of
/// the Cluster, and at least every 30 s.
const SETTLED_SECONDS: i64 = 60;

pub(super) fn take(call: &Call<'_>, plan: &Plan<'_>) -> Result<Taken, Problem> {
    if !plan.drops {
        return take_out(call, plan, Taken::default());
    }
    let mut taken = Taken::default();
    let mut cluster = plan.roles.cluster.clone();
    if let Some(changed) = declare(call, plan, Some("absent"))? {
        taken.notes.extend(changed.notes.iter().cloned());
        taken.warnings = changed.warnings().to_vec();
        cluster = changed.into_object();
    }
    taken.accepted = !plan.dry_run;
    if plan.dry_run {
        return Ok(taken);
    }
    let Some(seconds) = plan.wait else {
        taken.said = later(plan);
        return Ok(taken);
    };
    match confirmed(call, plan, cluster, seconds)? {
        Some(wait) => {
            taken.wait = wait;
            take_out(call, plan, taken)
        }
        None => {
            taken.said = later(plan);
            Ok(taken)
        }
    }
}

fn later(plan: &Plan<'_>) -> String {
    format!(
        "`{}` is declared absent; CloudNativePG has not confirmed yet that it dropped the role. The entry stays in the list until then: call again in a minute to take it out.",
        plan.role.name()
    )
}

/// Takes the entry out of the list.
fn take_out(call: &Call<'_>, plan: &Plan<'_>, mut taken: Taken) -> Result<Taken, Problem> {
    if let Some(changed) = declare(call, plan, None)? {
        taken.warnings.extend(changed.warnings().to_vec());
        taken.notes.extend(changed.notes);
    }
    taken.accepted = !plan.dry_run;
    taken.gone = !plan.dry_run;
    Ok(taken)
}

/// Declares the entry as `ensure` says, or takes it out.
fn declare(call: &Call<'_>, plan: &Plan<'_>, ensure: Option<&str>) -> Result<Option<Done>, Problem> {
    let name = plan.role.name();
    let decide = |cluster: &Value| {
        let uid = |object: &Value| text(object, "/metadata/uid").map(str::to_owned);
        if uid(cluster) != uid(&plan.roles.cluster) {
            let message = "another cluster has this name now; nothing was deleted";
            return Err(Problem::refused("Replaced", message, "Look at it before calling again."));
        }
        let all = list(cluster, "/spec/managed/roles");
        let Some(entry) = all.iter().find(|one| text(one, "/name") == Some(name)) else { return Ok(None) };
        let wanted = ensure.map(|word| merged(entry, &json!({"ensure": word})));
        if wanted.as_ref() == Some(entry) {
            return Ok(None);
        }
        Ok(inline::replace(cluster, name, wanted.as_ref()).map(|edit| Wanted::list(edit, Vec::new())))
    };
    Change::of(call, plan.roles.cluster_target(), plan.dry_run, &decide).settle().map(|done| Some(done).filter(Done::is_change))
}

/// Waits for the status to say that the role is gone; `None`: not yet. "reconciled" alone may still be about the role as it was, so it
/// counts only after "pending" was seen, or when the entry has been absent for long enough.
fn confirmed(call: &Call<'_>, plan: &Plan<'_>, cluster: Value, seconds: i64) -> Result<Option<Value>, Problem> {
    let (name, pending) = (plan.role.name(), Cell::new(false));
    let judge = |now: &Value| {
        let state = inline_state(now, name);
        pending.set(pending.get() || state.word == "pending");
        let verdict = match state.word {
            "applied" if pending.get() || is_settled(now, call.host.now()) => Verdict::Reached,
            "failed" => Verdict::Failed,
            _ => Verdict::Going,
        };
        let message = state.message.map(|one| format!(": {one}")).unwrap_or_default();
        (verdict, format!("Dropping role {}: {}{message}", short(name), state.word))
    };
    let budget = u64::try_from(seconds).unwrap_or_default();
    let seen = watching::until(call, &plan.roles.cluster_target(), cluster, budget, &judge);
    match seen.end {
        End::Reached => Ok(Some(seen.structured())),
        End::Failed => Err(refused(name, &seen.object)),
        End::Deleted => {
            Err(Problem::refused("Deleted", "somebody deleted the cluster while this call waited", "Nothing is left to do."))
        }
        End::TimedOut | End::Blind(_) => Ok(None),
    }
}

/// Whether the spec has been as it is for long enough, as the managed fields tell: whoever declared the role absent, a status that is
/// older than that is about the role as it was. Without them nothing is known, and the status alone does not count.
fn is_settled(cluster: &Value, now: i64) -> bool {
    let of_spec = |one: &&Value| text(one, "/subresource") != Some("status");
    let writes = list(cluster, "/metadata/managedFields").iter().filter(of_spec);
    let last = writes.filter_map(|one| text(one, "/time").and_then(time::seconds)).max();
    last.is_some_and(|then| now - then > SETTLED_SECONDS)
}

fn refused(name: &str, cluster: &Value) -> Problem {
    let why = inline_state(cluster, name).message.unwrap_or_default();
    let message = format!("role `{name}` is declared absent, and PostgreSQL refuses to drop it: {why}");
    let hint = "A role that owns objects cannot be dropped: reassign or drop them in PostgreSQL, then CloudNativePG goes on by itself. The entry stays until then.";
    Problem::refused("NotDropped", message, hint).next(&["get_postgres_role_status"])
}
