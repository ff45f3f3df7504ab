//! Waits until CloudNativePG has applied a role to PostgreSQL, and says how that went. The watching itself is in `watching`.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use super::role::{Role, Source, inline_state};
use crate::call::Call;
use crate::json::text;
use crate::problem::Problem;
use crate::time;
use crate::watching::{self, End, Seen, Verdict};

/// Seconds to wait unless the caller says otherwise: the operator takes one or two, and looks again after 30
/// (`databaseRoleReconciliationInterval`).
pub(crate) const SECONDS: i64 = 30;

/// What to wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal<'a> {
    pub(crate) role: &'a str,
    pub(crate) source: Source,
    /// Whether the declaration changed: then a failure is about this change, not about an earlier one.
    pub(crate) changed: bool,
    /// The Secret's version that must have been applied.
    pub(crate) secret: Option<&'a str>,
}

/// Watches the DatabaseRole or the Cluster, as it was just written.
pub(crate) fn wait(call: &Call<'_>, target: &Target, object: Value, goal: Goal<'_>, seconds: i64) -> Seen {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    watching::until(call, target, object, seconds, &|now| judge(now, goal))
}

fn judge(object: &Value, goal: Goal<'_>) -> (Verdict, String) {
    let (state, version) = match goal.source {
        Source::Object => {
            (Role::new(Source::Object, object, object.get("spec")).state(), text(object, "/status/secretResourceVersion"))
        }
        Source::Inline => {
            let password = object.pointer("/status/managedRolesStatus/passwordStatus").and_then(|all| all.get(goal.role));
            (inline_state(object, goal.role), password.and_then(|one| text(one, "/resourceVersion")))
        }
    };
    let fresh = goal.secret.is_none_or(|wanted| version == Some(wanted));
    let verdict = match state.word {
        "applied" if fresh => Verdict::Reached,
        "failed" if fresh || goal.changed => Verdict::Failed,
        _ => Verdict::Going,
    };
    let message = state.message.map(|one| format!(": {one}")).unwrap_or_default();
    let words = if state.word == "applied" && !fresh { "the new password is not applied yet" } else { state.word };
    (verdict, format!("Role {}: {words}{message}", goal.role))
}

/// For people; `Err` when CloudNativePG could not do it.
pub(crate) fn words(seen: &Seen, goal: Goal<'_>) -> Result<String, Problem> {
    let took = time::span(i64::try_from(seen.took_ms / 1000).unwrap_or(0));
    let now = judge(&seen.object, goal).1;
    match &seen.end {
        End::Reached => Ok(format!("CloudNativePG has applied it to PostgreSQL ({took}).")),
        End::TimedOut => Ok(format!(
            "Not applied to PostgreSQL yet after {took} ({now}). CloudNativePG goes on by itself; look again with `get_postgres_role_status`."
        )),
        End::Blind(problem) => Ok(format!("The change was made, but this server could not watch it:\n\n{}", problem.markdown())),
        End::Deleted => Err(ended("Deleted", "somebody deleted it while this call waited")),
        End::Failed => Err(ended("NotApplied", &format!("Kubernetes took the change and PostgreSQL did not. {now}"))),
    }
}

fn ended(reason: &str, message: &str) -> Problem {
    let hint = "The declaration stays as it is now, and CloudNativePG tries again every 30 s: correct it with `update_postgres_role`, or delete it.";
    Problem::refused(reason, message, hint).next(&["get_postgres_role_status", "update_postgres_role", "delete_postgres_role"])
}
