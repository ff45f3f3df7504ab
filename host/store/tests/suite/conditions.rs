//! Reads, writes and their conditions; of many who compete over two replicas, one wins.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::keyvalue::{When, Write};
use portcullis_core::ports::PluginStore as _;
use portcullis_store::PluginKeyValue;

use crate::backend::{Backend, eventually, write};
use crate::server::SKIPPED;

/// Who competes, on two replicas in turn.
const RIVALS: usize = 16;

/// Rounds of each competition: one would often be over before the second rival begins.
const ROUNDS: usize = 10;

crate::on_both! {
    a_value_comes_back_until_it_is_taken
    versions_grow_even_after_a_deletion
    a_condition_that_does_not_hold_changes_nothing
    of_many_takers_one_gets_the_value
    of_many_who_set_if_absent_one_does
    of_many_who_swap_one_does
    an_entry_outlives_the_process
    what_expired_is_absent_at_once_and_swept_later
    plugins_do_not_see_each_other
    a_caller_who_leaves_does_no_harm
}

async fn version(store: &PluginKeyValue, key: &str) -> u64 {
    store.get("p", key).await.unwrap().unwrap().version
}

async fn a_value_comes_back_until_it_is_taken(backend: Backend) {
    let store = backend.open().await;
    assert!(store.get("p", "k").await.unwrap().is_none());
    assert!(store.put("p", "k", write(b"\0one\xff", When::Always)).await.unwrap());
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"\0one\xff");
    assert_eq!(store.take("p", "k").await.unwrap().unwrap().value, b"\0one\xff");
    assert!(store.take("p", "k").await.unwrap().is_none());
    assert!(store.get("p", "k").await.unwrap().is_none());
}

async fn versions_grow_even_after_a_deletion(backend: Backend) {
    let store = backend.open().await;
    let mut last = 0;
    for round in 0..6 {
        let when = if round == 3 { When::Version(last) } else { When::Always };
        assert!(store.put("p", "k", write(b"v", when)).await.unwrap());
        let now = version(&store, "k").await;
        assert!(now > last, "{now} after {last}");
        last = now;
        if round % 2 == 1 {
            assert_eq!(store.take("p", "k").await.unwrap().unwrap().version, last);
            store.put("p", "k", write(b"v", When::Absent)).await.unwrap();
            assert!(version(&store, "k").await > last);
            last = version(&store, "k").await;
        }
    }
}

async fn a_condition_that_does_not_hold_changes_nothing(backend: Backend) {
    let store = backend.open().await;
    assert!(!store.put("p", "k", write(b"no", When::Version(1))).await.unwrap());
    assert!(store.put("p", "k", write(b"first", When::Absent)).await.unwrap());
    let first = store.get("p", "k").await.unwrap();
    let version = first.as_ref().unwrap().version;
    for when in [When::Absent, When::Version(version + 1), When::Version(0), When::Version(u64::MAX)] {
        assert!(!store.put("p", "k", write(b"no", when)).await.unwrap(), "{when:?}");
    }
    assert_eq!(store.get("p", "k").await.unwrap(), first);
}

/// Two replicas, and `what` for each rival; how many won.
async fn rivals(stores: &[Arc<PluginKeyValue>; 2], what: impl AsyncFn(&PluginKeyValue, usize) -> bool) -> usize {
    let answers = join_all((0..RIVALS).map(|rival| what(&stores[rival % 2], rival))).await;
    answers.into_iter().filter(|won| *won).count()
}

async fn of_many_takers_one_gets_the_value(backend: Backend) {
    let stores = [backend.open().await, backend.open().await];
    for round in 0..ROUNDS {
        stores[0].put("p", "code", write(b"v", When::Always)).await.unwrap();
        let winners = rivals(&stores, async |store, _| store.take("p", "code").await.unwrap().is_some()).await;
        assert_eq!(winners, 1, "round {round}");
    }
}

async fn of_many_who_set_if_absent_one_does(backend: Backend) {
    let stores = [backend.open().await, backend.open().await];
    for round in 0..ROUNDS {
        let key = format!("lock{round}");
        let winners = rivals(&stores, async |store, rival| {
            store.put("p", &key, write(&[u8::try_from(rival).unwrap()], When::Absent)).await.unwrap()
        });
        assert_eq!(winners.await, 1, "round {round}");
    }
}

async fn of_many_who_swap_one_does(backend: Backend) {
    let stores = [backend.open().await, backend.open().await];
    stores[0].put("p", "k", write(b"v", When::Always)).await.unwrap();
    for round in 0..ROUNDS {
        let seen = version(&stores[1], "k").await;
        let winners =
            rivals(&stores, async |store, _| store.put("p", "k", write(b"w", When::Version(seen))).await.unwrap()).await;
        assert_eq!(winners, 1, "round {round}");
    }
}

async fn an_entry_outlives_the_process(backend: Backend) {
    let store = backend.open().await;
    store.put("p", "k", write(b"kept", When::Always)).await.unwrap();
    let before = version(&store, "k").await;
    drop(store);
    let store = backend.open().await;
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"kept");
    store.put("p", "k", write(b"kept", When::Always)).await.unwrap();
    assert!(version(&store, "k").await > before);
}

async fn what_expired_is_absent_at_once_and_swept_later(backend: Backend) {
    let store = backend.open().await;
    let brief = |when| Write { value: b"v".to_vec(), ttl: Some(Duration::from_millis(300)), when };
    let long = |when| Write { value: b"v".to_vec(), ttl: Some(Duration::MAX), when };
    for key in ["got", "taken", "set", "swapped", "left"] {
        assert!(store.put("p", key, brief(When::Absent)).await.unwrap());
    }
    assert!(store.put("p", "long", long(When::Always)).await.unwrap());
    assert!(!store.put("p", "set", brief(When::Absent)).await.unwrap());
    let seen = version(&store, "swapped").await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert!(store.get("p", "got").await.unwrap().is_none());
    assert!(store.take("p", "taken").await.unwrap().is_none());
    assert!(!store.put("p", "swapped", long(When::Version(seen))).await.unwrap());
    assert!(store.put("p", "set", long(When::Absent)).await.unwrap());
    let _sweeps_at_once = backend.open().await;
    eventually(Duration::from_secs(5), "expired rows are deleted", async || {
        backend.text("SELECT CAST(count(*) AS TEXT) FROM plugin_entries").await == "2"
    })
    .await;
    assert!(store.get("p", "set").await.unwrap().is_some() && store.get("p", "long").await.unwrap().is_some());
}

async fn plugins_do_not_see_each_other(backend: Backend) {
    let store = backend.open().await;
    store.put("p", "k", write(b"mine", When::Always)).await.unwrap();
    assert!(store.get("q", "k").await.unwrap().is_none());
    assert!(store.take("q", "k").await.unwrap().is_none());
    assert!(store.put("q", "k", write(b"theirs", When::Absent)).await.unwrap());
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"mine");
}

async fn a_caller_who_leaves_does_no_harm(backend: Backend) {
    let store = backend.open().await;
    store.put("p", "k", write(b"v", When::Always)).await.unwrap();
    for patience in 0..40 {
        let _ = tokio::time::timeout(Duration::from_micros(patience * 50), store.get("p", "k")).await;
        let _ = tokio::time::timeout(Duration::from_micros(patience * 50), store.take("p", "gone")).await;
    }
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"v");
    assert!(store.put("p", "k", write(b"w", When::Always)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_spares_an_entry_that_is_written_again_meanwhile() {
    let Some(backend) = Backend::postgres().await else { return eprintln!("{SKIPPED}") };
    let store = backend.open().await;
    store.put("p", "k", write(b"v", When::Always)).await.unwrap();
    store.put("p", "other", write(b"v", When::Always)).await.unwrap();
    drop(store);
    assert_eq!(backend.execute("UPDATE plugin_entries SET expires_at = 0").await, 2);
    let mut writer = backend.connection().await.unwrap();
    sqlx::raw_sql("BEGIN; UPDATE plugin_entries SET expires_at = NULL WHERE key = 'k'").execute(&mut writer).await.unwrap();
    let store = backend.open().await;
    let waiting =
        "SELECT CAST(count(*) AS TEXT) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(Duration::from_secs(4), "the sweep waits for the row", async || backend.text(waiting).await == "1").await;
    sqlx::raw_sql("COMMIT").execute(&mut writer).await.unwrap();
    eventually(Duration::from_secs(4), "the sweep is over", async || {
        backend.text("SELECT CAST(count(*) AS TEXT) FROM plugin_entries WHERE key = 'other'").await == "0"
    })
    .await;
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, b"v");
}
