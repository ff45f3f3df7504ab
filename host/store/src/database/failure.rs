//! What a database's errors mean: whether it is away and the caller may come back, or something is wrong that waiting does not mend.

use portcullis_core::keyvalue::KeyValueError;
use sqlx::error::DatabaseError;

/// Classes of SQLSTATE (PostgreSQL, appendix A) that pass: no connection, wrong credentials while they are rotated, serialization, no
/// resources, a lock that was not got, an operator's intervention, the system. And a server that became a standby.
const PASSING_CLASSES: [&str; 7] = ["08", "28", "40", "53", "55", "57", "58"];
const READ_ONLY: &str = "25006";

/// Result codes of SQLite that pass: busy, locked, read-only, I/O error, full, cannot be opened. The lowest byte of an extended code.
const PASSING_CODES: [i32; 6] = [5, 6, 8, 10, 13, 14];

/// The port's error. Messages come from the server and the driver; neither has values in them, which are bound, not written into statements.
pub(crate) fn explained(error: &sqlx::Error) -> KeyValueError {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => KeyValueError::Unavailable(error.to_string()),
        sqlx::Error::Database(answer) if passes(answer.as_ref()) => KeyValueError::Unavailable(answer.message().to_owned()),
        _ => KeyValueError::Internal(format!("the store failed: {error}")),
    }
}

fn passes(answer: &dyn DatabaseError) -> bool {
    let code = answer.code().unwrap_or_default();
    if answer.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return code.parse::<i32>().is_ok_and(|code| PASSING_CODES.contains(&(code & 0xff)));
    }
    code == READ_ONLY || PASSING_CLASSES.iter().any(|class| code.starts_with(class))
}
