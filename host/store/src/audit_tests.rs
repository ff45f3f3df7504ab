//! Tests of the trail's file: reopening, crashes, other writers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use super::{AuditLog, OpenError};
use crate::verify;
use portcullis_core::audit::{AuditOutcome, AuditRecord};
use portcullis_core::plugin::Digest;
use portcullis_core::ports::AuditSink as _;
use std::io::Write as _;
use std::time::Duration;

/// A record about a tool.
pub(crate) fn record(tool: &str) -> AuditRecord {
    AuditRecord {
        request_id: "r-1".into(),
        principal: "jane@idp".into(),
        action: "tools/call".into(),
        plugin: Some("cnpg".into()),
        digest: Some(Digest::of(b"abc")),
        target: tool.into(),
        outcome: AuditOutcome::Completed,
        policies: vec!["token:ci".into()],
        duration: Duration::from_micros(1500),
    }
}

fn append(path: &std::path::Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn reopening_continues_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for tool in ["a", "b", "c"] {
        AuditLog::open(&path).unwrap().record(&record(tool)).unwrap();
    }
    assert_eq!(verify(&path).unwrap().records, 3);
}

#[test]
fn records_of_many_threads_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|number| log.record(&record(&format!("t{number}"))).unwrap()));
        }
    });
    assert_eq!(verify(&path).unwrap().records, 400);
}

#[test]
fn a_torn_last_line_is_reported_kept_aside_and_left_out_of_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    AuditLog::open(&path).unwrap().record(&record("a")).unwrap();
    append(&path, b"{\"seq\":2,\"ti");
    assert!(verify(&path).is_err());
    let log = AuditLog::open(&path).unwrap();
    assert_eq!(log.torn(), 12);
    log.record(&record("b")).unwrap();
    assert_eq!(verify(&path).unwrap().records, 2);
    assert_eq!(std::fs::read_to_string(folder.path().join("audit.jsonl.torn")).unwrap(), "{\"seq\":2,\"ti\n");
}

#[test]
fn a_trail_whose_last_line_was_changed_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    AuditLog::open(&path).unwrap().record(&record("a")).unwrap();
    let changed = std::fs::read_to_string(&path).unwrap().replace("jane", "john");
    std::fs::write(&path, changed).unwrap();
    let error = AuditLog::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Broken { .. }) && error.to_string().contains("audit verify"), "{error}");
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let _first = AuditLog::open(&path).unwrap();
    assert!(matches!(AuditLog::open(&path), Err(OpenError::InUse(_))));
}

#[test]
fn a_trail_that_someone_changes_while_it_is_open_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    log.record(&record("a")).unwrap();
    append(&path, b"x");
    assert!(log.record(&record("b")).unwrap_err().to_string().contains("someone else changed it"));
}

#[test]
fn while_the_trail_cannot_be_written_nothing_may_run_and_no_record_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    log.ready().unwrap();
    log.record(&record("a")).unwrap();
    let whole = std::fs::metadata(&path).unwrap().len();
    append(&path, b"x");
    log.ready().unwrap_err();
    log.record(&record("b")).unwrap_err();
    log.record(&record("c")).unwrap_err();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(whole).unwrap();
    log.ready().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let targets: Vec<&str> = ["a", "b", "c"].into_iter().filter(|it| text.contains(&format!("\"target\":\"{it}\""))).collect();
    assert_eq!((verify(&path).unwrap().records, targets), (3, vec!["a", "b", "c"]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_trail_that_is_ready_has_its_blocks_already() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    log.ready().unwrap();
    log.record(&record("a")).unwrap();
    let found = std::fs::metadata(&path).unwrap();
    assert!(found.blocks() * 512 >= 1 << 20 && found.len() < 4096, "{} blocks, {} bytes", found.blocks(), found.len());
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it_even_if_it_was_there_before() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(AuditLog::open(&path).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_missing_folder_is_named_with_the_setting() {
    let error = AuditLog::open("/nonexistent/folder/audit.jsonl".as_ref()).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/folder/audit.jsonl") && error.contains("`audit`"), "{error}");
}
