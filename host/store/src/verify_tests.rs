//! Tests of the proof: what someone could do to the file, done.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use super::{Broken, Verified, verify, verify_since};
use crate::audit::tests::record;
use crate::{AuditLog, chain};
use portcullis_core::ports::AuditSink as _;
use std::path::PathBuf;

/// A trail of `count` records and the folder that holds it.
fn trail(count: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    for number in 0..count {
        log.record(&record(&format!("tool-{number}"))).unwrap();
    }
    (folder, path)
}

/// The proof after the lines were changed.
fn after(count: usize, change: impl FnOnce(&mut Vec<String>)) -> Result<Verified, Broken> {
    let (_folder, path) = trail(count);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    std::fs::write(&path, lines.concat()).unwrap();
    verify(&path)
}

#[test]
fn an_untouched_trail_holds() {
    let verified = after(5, |_| {}).unwrap();
    assert_eq!((verified.records, verified.last.len()), (5, 64));
    assert_eq!(after(0, |_| {}).unwrap(), Verified { records: 0, last: chain::GENESIS.to_owned() });
}

#[test]
fn a_changed_record_is_found() {
    let broken = after(5, |lines| lines[2] = lines[2].replace("jane", "john")).unwrap_err();
    assert!(broken.line == 3 && broken.why.contains("changed"), "{broken}");
}

#[test]
fn a_changed_record_with_a_fresh_hash_is_found_at_the_next_line() {
    let (_folder, path) = trail(2);
    let forged = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    let broken = after(5, |lines| lines[0] = format!("{forged}\n")).unwrap_err();
    assert!(broken.line == 2 && broken.why.contains("replaced"), "{broken}");
}

#[test]
fn a_removed_record_is_found() {
    assert_eq!(after(5, |lines| drop(lines.remove(0))).unwrap_err().line, 1);
    assert_eq!(after(5, |lines| drop(lines.remove(2))).unwrap_err().line, 3);
}

#[test]
fn records_that_changed_places_are_found() {
    assert_eq!(after(5, |lines| lines.swap(1, 3)).unwrap_err().line, 2);
}

#[test]
fn a_repeated_record_is_found() {
    assert_eq!(after(3, |lines| lines.push(lines[2].clone())).unwrap_err().line, 4);
}

#[test]
fn a_line_cut_in_two_is_found() {
    let broken = after(3, |lines| lines[2].truncate(40)).unwrap_err();
    assert!(broken.line == 3 && broken.why.contains("not written to its end"), "{broken}");
}

#[test]
fn an_end_that_was_cut_off_at_a_line_is_found_with_an_anchor() {
    let (_folder, path) = trail(5);
    let anchor = verify(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let cut: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, cut).unwrap();
    assert_eq!(verify(&path).unwrap().records, 3);
    let broken = verify_since(&path, &anchor).unwrap_err();
    assert!(broken.line == 4 && broken.why.contains("cut off"), "{broken}");
}

#[test]
fn a_trail_that_was_written_anew_is_found_with_an_anchor_and_one_that_grew_holds() {
    let (_folder, path) = trail(3);
    let anchor = verify(&path).unwrap();
    AuditLog::open(&path).unwrap().record(&record("more")).unwrap();
    assert_eq!(verify_since(&path, &anchor).unwrap().records, 4);
    let (_other, anew) = trail(4);
    assert!(verify(&anew).is_ok());
    assert!(verify_since(&anew, &anchor).unwrap_err().why.contains("anew"));
}

#[test]
fn a_missing_file_is_named() {
    let broken = verify("/nonexistent/audit.jsonl".as_ref()).unwrap_err();
    assert!(broken.line == 0 && broken.why.contains("/nonexistent/audit.jsonl"), "{broken}");
}
