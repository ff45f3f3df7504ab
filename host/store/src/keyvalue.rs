//! The port `PluginStore` over a database: limits, the store's background work, and when it ends.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::keyring::KeyRing;
use portcullis_core::keyvalue::{Entry, GRANT_MAX, KEY_MAX, KeyValueError, VALUE_MAX, Write};
use portcullis_core::ports::{BoxFuture, PluginStore};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::database::{Database, StoreError, StoreLocation};
use crate::entries::{self, SWEEP_BATCH};
use crate::revocations::Revocations;
use crate::sealing::{Place, Vault};

/// How often other replicas' revocations are read (500 ms): they take effect within a second (portcullis:auth/revocation).
const CATCH_UP_EVERY: Duration = Duration::from_millis(500);

/// How often what expired is deleted (10 s): it is absent anyway, and takes room until then.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Batches of one sweep, so that it ends while a flood goes on.
const SWEEP_BATCHES: usize = 200;

/// What a store is opened with.
#[derive(Debug)]
pub struct StoreOptions {
    /// Where.
    pub location: StoreLocation,
    /// Master keys; the first encrypts.
    pub keys: KeyRing,
}

/// What plugins keep, encrypted, in SQLite or PostgreSQL.
///
/// Every method ends within five seconds, with [`KeyValueError::Unavailable`] if the database has not answered; then a write did not happen,
/// unless the answer was lost on its way. Futures may be dropped: a statement that was sent may still take effect, whole.
pub struct PluginKeyValue {
    inner: Arc<Inner>,
    background: [JoinHandle<()>; 2],
}

struct Inner {
    database: Database,
    vault: Vault,
    revocations: Revocations,
}

impl std::fmt::Debug for PluginKeyValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginKeyValue").field("database", &self.inner.database).finish_non_exhaustive()
    }
}

impl PluginKeyValue {
    /// Connects, brings the schema up to date, and reads all revocations. Must be called in a Tokio runtime, where the background work runs
    /// until the store is dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(options: StoreOptions) -> Result<Arc<Self>, StoreError> {
        let StoreOptions { location, keys } = options;
        let database = Database::open(&location).await?;
        let inner = Arc::new(Inner { database, vault: Vault::new(&keys), revocations: Revocations::default() });
        inner.prepare().await.map_err(|why| StoreError::Database(why.to_string()))?;
        let background = [tokio::spawn(catch_up(inner.clone())), tokio::spawn(sweep(inner.clone()))];
        Ok(Arc::new(Self { inner, background }))
    }
}

impl Drop for PluginKeyValue {
    fn drop(&mut self) {
        self.background.iter().for_each(JoinHandle::abort);
    }
}

impl Inner {
    async fn prepare(&self) -> Result<(), KeyValueError> {
        for (id, entries) in entries::orphans(&self.database, &self.vault).await? {
            tracing::warn!(
                key = id,
                entries,
                "entries are encrypted with a master key that is not in the key ring; put it back behind the others"
            );
        }
        self.revocations.catch_up(&self.database).await
    }

    async fn sweep(&self) -> Result<(), KeyValueError> {
        for _ in 0..SWEEP_BATCHES {
            let swept = entries::sweep(&self.database).await?;
            if i64::try_from(swept).is_ok_and(|swept| swept < SWEEP_BATCH) {
                break;
            }
        }
        self.revocations.forget(&self.database).await
    }
}

/// Reads others' revocations. While the database is away, memory goes on to be right about what was known, and the log says so once.
async fn catch_up(inner: Arc<Inner>) {
    let mut away = false;
    let mut clock = every(CATCH_UP_EVERY);
    loop {
        clock.tick().await;
        let answer = inner.revocations.catch_up(&inner.database).await;
        match &answer {
            Ok(()) if away => tracing::info!("the store answers again; revocations are up to date"),
            Err(error) if !away => {
                tracing::error!(%error, "revocations of other replicas cannot be read; those already known stay in force");
            }
            _ => {}
        }
        away = answer.is_err();
    }
}

async fn sweep(inner: Arc<Inner>) {
    let mut clock = every(SWEEP_EVERY);
    loop {
        clock.tick().await;
        if let Err(error) = inner.sweep().await {
            tracing::debug!(%error, "expired entries were not swept; they are absent anyway");
        }
    }
}

fn every(time: Duration) -> tokio::time::Interval {
    let mut clock = interval(time);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock
}

/// Refuses names that a column cannot hold: PostgreSQL's text has no NUL, and both databases shall do the same.
fn checked<'a>(plugin: &'a str, key: &'a str, longest: usize) -> Result<Place<'a>, KeyValueError> {
    if !(1..=longest).contains(&key.len()) {
        return Err(KeyValueError::TooLarge);
    }
    if key.contains('\0') {
        return Err(KeyValueError::Internal("a key cannot have NUL characters".into()));
    }
    Ok(Place { plugin, key })
}

impl PluginStore for PluginKeyValue {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async move { entries::get(&self.inner.database, &self.inner.vault, checked(plugin, key, KEY_MAX)?).await })
    }

    fn put<'a>(&'a self, plugin: &'a str, key: &'a str, write: Write) -> BoxFuture<'a, Result<bool, KeyValueError>> {
        Box::pin(async move {
            let place = checked(plugin, key, KEY_MAX)?;
            if write.value.len() > VALUE_MAX {
                return Err(KeyValueError::TooLarge);
            }
            entries::put(&self.inner.database, &self.inner.vault, place, &write).await
        })
    }

    fn take<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async move { entries::take(&self.inner.database, &self.inner.vault, checked(plugin, key, KEY_MAX)?).await })
    }

    fn revoke<'a>(&'a self, plugin: &'a str, grant: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            let place = checked(plugin, grant, GRANT_MAX)?;
            self.inner.revocations.revoke(&self.inner.database, place.plugin, place.key).await
        })
    }

    fn is_revoked(&self, plugin: &str, grant: &str) -> bool {
        self.inner.revocations.has(plugin, grant)
    }

    fn knows_revocations(&self) -> bool {
        self.inner.revocations.are_known()
    }
}
