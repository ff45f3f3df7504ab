//! The schema, step by step, each step once, all in one transaction. A step that was released never changes; a change is a new step.

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::opening::StoreError;

const SQLITE: &[&str] = &[include_str!("../../migrations/sqlite/0001_plugins.sql")];
const POSTGRES: &[&str] = &[include_str!("../../migrations/postgres/0001_plugins.sql")];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS portcullis_schema (version BIGINT NOT NULL PRIMARY KEY)";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM portcullis_schema";
const NOTE: &str = "INSERT INTO portcullis_schema (version) VALUES ($1)";

/// One replica at a time: an advisory lock of this number ("portcull" in ASCII), which ends with the transaction.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8101254480757189740)";

/// Brings a file to this build's schema.
pub(super) async fn sqlite(pool: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    migrate_sqlite(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// Brings a server's database to this build's schema.
pub(super) async fn postgres(pool: &PgPool) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    migrate_postgres(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// The steps that are missing, with their numbers. A newer schema is somebody else's: an older build would break what it does not know.
fn missing(done: i64, steps: &'static [&'static str]) -> Result<impl Iterator<Item = (i64, &'static str)>, StoreError> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if done > known {
        return Err(StoreError::Newer { found: done, known });
    }
    Ok((1..).zip(steps.iter().copied()).filter(move |(number, _)| *number > done))
}

macro_rules! migrate {
    ($name:ident, $database:ty, $steps:ident) => {
        async fn $name(transaction: &mut Transaction<'_, $database>) -> Result<(), StoreError> {
            sqlx::query(TABLE).execute(&mut **transaction).await?;
            let done: i64 = sqlx::query_scalar(VERSION).fetch_one(&mut **transaction).await?;
            for (number, step) in missing(done, $steps)? {
                sqlx::raw_sql(step).execute(&mut **transaction).await?;
                sqlx::query(NOTE).bind(number).execute(&mut **transaction).await?;
            }
            Ok(())
        }
    };
}
migrate!(migrate_sqlite, Sqlite, SQLITE);
migrate!(migrate_postgres, Postgres, POSTGRES);

#[cfg(test)]
mod tests {
    use super::{POSTGRES, SQLITE, StoreError, missing};

    #[test]
    fn each_step_runs_once_and_a_newer_schema_is_refused() {
        let left = |done| missing(done, &["a", "b", "c"]).map(Iterator::collect::<Vec<_>>);
        assert_eq!(left(0).unwrap(), [(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(left(2).unwrap(), [(3, "c")]);
        assert_eq!(left(3).unwrap(), []);
        assert!(matches!(left(4), Err(StoreError::Newer { found: 4, known: 3 })));
    }

    #[test]
    fn both_databases_have_the_same_steps() {
        assert_eq!(SQLITE.len(), POSTGRES.len());
    }
}
