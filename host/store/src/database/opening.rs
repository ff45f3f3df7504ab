//! Opening a database: the file with its mode, the server by its URL, the schema of either.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use portcullis_core::secret::Secret;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{ANSWER_WITHIN, Database, Pool, SERVER_WITHIN, explained, migrations};

/// Connections to PostgreSQL per replica: its default is 100 for all, and a statement takes a millisecond.
const POSTGRES_CONNECTIONS: u32 = 10;

/// Readers of SQLite. There is one writer: SQLite has no more, and those who wait in a queue of ours are served in order.
const SQLITE_READERS: u32 = 4;

/// How long the schema may take (30 s), with the wait for another replica that is at it.
const SCHEMA_WITHIN: Duration = Duration::from_secs(30);

/// Where entries are kept.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// A file, for one host; made (mode 0600) if it is not there. SQLite puts two more beside it.
    Sqlite(PathBuf),
    /// A URL `postgres://user:password@host/database`, for any number of replicas, with libpq's parameters, e.g. `sslmode` and
    /// `sslrootcert`. What it leaves out, the driver takes from libpq's `PG*` variables and `~/.pgpass`.
    Postgres(Secret),
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made or read.
    #[error("the store {path} cannot be opened: {why}; check that its folder exists and is writable")]
    File {
        /// Which file.
        path: PathBuf,
        /// What failed.
        why: io::Error,
    },
    /// The URL cannot be read. It may hold a password: neither it nor the driver's words about it are repeated.
    #[error("the store's URL cannot be read; write postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full")]
    Url,
    /// The database does not answer, or refuses.
    #[error("the store does not answer: {0}; check that it runs and that user and password are right")]
    Database(String),
    /// A newer build was here.
    #[error("the store has schema {found} and this build knows {known}; run the newer build, or restore a backup from before it")]
    Newer {
        /// The store's schema.
        found: i64,
        /// The newest that this build knows.
        known: i64,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(explained(&error).to_string())
    }
}

impl Database {
    /// Connects and brings the schema up to date.
    pub(crate) async fn open(location: &StoreLocation) -> Result<Self, StoreError> {
        let opened = async {
            match location {
                StoreLocation::Sqlite(path) => sqlite(path).await,
                StoreLocation::Postgres(url) => postgres(url).await,
            }
        };
        let late = |_| StoreError::Database(format!("no schema within {SCHEMA_WITHIN:?}"));
        tokio::time::timeout(SCHEMA_WITHIN, opened).await.map_err(late)?
    }
}

async fn sqlite(path: &Path) -> Result<Database, StoreError> {
    private(path).map_err(|why| StoreError::File { path: path.to_owned(), why })?;
    // Every commit reaches the disk: a one-time code that was taken must not be back after a power cut.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(SERVER_WITHIN)
        .disable_statement_logging();
    let pool = |places| SqlitePoolOptions::new().max_connections(places).acquire_timeout(ANSWER_WITHIN);
    let writer = pool(1).connect_with(options.clone()).await?;
    migrations::sqlite(&writer).await?;
    let reader = pool(SQLITE_READERS).connect_with(options).await?;
    Ok(Database { reader: Pool::Sqlite(reader), writer: Pool::Sqlite(writer) })
}

/// SQLite gives its other files the mode of this one.
fn private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

async fn postgres(url: &Secret) -> Result<Database, StoreError> {
    let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.reveal().starts_with(scheme));
    let options = postgres.then(|| PgConnectOptions::from_str(url.reveal()).ok()).flatten().ok_or(StoreError::Url)?;
    let options = options.application_name("portcullis").disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ANSWER_WITHIN)
        .after_connect(|connection, _| {
            // Not an option of the connection: poolers such as PgBouncer refuse those.
            let limit = sqlx::AssertSqlSafe(format!("SET statement_timeout = {}", SERVER_WITHIN.as_millis()));
            Box::pin(async move { sqlx::query(limit).execute(connection).await.map(drop) })
        })
        .connect_with(options)
        .await?;
    migrations::postgres(&pool).await?;
    Ok(Database { reader: Pool::Postgres(pool.clone()), writer: Pool::Postgres(pool) })
}
