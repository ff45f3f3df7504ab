//! Objects that CloudNativePG carries out inside PostgreSQL (Database, DatabaseRole, Publication, Subscription): how far that is, and
//! waiting for it. `status.applied` has three states; none means that the operator has not looked or cannot, as on a replica cluster.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use crate::call::Call;
use crate::json::{integer, json, text};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;
use crate::text::short;
use crate::time;
use crate::watching::{End, Seen, Verdict, until};

/// Seconds that a tool waits when nobody says how long: the operator takes one or two, and looks again after 30.
const SECONDS: u64 = 30;

pub(crate) const WAIT: Parameter = Parameter::optional(
    "wait",
    Takes::Flag,
    "true",
    "Wait until the operator has carried it out in PostgreSQL, or says why not.",
);
pub(crate) const TIMEOUT: Parameter = Parameter::optional(
    "timeout",
    Takes::Integer(1, 600),
    "30",
    "Seconds to wait. Never longer than this server lets a call run (`limits.deadlineMs`).",
);

/// How far the operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Applied,
    /// It could not, and tries again by itself; `status.message` says why.
    Failed,
    /// Not looked at yet, or an older version of the object was applied.
    Pending,
}

impl State {
    /// The word in results.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Pending => "pending",
        }
    }
}

/// As the object tells. A refusal is not numbered by generation, so it counts until a success.
pub(crate) fn state(object: &Value) -> State {
    let seen = integer(object, "/status/observedGeneration");
    let current = seen.is_none() || seen >= integer(object, "/metadata/generation");
    match object.pointer("/status/applied").and_then(Value::as_bool) {
        Some(true) if current => State::Applied,
        Some(false) => State::Failed,
        _ => State::Pending,
    }
}

/// What the operator says about it.
pub(crate) fn message(object: &Value) -> Option<String> {
    text(object, "/status/message").map(short)
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) struct Waited {
    outcome: &'static str,
    problem: Option<Problem>,
    pub(crate) object: Value,
    took_ms: u64,
}

fn seconds(asked: Option<i64>) -> u64 {
    asked.and_then(|one| u64::try_from(one).ok()).unwrap_or(SECONDS)
}

/// What is told as progress.
fn words(object: &Value) -> String {
    let word = state(object).word();
    message(object).map_or_else(|| word.to_owned(), |message| format!("{word}: {message}"))
}

/// Waits until `object`, as it was just written, is applied or refused. A refusal that was there before the write may be of the
/// version before, so it ends the wait only when it changes.
pub(crate) fn until_applied(call: &Call<'_>, target: &Target, object: Value, asked: Option<i64>) -> Waited {
    let stale = (state(&object) == State::Failed).then(|| message(&object));
    let judge = |now: &Value| {
        let verdict = match state(now) {
            State::Applied => Verdict::Reached,
            State::Failed if stale.as_ref().is_none_or(|before| *before != message(now)) => Verdict::Failed,
            _ => Verdict::Going,
        };
        (verdict, words(now))
    };
    let seen = until(call, target, object, seconds(asked), &judge);
    let outcome = match &seen.end {
        End::Reached => "applied",
        End::Failed => "failed",
        End::TimedOut => "timed_out",
        End::Deleted => "deleted",
        End::Blind(_) => "not_watched",
    };
    ended(seen, outcome)
}

/// Waits until `object`, whose deletion was accepted, is gone: a finalizer keeps it until the operator has done its part in PostgreSQL.
pub(crate) fn until_gone(call: &Call<'_>, target: &Target, object: Value, asked: Option<i64>) -> Waited {
    let seen = until(call, target, object, seconds(asked), &|now| (Verdict::Going, words(now)));
    let outcome = match &seen.end {
        End::Deleted => "gone",
        End::Blind(_) => "not_watched",
        _ => "timed_out",
    };
    ended(seen, outcome)
}

fn ended(seen: Seen, outcome: &'static str) -> Waited {
    let problem = match seen.end {
        End::Blind(problem) => Some(problem),
        _ => None,
    };
    Waited { outcome, problem, object: seen.object, took_ms: seen.took_ms }
}

impl Waited {
    /// For `structuredContent`.
    pub(crate) fn structured(&self) -> Value {
        json!({
            "outcome": self.outcome, "message": message(&self.object), "waited_seconds": self.took_ms / 1000,
            "problem": self.problem.as_ref().map(Problem::structured),
        })
    }

    /// Whether the object is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.outcome == "gone"
    }

    /// For people; `Err` when the operator says no. `look` names the tool that shows the object.
    pub(crate) fn words(&self, noun: &str, look: &'static [&'static str]) -> Result<String, Problem> {
        let took = time::span(i64::try_from(self.took_ms / 1000).unwrap_or(0));
        let said = message(&self.object).map(|one| format!(" The operator says: {one}")).unwrap_or_default();
        let next = look.first().copied().unwrap_or_default();
        match self.outcome {
            "applied" => Ok(format!("Applied in PostgreSQL after {took}.")),
            "gone" => Ok(format!("Gone after {took}.")),
            "timed_out" => Ok(format!("Not done after {took}; the operator goes on by itself, look again with `{next}`.{said}")),
            "deleted" => {
                let text = format!("somebody deleted the {noun} while this call waited");
                Err(Problem::refused("Deleted", text, "The change itself was made.").next(look))
            }
            "failed" => {
                let text = format!("the operator could not apply the {noun}:{}", said.trim_start_matches(" The operator says:"));
                let hint = "The object is stored, and the operator tries again by itself. Correct the cause, or change or delete the object.";
                Err(Problem::refused("NotApplied", text, hint).next(look))
            }
            _ => {
                let why = self.problem.as_ref().map(Problem::markdown).unwrap_or_default();
                Ok(format!("The change was made, but this server could not watch it:\n\n{why}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{State, state};

    #[test]
    fn an_older_version_that_was_applied_is_not_this_one() {
        let at = |applied: serde_json::Value, seen: i64| {
            state(&json!({"metadata": {"generation": 2}, "status": {"applied": applied, "observedGeneration": seen}}))
        };
        assert_eq!((at(json!(true), 2), at(json!(true), 1)), (State::Applied, State::Pending));
        assert_eq!((at(json!(false), 1), at(json!(null), 2)), (State::Failed, State::Pending));
        assert_eq!(state(&json!({"metadata": {"generation": 1}})), State::Pending);
    }
}
