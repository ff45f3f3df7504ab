//! Sizes and the quota: what is over is refused, and nothing else.

use std::time::Duration;

use portcullis_core::keyvalue::{ENTRIES_MAX, GRANT_MAX, KEY_MAX, KeyValueError, REVOCATIONS_MAX, VALUE_MAX, When};
use portcullis_core::ports::PluginStore as _;

use crate::backend::{Backend, eventually, write};

crate::on_both! {
    keys_and_values_have_a_size
    no_name_holds_a_nul
    a_plugin_keeps_so_many_entries_and_no_more
    a_revocation_is_never_refused_and_of_too_many_the_oldest_are_forgotten
}

async fn keys_and_values_have_a_size(backend: Backend) {
    let store = backend.open().await;
    let (key, value, grant) = ("k".repeat(KEY_MAX), vec![7; VALUE_MAX], "g".repeat(GRANT_MAX));
    assert!(store.put("p", &key, write(&value, When::Always)).await.unwrap());
    assert_eq!(store.get("p", &key).await.unwrap().unwrap().value, value);
    store.revoke("p", &grant).await.unwrap();
    for key in [format!("{key}k"), String::new()] {
        assert!(matches!(store.put("p", &key, write(b"", When::Always)).await, Err(KeyValueError::TooLarge)));
        assert!(matches!(store.get("p", &key).await, Err(KeyValueError::TooLarge)));
        assert!(matches!(store.take("p", &key).await, Err(KeyValueError::TooLarge)));
    }
    let long = vec![7; VALUE_MAX + 1];
    assert!(matches!(store.put("p", "k", write(&long, When::Always)).await, Err(KeyValueError::TooLarge)));
    for grant in [format!("{grant}g"), String::new()] {
        assert!(matches!(store.revoke("p", &grant).await, Err(KeyValueError::TooLarge)));
    }
}

async fn no_name_holds_a_nul(backend: Backend) {
    let store = backend.open().await;
    assert!(matches!(store.put("p", "a\0b", write(b"", When::Always)).await, Err(KeyValueError::Internal(_))));
    assert!(matches!(store.revoke("p", "a\0b").await, Err(KeyValueError::Internal(_))));
}

async fn a_plugin_keeps_so_many_entries_and_no_more(backend: Backend) {
    let store = backend.open().await;
    store.put("p", "first", write(b"v", When::Always)).await.unwrap();
    let filled = backend
        .execute(
            "INSERT INTO plugin_entries (plugin, key, value, key_id, version) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) \
             SELECT 'p', 'k' || i, f.value, f.key_id, i FROM n, (SELECT value, key_id FROM plugin_entries) AS f",
        )
        .await;
    assert_eq!(filled + 1, ENTRIES_MAX);
    for when in [When::Always, When::Absent] {
        assert!(matches!(store.put("p", "one-more", write(b"", when)).await, Err(KeyValueError::Quota)), "{when:?}");
        assert!(store.put("q", &format!("other {when:?}"), write(b"", when)).await.unwrap(), "{when:?}");
    }
    assert!(store.put("p", "first", write(b"w", When::Always)).await.unwrap());
    assert!(!store.put("p", "first", write(b"w", When::Absent)).await.unwrap());
    let version = store.get("p", "first").await.unwrap().unwrap().version;
    assert!(store.put("p", "first", write(b"x", When::Version(version))).await.unwrap());
    store.take("p", "first").await.unwrap();
    assert!(store.put("p", "one-more", write(b"", When::Absent)).await.unwrap());
}

async fn a_revocation_is_never_refused_and_of_too_many_the_oldest_are_forgotten(backend: Backend) {
    let store = backend.open().await;
    if matches!(backend, Backend::Postgres { .. }) {
        backend.execute("ALTER TABLE plugin_revocations DISABLE TRIGGER plugin_revocations_numbered").await;
    }
    let filled = backend
        .execute(
            "INSERT INTO plugin_revocations (seq, plugin, grant_name, at) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
             SELECT i, 'p', 'g' || i, (SELECT ms FROM portcullis_clock) FROM n",
        )
        .await;
    assert_eq!(filled, REVOCATIONS_MAX as u64);
    if matches!(backend, Backend::Postgres { .. }) {
        backend.execute("UPDATE plugin_revocation_count SET last = 100000").await;
        backend.execute("ALTER TABLE plugin_revocations ENABLE TRIGGER plugin_revocations_numbered").await;
    }
    store.revoke("q", "other").await.unwrap();
    store.revoke("p", "one-more").await.unwrap();
    assert!(store.is_revoked("p", "one-more"));
    // Opening sweeps at once.
    let store = backend.open().await;
    eventually(Duration::from_secs(20), "the oldest is forgotten", async || {
        backend.text("SELECT count(*) || '' FROM plugin_revocations WHERE grant_name = 'g1'").await == "0"
    })
    .await;
    assert_eq!(backend.text("SELECT count(*) || '' FROM plugin_revocations").await, "100001");
    assert!(store.is_revoked("p", "one-more") && store.is_revoked("p", "g100000") && store.is_revoked("q", "other"));
}
