//! Ended logins are ended everywhere, soon and for long.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::ports::PluginStore as _;

use crate::backend::{Backend, eventually};
use crate::server::SKIPPED;

crate::on_both! {
    a_revocation_is_here_at_once_and_on_another_replica_within_a_second
    revocations_are_there_after_a_restart
    many_revocations_of_two_replicas_all_arrive
    after_31_days_a_revocation_is_forgotten_and_before_it_is_not
}

async fn a_revocation_is_here_at_once_and_on_another_replica_within_a_second(backend: Backend) {
    let (here, there) = (backend.open().await, backend.open().await);
    here.revoke("p", "grant").await.unwrap();
    assert!(here.is_revoked("p", "grant"));
    eventually(Duration::from_secs(1), "the other replica knows", async || there.is_revoked("p", "grant")).await;
    for store in [&here, &there] {
        assert!(!store.is_revoked("q", "grant") && !store.is_revoked("p", "other"));
    }
    there.revoke("p", "grant").await.unwrap();
}

async fn revocations_are_there_after_a_restart(backend: Backend) {
    let store = backend.open().await;
    // More than one page.
    join_all((0..40).map(|grant| store.revoke_many(grant))).await;
    drop(store);
    let store = backend.open().await;
    assert!((0..40 * PER_TASK).all(|grant| store.is_revoked("p", &grant.to_string())));
}

async fn many_revocations_of_two_replicas_all_arrive(backend: Backend) {
    let (here, there) = (backend.open().await, backend.open().await);
    join_all((0..8).map(|task| if task % 2 == 0 { here.revoke_many(task) } else { there.revoke_many(task) })).await;
    for store in [&here, &there] {
        eventually(Duration::from_secs(2), "all are known", async || {
            (0..8 * PER_TASK).all(|grant| store.is_revoked("p", &grant.to_string()))
        })
        .await;
    }
}

/// Revocations that one task makes, one after the other.
const PER_TASK: usize = 30;

trait RevokeMany {
    async fn revoke_many(&self, task: usize);
}

impl RevokeMany for portcullis_store::PluginKeyValue {
    async fn revoke_many(&self, task: usize) {
        for grant in task * PER_TASK..(task + 1) * PER_TASK {
            self.revoke("p", &grant.to_string()).await.unwrap();
        }
    }
}

async fn after_31_days_a_revocation_is_forgotten_and_before_it_is_not(backend: Backend) {
    let store = backend.open().await;
    store.revoke("p", "old").await.unwrap();
    store.revoke("p", "recent").await.unwrap();
    let day = 86_400_000_i64;
    assert_eq!(day * 31, 2_678_400_000);
    backend.execute("UPDATE plugin_revocations SET at = at - 2678460000 WHERE grant_name = 'old'").await;
    backend.execute("UPDATE plugin_revocations SET at = at - 2678340000 WHERE grant_name = 'recent'").await;
    let store = backend.open().await;
    eventually(Duration::from_secs(5), "the old one is forgotten", async || !store.is_revoked("p", "old")).await;
    assert!(store.is_revoked("p", "recent"));
    assert_eq!(backend.text("SELECT grant_name FROM plugin_revocations").await, "recent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_is_committed_late_is_not_overlooked() {
    let Some(backend) = Backend::postgres().await else { return eprintln!("{SKIPPED}") };
    let (here, there) = (backend.open().await, backend.open().await);
    let mut slow = backend.connection().await.unwrap();
    let begun =
        "BEGIN; INSERT INTO plugin_revocations (plugin, grant_name, at) VALUES ('p', 'slow', (SELECT ms FROM portcullis_clock))";
    sqlx::raw_sql(begun).execute(&mut slow).await.unwrap();
    let commit = async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        sqlx::raw_sql("COMMIT").execute(&mut slow).await.unwrap();
    };
    let (quick, ()) = tokio::join!(here.revoke("p", "quick"), commit);
    quick.unwrap();
    for grant in ["slow", "quick"] {
        eventually(Duration::from_secs(2), grant, async || there.is_revoked("p", grant)).await;
    }
}
