//! `cargo xtask test`: everything that CI asks, in an order in which each step reuses what the one before it built. All steps run;
//! the last lines say which failed.

use std::path::PathBuf;

use anyhow::Result;

use crate::step::{self, Report, Verdict};
use crate::{checks, demo, plugins, setup, tree};

/// Runs all steps.
pub(crate) fn run() -> Result<()> {
    setup::run()?;
    let mut report = Report::default();
    report.step("format", checks::format);
    report.step("lints", checks::lints);
    report.step("dependency rules", checks::dependencies);
    report.step("documentation", checks::documentation);
    report.step("build", build);
    report.step("plugins", plugins::verdict);
    report.step("tests", tests);
    report.step("documentation examples", examples);
    report.step("demo", demo);
    report.step("real Kubernetes API server", real_api_server);
    report.step("PostgreSQL", || Ok(postgres(&database_folders())));
    report.step("conformance suite, identity provider", || needed("npm", "install Node.js, which brings npm"));
    report.step("Python client", || needed("python3", "install python3 with venv"));
    report.step("system calls per call", || needed("strace", "`apt-get install strace`"));
    report.finish()
}

/// Whether tests run under nextest: one process each, so that a count of memory or file handles is that test's own.
fn nextest() -> bool {
    tree::installed("cargo-nextest", &["nextest", "--version"])
}

/// All test binaries and the programs that they start.
fn build() -> Result<Verdict> {
    step::all([tree::cargo(["test", "--workspace", "--locked", "--no-run", "--quiet"])])
}

fn tests() -> Result<Verdict> {
    let runner: &[&str] = if nextest() { &["nextest", "run", "--no-fail-fast"] } else { &["test", "--no-fail-fast", "--tests"] };
    let mut command = tree::cargo(runner.iter().copied().chain(["--workspace", "--locked"]));
    // The tests start what was just built instead of building it again.
    command.env("PORTCULLIS_BIN", tree::program("portcullis"));
    step::all([command])
}

/// Nextest has no documentation tests; both ways run them here.
fn examples() -> Result<Verdict> {
    step::all([tree::cargo(["test", "--workspace", "--locked", "--doc", "--quiet"])])
}

/// The scripted session, with the programs and plugins that the steps before have built.
fn demo() -> Result<Verdict> {
    demo::run(&demo::Options::for_ci()).map(|()| Verdict::Passed)
}

/// Tests that need a program say themselves that they were skipped without it; this step says it where it is seen.
fn needed(program: &str, how: &str) -> Result<Verdict> {
    let found = tree::installed(program, &["--version"]);
    Ok(if found { Verdict::Passed } else { Verdict::Skipped(format!("`{program}` is not there: {how}")) })
}

/// The same for a folder of programs.
fn real_api_server() -> Result<Verdict> {
    if std::env::var_os("KUBEBUILDER_ASSETS").is_some() {
        return Ok(Verdict::Passed);
    }
    Ok(Verdict::Skipped(
        "KUBEBUILDER_ASSETS names no folder with kube-apiserver and etcd: `export KUBEBUILDER_ASSETS=$(setup-envtest use -p path)`"
            .into(),
    ))
}

/// Where the store's tests look for PostgreSQL's programs: the path, and where Debian puts them.
fn database_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path).chain(debian.map(|version| version.path().join("bin"))).collect()
}

/// Both programs in one of these folders: `initdb` makes the database that `postgres` serves.
fn postgres(folders: &[PathBuf]) -> Verdict {
    let there = |folder: &PathBuf| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file());
    if folders.iter().any(there) {
        return Verdict::Passed;
    }
    Verdict::Skipped("`initdb` and `postgres` are not there: `apt-get install postgresql`".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_a_step_that_was_skipped() {
        assert_eq!(needed("cargo", "").unwrap(), Verdict::Passed);
        let Verdict::Skipped(why) = needed("no-such-program", "install it").unwrap() else { panic!("not skipped") };
        assert_eq!(why, "`no-such-program` is not there: install it");
    }

    #[test]
    fn a_database_needs_both_of_its_programs_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut folders = vec![folder.path().join("one"), folder.path().join("two")];
        for (folder, program) in folders.iter().zip(["initdb", "postgres"]) {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(program), "").unwrap();
        }
        assert!(matches!(postgres(&folders), Verdict::Skipped(_)));
        std::fs::write(folders[1].join("initdb"), "").unwrap();
        assert_eq!(postgres(&folders), Verdict::Passed);
        folders.clear();
        assert!(matches!(postgres(&folders), Verdict::Skipped(_)));
    }
}
