//! Where recovery stops: at most one of CloudNativePG's recovery targets.

use serde_json::{Map, Value};

use super::Input;
use crate::problem::Problem;
use crate::time;

/// The target that was asked for.
#[derive(Debug, Default)]
pub(super) struct Stop {
    /// As `bootstrap.recovery.recoveryTarget` takes it; empty: the end of the archived WAL.
    pub(super) fields: Map<String, Value>,
    /// Seconds since 1970 of `target_time`.
    pub(super) moment: Option<i64>,
    /// Whether WAL beyond the backup itself is needed.
    pub(super) needs_archive: bool,
}

/// Reads it.
pub(super) fn read(input: &Input, now: i64) -> Result<Stop, Problem> {
    let mut stop = Stop::default();
    let texts = [
        ("target_time", "targetTime", &input.target_time),
        ("target_lsn", "targetLSN", &input.target_lsn),
        ("target_xid", "targetXID", &input.target_xid),
        ("target_name", "targetName", &input.target_name),
    ];
    let mut asked: Vec<&str> = Vec::new();
    for (parameter, field, value) in texts {
        if let Some(value) = value {
            asked.push(parameter);
            stop.fields.insert(field.into(), value.as_str().into());
        }
    }
    stop.needs_archive = !asked.is_empty();
    if input.target_immediate == Some(true) {
        asked.push("target_immediate");
        stop.fields.insert("targetImmediate".into(), true.into());
    }
    if let [first, second, ..] = asked[..] {
        let message = format!("recovery stops at one target, not at `{first}` and `{second}`");
        return Err(Problem::argument(second, message, "Leave out one of them."));
    }
    if let Some(exclusive) = input.exclusive {
        if asked.is_empty() {
            return Err(Problem::argument("exclusive", "there is no target to stop before", "Give a target, or leave it out."));
        }
        stop.fields.insert("exclusive".into(), exclusive.into());
    }
    stop.moment = input.target_time.as_deref().map(|text| moment(text, now)).transpose()?;
    Ok(stop)
}

fn moment(text: &str, now: i64) -> Result<i64, Problem> {
    let refuse = |why: String| {
        Problem::argument("target_time", why, "Write it like `2026-11-21T11:59:00Z` or `2026-11-21T12:59:00+01:00`.")
    };
    let zoned = text.ends_with('Z') || text.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
    let Some(at) = time::seconds(text) else { return Err(refuse(format!("`{text}` is not a moment"))) };
    if !zoned {
        return Err(refuse(format!("`{text}` does not say its time zone")));
    }
    if at > now {
        return Err(refuse(format!("`{text}` is in the future (it is {} now)", time::rfc3339(now))));
    }
    Ok(at)
}
