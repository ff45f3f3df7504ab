//! The official conformance suite against `portcullis serve` with the fixture plugin of `tests/conformance`. Every scenario counts, also
//! those that the suite runs without scoring them; what may fail is listed with its reason in `tests/conformance/expected-failures.yml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use portcullis_tests::foreign::Suite;
use portcullis_tests::host::Installation;
use serde_json::Value;

/// Scenario to its failed checks (id and message); an empty list passed.
type Results = BTreeMap<String, Vec<String>>;

#[test]
fn every_requirement_of_2025_11_25_is_met() {
    conform("2025-11-25", 33, 83);
}

#[test]
fn every_requirement_of_2026_07_28_is_met() {
    conform("2026-07-28", 50, 164);
}

/// `scenarios` and `checks` are those of the pinned suite: a suite that silently runs less proves less. Some checks come once per message,
/// so that more may pass.
fn conform(revision: &str, scenarios: usize, checks: usize) {
    let Some(suite) = Suite::find().unwrap() else {
        eprintln!(
            "skipped: the conformance suite needs npm (install Node.js), then run `cargo test --package portcullis-tests conformance`"
        );
        return;
    };
    let host = Installation::new(&[("portcullis-conformance", "tests/conformance")], None).unwrap().serve().unwrap();
    let output = tempfile::tempdir().unwrap();
    let mut command = suite.command();
    command.args(["server", "--url", host.url(), "--requirements", revision, "--output-dir"]).arg(output.path());
    let said = command.output().unwrap();

    let (results, passed) = read(output.path());
    let failed: usize = results.values().map(Vec::len).sum();
    println!("{revision}: {} scenarios, {passed} checks passed, {failed} failed", results.len());
    let said = String::from_utf8_lossy(&said.stdout);
    assert_eq!(results.len(), scenarios, "the suite ran other scenarios:\n{said}");
    assert!(passed >= checks, "{passed} checks passed, {checks} did before:\n{said}");
    let expected = expected(revision);
    let surprises: Vec<_> = results.iter().filter(|(name, checks)| !checks.is_empty() && !expected.contains(*name)).collect();
    assert!(surprises.is_empty(), "{surprises:#?}\n{}", host.log());
    let stale: Vec<_> = expected.iter().filter(|name| results.get(*name).is_none_or(Vec::is_empty)).collect();
    assert!(stale.is_empty(), "listed as expected failures, and they do not fail: {stale:?}");
}

/// The suite writes a folder per scenario, `server-NAME-TIME`, with `checks.json`.
fn read(folder: &Path) -> (Results, usize) {
    let (mut results, mut passed) = (Results::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(entry.path().join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_str(&text).unwrap();
        let with = |status: &'static str| checks.iter().filter(move |check| check["status"] == status);
        passed += with("SUCCESS").count();
        let failed = with("FAILURE").map(|check| format!("{}: {}", check["id"], check["errorMessage"])).collect();
        results.insert(scenario(&entry.file_name().to_string_lossy()), failed);
    }
    (results, passed)
}

/// The name between `server-` and the time, which has 25 characters with its hyphen.
fn scenario(folder: &str) -> String {
    let name = folder.strip_prefix("server-").unwrap();
    name[..name.len() - "-2026-07-28T00-00-00-000Z".len()].to_owned()
}

/// The scenarios that may fail, by revision: lines `- name` under `"revision":`.
fn expected(revision: &str) -> BTreeSet<String> {
    let text = include_str!("../conformance/expected-failures.yml");
    let block = text.lines().skip_while(|line| line.trim_end_matches(':').trim_matches('"') != revision).skip(1);
    let names = block.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    names
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(|name| name.split(" #").next().unwrap_or(name).trim().to_owned())
        .collect()
}
