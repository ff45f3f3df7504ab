//! Databases of the test server.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use crate::server::Server;

static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Server {
    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        PgConnectOptions::from_str(&self.url(database)).unwrap().connect().await.unwrap()
    }

    /// Makes an empty database; its URL.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut self.connect("postgres").await).await.unwrap();
        self.url(&name)
    }
}
