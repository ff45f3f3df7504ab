//! A database, whichever it is: pools, leases and time limits. Statements are the same for both; their dialects are in `migrations`.

mod failure;
mod migrations;
mod opening;

use std::time::Duration;

use portcullis_core::keyvalue::KeyValueError;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, SqlitePool};

pub(crate) use failure::explained;
pub use opening::{StoreError, StoreLocation};

/// Longest wait for the database (5 s): a caller is better off with "unavailable" than with a request that hangs.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What the server or the lock on the file is given, a little less, so that nothing is still written after we said that nothing was.
const SERVER_WITHIN: Duration = Duration::from_millis(4500);

/// An open database with its schema.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) reader: Pool,
    pub(crate) writer: Pool,
}

/// Connections to one kind of database.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection on loan. One that was dropped in the middle of something is closed rather than given back: a pool would first wait for the
/// answer, and a server that hangs would so keep all of its places for ever.
pub(crate) struct Lease<DB: sqlx::Database> {
    connection: PoolConnection<DB>,
    idle: bool,
}

impl<DB: sqlx::Database> Lease<DB> {
    pub(crate) async fn of(pool: &sqlx::Pool<DB>) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: pool.acquire().await?, idle: false })
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }

    pub(crate) fn give_back(mut self) {
        self.idle = true;
    }
}

impl<DB: sqlx::Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if !self.idle {
            self.connection.close_on_drop();
        }
    }
}

/// Runs one expression over a connection of whichever database, within [`ANSWER_WITHIN`]:
/// `ask!(&database.reader, connection => sqlx::query(..).execute(connection))`.
macro_rules! ask {
    ($pool:expr, $connection:ident => $answer:expr) => {
        match $pool {
            $crate::database::Pool::Sqlite(pool) => $crate::database::ask!(@ pool, $connection => $answer),
            $crate::database::Pool::Postgres(pool) => $crate::database::ask!(@ pool, $connection => $answer),
        }
    };
    (@ $pool:ident, $connection:ident => $answer:expr) => {
        $crate::database::within($crate::database::ANSWER_WITHIN, async {
            let mut lease = $crate::database::Lease::of($pool).await?;
            let $connection = lease.connection();
            let answer = $answer.await?;
            lease.give_back();
            Ok(answer)
        })
        .await
    };
}
pub(crate) use ask;

/// Waits no longer, and says in the port's terms what went wrong.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, KeyValueError> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(|error| explained(&error)),
        Err(_) => Err(KeyValueError::Unavailable(format!("no answer within {limit:?}"))),
    }
}
