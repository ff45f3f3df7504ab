//! Entries of plugins: each change is one statement, so that of several replicas one wins. Expired entries are absent at once, and gone later.

use std::time::Duration;

use portcullis_core::keyvalue::{ENTRIES_MAX, Entry, KeyValueError, When, Write};
use sqlx::Connection as _;

use crate::database::{Database, ask};
use crate::sealing::{Place, Sealed, Vault};

/// Longest life of an entry that has one: 100 years, so that adding it to the clock cannot overflow.
const TTL_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Entries that one statement of the sweep deletes: a few milliseconds of SQLite's one writer.
pub(crate) const SWEEP_BATCH: i64 = 500;

/// A write of a new key counts the plugin's keys; expired ones that were not swept yet count. Replicas that write at the same instant may pass
/// the quota by one each: it is there against floods, and a lock would make all writes wait for each other.
macro_rules! upsert {
    ($condition:literal) => {
        concat!(
            "INSERT INTO plugin_entries (plugin, key, value, key_id, version, expires_at) ",
            "SELECT $1, $2, $3, $4, (SELECT version FROM portcullis_next_version), (SELECT ms FROM portcullis_clock) + $5 ",
            "WHERE EXISTS (SELECT 1 FROM plugin_entries WHERE plugin = $1 AND key = $2) ",
            "OR (SELECT count(*) FROM plugin_entries WHERE plugin = $1) < $6 ",
            "ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value, key_id = excluded.key_id, ",
            "version = (SELECT version FROM portcullis_next_version), expires_at = excluded.expires_at",
            $condition
        )
    };
}
const PUT: &str = upsert!("");
const PUT_IF_ABSENT: &str = upsert!(" WHERE plugin_entries.expires_at <= (SELECT ms FROM portcullis_clock)");

macro_rules! live {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " WHERE plugin = $1 AND key = $2 AND (expires_at IS NULL OR expires_at > (SELECT ms FROM portcullis_clock))",
            $after
        )
    };
}
const GET: &str = live!("SELECT value, key_id, version FROM plugin_entries", "");
const TAKE: &str = live!("DELETE FROM plugin_entries", " RETURNING value, key_id, version");
const SWAP: &str = live!(
    "UPDATE plugin_entries SET value = $3, key_id = $4, version = (SELECT version FROM portcullis_next_version), \
     expires_at = (SELECT ms FROM portcullis_clock) + $5",
    " AND version = $6"
);
const HAS: &str = live!("SELECT count(*) FROM plugin_entries", "");
const COUNT: &str = "SELECT count(*) FROM plugin_entries WHERE plugin = $1";

/// The second condition is not idle: a row may have been written again since it was chosen.
const SWEEP: &str = "DELETE FROM plugin_entries WHERE (plugin, key) IN \
     (SELECT plugin, key FROM plugin_entries WHERE expires_at <= (SELECT ms FROM portcullis_clock) ORDER BY expires_at LIMIT $1) \
     AND expires_at <= (SELECT ms FROM portcullis_clock)";

const KEY_IDS: &str = "SELECT key_id, count(*) FROM plugin_entries GROUP BY key_id";

/// A row as the database has it.
type Row = (Vec<u8>, String, i64);

pub(crate) async fn get(database: &Database, vault: &Vault, place: Place<'_>) -> Result<Option<Entry>, KeyValueError> {
    let row: Option<Row> =
        ask!(&database.reader, connection => sqlx::query_as(GET).bind(place.plugin).bind(place.key).fetch_optional(connection))?;
    row.map(|row| opened(vault, place, row)).transpose()
}

fn opened(vault: &Vault, place: Place<'_>, (bytes, key_id, version): Row) -> Result<Entry, KeyValueError> {
    let value = vault.open(place, &Sealed { bytes, key_id })?;
    let version = u64::try_from(version).map_err(|_| KeyValueError::Internal("a version is negative".into()))?;
    Ok(Entry { value, version })
}

/// Deletes only what can be opened: else a key that is missing from the ring would cost the value too.
pub(crate) async fn take(database: &Database, vault: &Vault, place: Place<'_>) -> Result<Option<Entry>, KeyValueError> {
    ask!(&database.writer, connection => async {
        let mut transaction = connection.begin().await?;
        let row: Option<Row> =
            sqlx::query_as(TAKE).bind(place.plugin).bind(place.key).fetch_optional(&mut *transaction).await?;
        let entry = row.map(|row| opened(vault, place, row)).transpose();
        match &entry {
            Ok(_) => transaction.commit().await?,
            Err(_) => transaction.rollback().await?,
        }
        Ok::<_, sqlx::Error>(entry)
    })?
}

pub(crate) async fn put(database: &Database, vault: &Vault, place: Place<'_>, write: &Write) -> Result<bool, KeyValueError> {
    let sealed = vault.seal(place, &write.value)?;
    let life = write.ttl.map(milliseconds);
    match write.when {
        When::Always if changed(database, PUT, place, &sealed, life, quota()).await? => Ok(true),
        When::Always => Err(KeyValueError::Quota),
        When::Absent if changed(database, PUT_IF_ABSENT, place, &sealed, life, quota()).await? => Ok(true),
        When::Absent => refused(database, place).await,
        When::Version(version) => match i64::try_from(version) {
            Ok(version) => changed(database, SWAP, place, &sealed, life, version).await,
            Err(_) => Ok(false),
        },
    }
}

/// Whether the statement found what it wanted. `last` is the version or the quota.
async fn changed(
    database: &Database,
    statement: &'static str,
    place: Place<'_>,
    sealed: &Sealed,
    life: Option<i64>,
    last: i64,
) -> Result<bool, KeyValueError> {
    let rows = ask!(&database.writer, connection => async {
        let query = sqlx::query(statement).bind(place.plugin).bind(place.key).bind(&sealed.bytes).bind(&sealed.key_id);
        let done = query.bind(life).bind(last).execute(connection).await?;
        Ok::<_, sqlx::Error>(done.rows_affected())
    })?;
    Ok(rows > 0)
}

/// Why nothing was written where there should be nothing: there is something, or there is no room.
async fn refused(database: &Database, place: Place<'_>) -> Result<bool, KeyValueError> {
    let there: i64 =
        ask!(&database.reader, connection => sqlx::query_scalar(HAS).bind(place.plugin).bind(place.key).fetch_one(connection))?;
    let keys: i64 = ask!(&database.reader, connection => sqlx::query_scalar(COUNT).bind(place.plugin).fetch_one(connection))?;
    if there == 0 && keys >= quota() { Err(KeyValueError::Quota) } else { Ok(false) }
}

pub(crate) fn quota() -> i64 {
    i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX)
}

fn milliseconds(ttl: Duration) -> i64 {
    i64::try_from(ttl.min(TTL_MAX).as_millis()).unwrap_or(i64::MAX)
}

/// Deletes one batch of what expired; how many.
pub(crate) async fn sweep(database: &Database) -> Result<u64, KeyValueError> {
    ask!(&database.writer, connection => async {
        Ok::<_, sqlx::Error>(sqlx::query(SWEEP).bind(SWEEP_BATCH).execute(connection).await?.rows_affected())
    })
}

/// Ids of master keys that sealed something and are not in the ring, with the number of entries.
pub(crate) async fn orphans(database: &Database, vault: &Vault) -> Result<Vec<(String, i64)>, KeyValueError> {
    let ids: Vec<(String, i64)> = ask!(&database.reader, connection => sqlx::query_as(KEY_IDS).fetch_all(connection))?;
    Ok(ids.into_iter().filter(|(id, _)| !vault.knows(id)).collect())
}
