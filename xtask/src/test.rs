//! `cargo xtask test`: everything that CI asks, in an order in which each step reuses what the one before it built. All steps run;
//! the last lines say which failed.

use anyhow::Result;

use crate::step::{self, Report, Verdict};
use crate::{checks, plugins, setup, tree};

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
    report.step("real Kubernetes API server", real_api_server);
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

/// The tests say themselves that they were skipped; this line says it where it is seen.
fn real_api_server() -> Result<Verdict> {
    if std::env::var_os("KUBEBUILDER_ASSETS").is_some() {
        return Ok(Verdict::Passed);
    }
    Ok(Verdict::Skipped(
        "KUBEBUILDER_ASSETS names no folder with kube-apiserver and etcd: `export KUBEBUILDER_ASSETS=$(setup-envtest use -p path)`"
            .into(),
    ))
}
