//! A database that is away, locked, hung or strange: an error in time, and all is well when it is back.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use portcullis_core::keyvalue::{KeyValueError, When};
use portcullis_core::ports::PluginStore as _;
use portcullis_core::secret::Secret;
use portcullis_store::{PluginKeyValue, StoreError, StoreLocation};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::backend::{Backend, eventually, open, write};
use crate::server::{SKIPPED, Server};

/// The promise is five seconds; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(7);

crate::on_both! {
    a_schema_of_a_newer_build_is_refused
    two_replicas_that_start_together_both_start
}

async fn a_schema_of_a_newer_build_is_refused(backend: Backend) {
    drop(backend.open().await);
    backend.execute("INSERT INTO portcullis_schema (version) VALUES (99)").await;
    assert!(matches!(open(backend.location(), &["2026"]).await, Err(StoreError::Newer { found: 99, .. })));
}

async fn two_replicas_that_start_together_both_start(backend: Backend) {
    let stores = join_all((0..4).map(|_| backend.open())).await;
    stores[0].put("p", "k", write(b"v", When::Always)).await.unwrap();
    assert!(stores[3].get("p", "k").await.unwrap().is_some());
}

/// Everything says "unavailable" in time, and memory still knows.
async fn away(store: &PluginKeyValue) {
    let start = Instant::now();
    let answers = tokio::join!(
        store.get("p", "k"),
        store.take("p", "k"),
        store.put("p", "k", write(b"w", When::Always)),
        store.revoke("p", "late")
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(matches!(answers.0, Err(KeyValueError::Unavailable(_))), "{:?}", answers.0);
    assert!(matches!(answers.1, Err(KeyValueError::Unavailable(_))), "{:?}", answers.1);
    assert!(matches!(answers.2, Err(KeyValueError::Unavailable(_))), "{:?}", answers.2);
    assert!(matches!(answers.3, Err(KeyValueError::Unavailable(_))), "{:?}", answers.3);
    assert!(store.is_revoked("p", "grant") && !store.is_revoked("p", "late"));
}

async fn fill(store: &PluginKeyValue) {
    store.put("p", "k", write(b"v", When::Always)).await.unwrap();
    store.revoke("p", "grant").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_unavailable_and_its_return_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = Server::start_in(folder.path()) else { return eprintln!("{SKIPPED}") };
    let location = StoreLocation::Postgres(Secret::new(server.database().await));
    let store = open(location.clone(), &["2026"]).await.unwrap();
    fill(&store).await;
    server.stop();
    away(&store).await;
    assert!(matches!(open(location.clone(), &["2026"]).await, Err(StoreError::Database(_))));
    server.resume();
    eventually(SOON, "the store answers again", async || store.get("p", "k").await.is_ok()).await;
    assert_eq!(store.take("p", "k").await.unwrap().unwrap().value, b"v");
    let other = open(location, &["2026"]).await.unwrap();
    other.revoke("p", "after").await.unwrap();
    eventually(Duration::from_secs(2), "revocations are read again", async || store.is_revoked("p", "after")).await;
}

fn signal(name: &str, pids: &[i32]) {
    let done = Command::new("kill").arg(name).args(pids.iter().map(i32::to_string)).status().unwrap();
    assert!(done.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_hang_in_a_statement_are_given_up_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start_in(folder.path()) else { return eprintln!("{SKIPPED}") };
    let url = server.database().await;
    let name = url.split(['/', '?']).nth(3).unwrap();
    let store = open(StoreLocation::Postgres(Secret::new(url.clone())), &["2026"]).await.unwrap();
    fill(&store).await;
    let mut lock = server.connect(name).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE plugin_entries, plugin_revocations IN ACCESS EXCLUSIVE MODE")
        .execute(&mut lock)
        .await
        .unwrap();
    let start = Instant::now();
    let hang = join_all((0..20).map(|_| store.get("p", "k")));
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut other = server.connect(name).await;
        let waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'portcullis' AND datname = current_database()";
        let pids: Vec<i32> = sqlx::query_scalar(waiting).fetch_all(&mut other).await.unwrap();
        signal("-STOP", &pids);
        pids
    };
    let (answers, hung) = tokio::join!(hang, stop);
    assert!(start.elapsed() < SOON && hung.len() >= 10, "{:?} {hung:?}", start.elapsed());
    assert!(answers.iter().all(|answer| matches!(answer, Err(KeyValueError::Unavailable(_)))));
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    eventually(Duration::from_secs(15), "new connections serve", async || store.get("p", "k").await.is_ok()).await;
    signal("-CONT", &hung);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_too_long_never_happens() {
    let Some(backend) = Backend::postgres().await else { return eprintln!("{SKIPPED}") };
    let store = backend.open().await;
    fill(&store).await;
    let mut lock = backend.connection().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT * FROM plugin_entries FOR UPDATE").execute(&mut lock).await.unwrap();
    let answer = store.put("p", "k", write(b"late", When::Always)).await;
    assert!(matches!(answer, Err(KeyValueError::Unavailable(_))), "{answer:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"v");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_process_locks_is_unavailable_to_writers_until_it_is_free() {
    let backend = Backend::sqlite();
    let store = backend.open().await;
    fill(&store).await;
    let mut lock = SqliteConnectOptions::new().filename(backend.file()).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let start = Instant::now();
    let (put, revoked) = tokio::join!(store.put("p", "k", write(b"w", When::Always)), store.revoke("p", "late"));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(matches!(put, Err(KeyValueError::Unavailable(_))), "{put:?}");
    assert!(matches!(revoked, Err(KeyValueError::Unavailable(_))), "{revoked:?}");
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"v");
    assert!(store.is_revoked("p", "grant") && !store.is_revoked("p", "late"));
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    lock.close().await.unwrap();
    assert!(store.put("p", "k", write(b"w", When::Always)).await.unwrap());
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_unavailable() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://p:hunter2@127.0.0.1:{}/p?sslmode=disable", silent.local_addr().unwrap().port());
    let start = Instant::now();
    let refused = open(StoreLocation::Postgres(Secret::new(url)), &["2026"]).await.unwrap_err();
    assert!(start.elapsed() < SOON && matches!(refused, StoreError::Database(_)), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_refused_and_not_repeated() {
    for url in [
        "postgres://user:hunter2@host:port/db",
        "postgres://user:hunter2@h/db?sslmode=hunter2",
        "mysql://user:hunter2@h/db",
        "hunter2",
    ] {
        let refused = open(StoreLocation::Postgres(Secret::new(url.into())), &["2026"]).await.unwrap_err();
        assert!(matches!(refused, StoreError::Url), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused}");
    }
}

#[tokio::test]
async fn a_file_in_no_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/store.db");
    let refused = open(StoreLocation::Sqlite(path.clone()), &["2026"]).await.unwrap_err();
    assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_dropped_works_no_more_and_leaves_no_connection() {
    let Some(backend) = Backend::postgres().await else { return eprintln!("{SKIPPED}") };
    let connections = "SELECT CAST(count(*) AS TEXT) FROM pg_stat_activity WHERE application_name = 'portcullis' \
         AND datname = current_database()";
    let store = backend.open().await;
    fill(&store).await;
    assert_ne!(backend.text(connections).await, "0");
    drop(store);
    eventually(Duration::from_secs(5), "no connection is left", async || backend.text(connections).await == "0").await;
}
