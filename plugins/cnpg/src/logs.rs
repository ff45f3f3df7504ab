//! Lines of a pod's log: those of CloudNativePG are JSON, with PostgreSQL's own records inside. Reads them, and tells their levels.
//! What a client of the database wrote may be in them: `redact` takes passwords out before anything is shown.

mod redact;

use serde_json::Value;

use crate::json::text;
use crate::time;

pub(crate) use redact::redact;

/// Levels from the least on.
pub(crate) const LEVELS: [&str; 4] = ["debug", "info", "warning", "error"];

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// RFC 3339 in UTC with nine digits of fraction, so that text sorts as time does; empty when the line tells none.
    pub(crate) at: String,
    pub(crate) level: &'static str,
    pub(crate) logger: String,
    pub(crate) message: String,
}

/// Reads a line, with the time stamp that Kubernetes puts before it.
pub(crate) fn read(line: &str) -> Line {
    let (stamp, rest) = line.split_once(' ').filter(|(stamp, _)| time::seconds(stamp).is_some()).unwrap_or(("", line));
    let Some(json) = serde_json::from_str::<Value>(rest).ok().filter(Value::is_object) else {
        return Line { at: sortable(stamp), level: "info", logger: String::new(), message: redact(rest) };
    };
    let word = |pointer: &str| text(&json, pointer).unwrap_or_default();
    let at = if stamp.is_empty() { word("/ts") } else { stamp };
    let severity = text(&json, "/record/error_severity");
    Line {
        at: sortable(at),
        level: level(severity.unwrap_or_else(|| word("/level"))),
        logger: word("/logger").to_owned(),
        message: redact(&message(&json)),
    }
}

/// PostgreSQL's message with its detail, else the manager's with its error.
fn message(json: &Value) -> String {
    let word = |pointer: &str| text(json, pointer);
    let mut out = word("/record/message").or_else(|| word("/msg")).unwrap_or_default().to_owned();
    // Values that a statement was run with are data of the database.
    let detail = word("/record/detail").filter(|one| !one.to_ascii_lowercase().starts_with("parameters:"));
    for (label, more) in [("detail", detail), ("error", word("/error")), ("hint", word("/record/hint"))] {
        if let Some(more) = more {
            out.push_str(&format!(" ({label}: {more})"));
        }
    }
    if let (Some(user), Some(database)) = (word("/record/user_name"), word("/record/database_name")) {
        out.push_str(&format!(" [{user}@{database}]"));
    }
    out
}

/// The manager's levels and PostgreSQL's severities.
fn level(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "error" | "fatal" | "panic" | "dpanic" => "error",
        "warning" | "warn" => "warning",
        one if one.starts_with("debug") || one == "trace" => "debug",
        _ => "info",
    }
}

/// `…:00.1Z` as `…:00.100000000Z`: texts of the same length sort as times do.
fn sortable(stamp: &str) -> String {
    let Some(whole) = stamp.get(..19).filter(|_| stamp.ends_with('Z')) else { return stamp.to_owned() };
    let fraction: String = stamp.chars().skip(20).take_while(char::is_ascii_digit).take(9).collect();
    format!("{whole}.{fraction:0<9}Z")
}

#[cfg(test)]
mod tests {
    use super::{Line, read};

    #[test]
    fn a_record_of_postgresql_is_told_by_its_own_severity() {
        let line = read(
            r#"2026-11-21T11:00:00.5Z {"level":"info","ts":"x","logger":"postgres","msg":"record","record":{"error_severity":"FATAL","message":"no pg_hba entry","user_name":"app","database_name":"shop"}}"#,
        );
        let expected = Line {
            at: "2026-11-21T11:00:00.500000000Z".into(),
            level: "error",
            logger: "postgres".into(),
            message: "no pg_hba entry [app@shop]".into(),
        };
        assert_eq!(line, expected);
    }

    #[test]
    fn values_of_statements_are_left_out() {
        let line = read(
            r#"{"level":"info","ts":"2026-11-21T11:00:00Z","record":{"error_severity":"ERROR","message":"m","detail":"Parameters: $1 = 'card 4111'"}}"#,
        );
        assert_eq!(line.message, "m");
    }

    #[test]
    fn a_line_that_is_not_json_is_kept_as_it_is() {
        assert_eq!(read("panic: oops").message, "panic: oops");
    }
}
