//! One test's database, of either kind: stores over it, and the rows behind their back.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::keyring::KeyRing;
use portcullis_core::keyvalue::{When, Write};
use portcullis_core::secret::Secret;
use portcullis_store::{PluginKeyValue, StoreError, StoreLocation, StoreOptions};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::server::Server;

/// Makes each test one per database.
#[macro_export]
macro_rules! on_both {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::backend::Backend::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                match $crate::backend::Backend::postgres().await {
                    Some(backend) => super::$test(backend).await,
                    None => eprintln!("{}", $crate::server::SKIPPED),
                }
            })*
        }
    };
}

/// Where a test's rows are.
pub(crate) enum Backend {
    Sqlite(TempDir),
    Postgres { server: &'static Server, url: String },
}

impl Backend {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// A new database in the server of all tests; `None`: there is no server.
    pub(crate) async fn postgres() -> Option<Self> {
        let server = Server::shared()?;
        Some(Self::Postgres { server, url: server.database().await })
    }

    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("store.db"),
            Self::Postgres { .. } => panic!("PostgreSQL has no file"),
        }
    }

    pub(crate) fn location(&self) -> StoreLocation {
        match self {
            Self::Sqlite(_) => StoreLocation::Sqlite(self.file()),
            Self::Postgres { url, .. } => StoreLocation::Postgres(Secret::new(url.clone())),
        }
    }

    /// A store, as one replica has it.
    pub(crate) async fn open(&self) -> Arc<PluginKeyValue> {
        self.open_with(&["2026"]).await
    }

    /// A store with these keys, the first one active.
    pub(crate) async fn open_with(&self, ids: &[&str]) -> Arc<PluginKeyValue> {
        open(self.location(), ids).await.unwrap()
    }

    /// A connection to PostgreSQL's database behind the store's back; `None`: this is SQLite.
    pub(crate) async fn connection(&self) -> Option<PgConnection> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { url, .. } => Some(PgConnectOptions::from_str(url).unwrap().connect().await.unwrap()),
        }
    }

    /// Runs SQL; rows affected.
    pub(crate) async fn execute(&self, statement: &'static str) -> u64 {
        match self {
            Self::Sqlite(_) => {
                let mut connection = self.file_options().connect().await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap().rows_affected()
            }
            Self::Postgres { url, .. } => {
                let mut connection = PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
                let done = sqlx::query(statement).execute(&mut connection).await.unwrap().rows_affected();
                connection.close().await.unwrap();
                done
            }
        }
    }

    /// The first column of the first row as text.
    pub(crate) async fn text(&self, statement: &'static str) -> String {
        match self {
            Self::Sqlite(_) => {
                let mut connection = self.file_options().connect().await.unwrap();
                sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap()
            }
            Self::Postgres { url, .. } => {
                let mut connection = PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
                sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    fn file_options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new().filename(self.file()).busy_timeout(Duration::from_secs(5))
    }
}

pub(crate) async fn open(location: StoreLocation, ids: &[&str]) -> Result<Arc<PluginKeyValue>, StoreError> {
    let keys = ids.iter().map(|id| ((*id).to_owned(), Secret::new(format!("{id}-{}", "x".repeat(32)))));
    PluginKeyValue::open(StoreOptions { location, keys: KeyRing::new(keys.collect()).unwrap() }).await
}

pub(crate) fn write(value: &[u8], when: When) -> Write {
    Write { value: value.to_vec(), ttl: None, when }
}

/// Waits until it is so; fails with the words if it is not so in time.
pub(crate) async fn eventually(within: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
