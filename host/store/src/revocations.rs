//! Ended logins: a table for all replicas, and a copy in memory that every request asks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::RwLock;
use portcullis_core::keyvalue::{KeyValueError, REVOCATIONS_MAX};

use crate::database::{Database, ask};

/// How long a revocation is remembered (31 days): no credential of a revoked login lives longer.
const REMEMBERED: Duration = Duration::from_secs(31 * 86_400);

/// How long memory is believed while the database is away (30 s): a restart of it takes less, and no ended login should live longer elsewhere.
const STALE: Duration = Duration::from_secs(30);

/// Rows that one statement reads or deletes.
pub(crate) const PAGE: i64 = 1000;

const REVOKE: &str = "INSERT INTO plugin_revocations (plugin, grant_name, at) \
     VALUES ($1, $2, (SELECT ms FROM portcullis_clock)) ON CONFLICT (plugin, grant_name) DO NOTHING";
const SINCE: &str = "SELECT seq, plugin, grant_name, at FROM plugin_revocations WHERE seq > $1 ORDER BY seq LIMIT $2";
const LAST: &str = "SELECT coalesce(max(seq), 0) FROM plugin_revocations";
const FORGET: &str = "DELETE FROM plugin_revocations WHERE seq IN \
     (SELECT seq FROM plugin_revocations WHERE at < (SELECT ms FROM portcullis_clock) - $1 ORDER BY seq LIMIT $2)";
const THIN: &str = "DELETE FROM plugin_revocations WHERE seq IN (SELECT seq FROM \
     (SELECT seq, row_number() OVER (PARTITION BY plugin ORDER BY seq DESC) AS place FROM plugin_revocations) AS ranked \
     WHERE place > $1 ORDER BY seq LIMIT $2)";

type Row = (i64, String, String, i64);

/// What this replica knows.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    /// By plugin and grant: when, in milliseconds since 1970.
    known: RwLock<HashMap<String, HashMap<String, i64>>>,
    /// The number of the last row that was read.
    seen: AtomicI64,
    /// When all rows were read, the last time.
    whole: RwLock<Option<Instant>>,
}

impl Revocations {
    pub(crate) fn has(&self, plugin: &str, grant: &str) -> bool {
        self.known.read().get(plugin).is_some_and(|grants| grants.contains_key(grant))
    }

    /// Whether what is known is all there is, or was until [`STALE`] ago.
    pub(crate) fn are_known(&self) -> bool {
        self.whole.read().is_some_and(|at| at.elapsed() < STALE)
    }

    /// The row first: what only one replica knows would be gone with it.
    pub(crate) async fn revoke(&self, database: &Database, plugin: &str, grant: &str) -> Result<(), KeyValueError> {
        ask!(&database.writer, connection => async {
            sqlx::query(REVOKE).bind(plugin).bind(grant).execute(connection).await.map(drop)
        })?;
        self.note(plugin.to_owned(), grant.to_owned(), now());
        Ok(())
    }

    fn note(&self, plugin: String, grant: String, at: i64) {
        self.known.write().entry(plugin).or_default().insert(grant, at);
    }

    /// Reads what others revoked since the last time.
    pub(crate) async fn catch_up(&self, database: &Database) -> Result<(), KeyValueError> {
        loop {
            let seen = self.seen.load(Ordering::Acquire);
            let rows: Vec<Row> =
                ask!(&database.reader, connection => sqlx::query_as(SINCE).bind(seen).bind(PAGE).fetch_all(connection))?;
            let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == PAGE);
            for (seq, plugin, grant, at) in rows {
                self.note(plugin, grant, at);
                self.seen.store(seq, Ordering::Release);
            }
            if !full {
                *self.whole.write() = Some(Instant::now());
                return Ok(());
            }
        }
    }

    /// Deletes old rows, and those that are too many, a page at a time, and forgets them here. Numbers that went down mean that a backup was restored: all is read again.
    pub(crate) async fn forget(&self, database: &Database) -> Result<(), KeyValueError> {
        let life = i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX);
        ask!(&database.writer, connection => async {
            sqlx::query(FORGET).bind(life).bind(PAGE).execute(connection).await.map(drop)
        })?;
        if self.thin(REVOCATIONS_MAX) {
            thin(database).await?;
        }
        let last: i64 = ask!(&database.reader, connection => sqlx::query_scalar(LAST).fetch_one(connection))?;
        if last < self.seen.load(Ordering::Acquire) {
            self.seen.store(0, Ordering::Release);
        }
        self.drop_older_than(now().saturating_sub(life));
        Ok(())
    }

    /// Forgets the oldest of plugins that have more than `most`; whether there are such.
    fn thin(&self, most: usize) -> bool {
        if self.known.read().values().all(|grants| grants.len() <= most) {
            return false;
        }
        for (plugin, grants) in self.known.write().iter_mut().filter(|(_, grants)| grants.len() > most) {
            tracing::warn!(plugin, most, "a plugin ended more logins than are remembered; the oldest are forgotten");
            let mut oldest: Vec<(i64, String)> = grants.iter().map(|(grant, at)| (*at, grant.clone())).collect();
            oldest.sort_unstable();
            oldest.truncate(grants.len() - most);
            for (_, grant) in oldest {
                grants.remove(&grant);
            }
        }
        true
    }

    /// Looks first: requests read this too, and wait for who writes.
    fn drop_older_than(&self, oldest: i64) {
        if self.known.read().values().flat_map(HashMap::values).all(|at| *at >= oldest) {
            return;
        }
        self.known.write().retain(|_, grants| {
            grants.retain(|_, at| *at >= oldest);
            !grants.is_empty()
        });
    }
}

/// Deletes the rows of plugins that have too many, oldest first. A crash in between leaves some until there are too many again.
async fn thin(database: &Database) -> Result<(), KeyValueError> {
    let most = i64::try_from(REVOCATIONS_MAX).unwrap_or(i64::MAX);
    loop {
        let deleted = ask!(&database.writer, connection => async {
            let query = sqlx::query(THIN).bind(most).bind(PAGE);
            Ok::<_, sqlx::Error>(query.execute(connection).await?.rows_affected())
        })?;
        if i64::try_from(deleted).is_ok_and(|deleted| deleted < PAGE) {
            return Ok(());
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

    use super::{Database, Revocations};
    use crate::database::{Pool, StoreLocation};

    #[test]
    fn a_grant_is_revoked_for_its_plugin_only() {
        let revocations = Revocations::default();
        revocations.note("oauth".into(), "grant-1".into(), 0);
        assert!(revocations.has("oauth", "grant-1"));
        assert!(!revocations.has("oidc", "grant-1") && !revocations.has("oauth", "grant-2"));
    }

    #[tokio::test]
    async fn nothing_is_known_before_the_rows_were_read() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&StoreLocation::Sqlite(folder.path().join("s.db"))).await.unwrap();
        let revocations = Revocations::default();
        assert!(!revocations.are_known());
        revocations.catch_up(&database).await.unwrap();
        assert!(revocations.are_known());
        *revocations.whole.write() = std::time::Instant::now().checked_sub(super::STALE);
        assert!(!revocations.are_known(), "memory that is too old is not believed");
    }

    #[test]
    fn what_is_old_leaves_the_memory_and_the_rest_stays() {
        let revocations = Revocations::default();
        revocations.note("oauth".into(), "old".into(), 9);
        revocations.note("oauth".into(), "new".into(), 10);
        revocations.drop_older_than(10);
        assert!(revocations.has("oauth", "new") && !revocations.has("oauth", "old"));
    }

    #[test]
    fn of_too_many_the_oldest_are_forgotten() {
        let revocations = Revocations::default();
        for (grant, at) in [("b", 1), ("c", 2), ("a", 1), ("d", 3)] {
            revocations.note("oauth".into(), grant.into(), at);
        }
        revocations.note("oidc".into(), "a".into(), 0);
        assert!(revocations.thin(3) && !revocations.thin(3));
        assert!(!revocations.has("oauth", "a") && ["b", "c", "d"].into_iter().all(|grant| revocations.has("oauth", grant)));
        assert!(revocations.has("oidc", "a"));
    }

    async fn raw(database: &Database, statement: &'static str) {
        let Pool::Sqlite(pool) = &database.writer else { panic!("no SQLite") };
        sqlx::raw_sql(statement).execute(pool).await.unwrap();
    }

    #[tokio::test]
    async fn after_a_backup_was_restored_under_a_running_replica_revocations_are_read_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&StoreLocation::Sqlite(folder.path().join("store.db"))).await.unwrap();
        let (here, other) = (Revocations::default(), Revocations::default());
        for grant in ["a", "b", "c"] {
            other.revoke(&database, "oauth", grant).await.unwrap();
        }
        here.catch_up(&database).await.unwrap();
        raw(&database, "DELETE FROM plugin_revocations; DELETE FROM sqlite_sequence").await;
        other.revoke(&database, "oauth", "d").await.unwrap();
        here.forget(&database).await.unwrap();
        here.catch_up(&database).await.unwrap();
        assert!(["a", "b", "c", "d"].into_iter().all(|grant| here.has("oauth", grant)));
    }
}
