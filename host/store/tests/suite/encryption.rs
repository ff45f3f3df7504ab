//! What lies on the disk says nothing without the master key, and opens only where it was put.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use portcullis_core::keyvalue::{KeyValueError, When};
use portcullis_core::ports::PluginStore as _;

use crate::backend::{Backend, write};

crate::on_both! {
    the_disk_holds_keys_and_no_values
    a_row_that_was_moved_or_changed_does_not_open
    a_value_without_its_key_is_a_fault_and_not_absent
    a_write_moves_a_value_to_the_first_key
}

const PLAIN: &[u8] = b"upstream-refresh-token-in-plain-text";

/// Files below the folder that contain the bytes.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, text, found);
        } else if fs::read(&path).is_ok_and(|content| String::from_utf8_lossy(&content).contains(text)) {
            found.push(path.display().to_string());
        }
    }
}

async fn the_disk_holds_keys_and_no_values(backend: Backend) {
    let store = backend.open().await;
    store.put("p", "a-lookup-key", write(PLAIN, When::Always)).await.unwrap();
    let folder = match &backend {
        Backend::Sqlite(folder) => folder.path().to_owned(),
        Backend::Postgres { server, .. } => {
            backend.execute("CHECKPOINT").await;
            server.folder.clone()
        }
    };
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    holding(&folder, "a-lookup-key", &mut keys);
    holding(&folder, std::str::from_utf8(PLAIN).unwrap(), &mut values);
    assert!(!keys.is_empty(), "the search finds what is there");
    assert!(values.is_empty(), "{values:?}");
}

fn fault<T: std::fmt::Debug>(answer: Result<T, KeyValueError>) -> String {
    match answer {
        Err(KeyValueError::Internal(why)) => why,
        other => panic!("no fault: {other:?}"),
    }
}

async fn a_row_that_was_moved_or_changed_does_not_open(backend: Backend) {
    let store = backend.open().await;
    for key in ["moved", "passed-on", "rolled"] {
        store.put("p", key, write(PLAIN, When::Always)).await.unwrap();
    }
    assert_eq!(backend.execute("UPDATE plugin_entries SET key = 'elsewhere' WHERE key = 'moved'").await, 1);
    assert_eq!(backend.execute("UPDATE plugin_entries SET plugin = 'q' WHERE key = 'passed-on'").await, 1);
    backend
        .execute(
            "UPDATE plugin_entries SET value = (SELECT value FROM plugin_entries WHERE key = 'elsewhere') WHERE key = 'rolled'",
        )
        .await;
    for (plugin, key) in [("p", "elsewhere"), ("q", "passed-on"), ("p", "rolled")] {
        assert!(fault(store.get(plugin, key).await).contains("`2026`"));
        assert!(fault(store.take(plugin, key).await).contains("`2026`"));
    }
}

async fn a_value_without_its_key_is_a_fault_and_not_absent(backend: Backend) {
    backend.open_with(&["old"]).await.put("p", "k", write(PLAIN, When::Always)).await.unwrap();
    let store = backend.open_with(&["new"]).await;
    assert!(fault(store.get("p", "k").await).contains("`old`"));
    assert!(fault(store.take("p", "k").await).contains("`old`"));
    assert!(!store.put("p", "k", write(b"v", When::Absent)).await.unwrap());
    let store = backend.open_with(&["new", "old"]).await;
    assert_eq!(store.take("p", "k").await.unwrap().unwrap().value, PLAIN);
}

async fn a_write_moves_a_value_to_the_first_key(backend: Backend) {
    backend.open_with(&["old"]).await.put("p", "k", write(PLAIN, When::Always)).await.unwrap();
    let store = backend.open_with(&["new", "old"]).await;
    let version = store.get("p", "k").await.unwrap().unwrap().version;
    assert_eq!(backend.text("SELECT key_id FROM plugin_entries").await, "old");
    assert!(store.put("p", "k", write(PLAIN, When::Version(version))).await.unwrap());
    assert_eq!(backend.text("SELECT key_id FROM plugin_entries").await, "new");
    let store = backend.open_with(&["new"]).await;
    assert_eq!(store.get("p", "k").await.unwrap().unwrap().value, PLAIN);
}

#[tokio::test]
async fn the_files_of_sqlite_are_their_owners_only_though_one_was_not() {
    let backend = Backend::sqlite();
    fs::write(backend.file(), "").unwrap();
    fs::set_permissions(backend.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let store = backend.open().await;
    store.put("p", "k", write(b"v", When::Always)).await.unwrap();
    let modes: Vec<_> = fs::read_dir(backend.file().parent().unwrap())
        .unwrap()
        .flatten()
        .map(|file| (file.file_name(), file.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    assert_eq!(modes.len(), 3, "{modes:?}");
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}
