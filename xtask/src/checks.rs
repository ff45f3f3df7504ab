//! The checks that run no code of ours: format, lints, dependency rules, documentation.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::step::{self, Verdict};
use crate::tree;

/// `cargo fmt --check`.
pub(crate) fn format() -> Result<Verdict> {
    step::all([tree::cargo(["fmt", "--all", "--check"])])
}

/// Clippy over everything; it type-checks, so that no separate `cargo check` is needed.
pub(crate) fn lints() -> Result<Verdict> {
    step::all([tree::cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])])
}

/// The cargo-deny that `.deny.toml` is written for: its configuration changes between releases.
const DENY: &str = "0.20.2";

/// cargo-deny without advisories, which need a network. The fence of host/README.md (who may depend on wasmtime, rmcp, kube, …) is here.
pub(crate) fn dependencies() -> Result<Verdict> {
    let Some(program) = deny() else {
        return Ok(Verdict::Skipped(format!("cargo-deny could not be installed: cargo install cargo-deny@{DENY} --locked")));
    };
    let mut command = Command::new(program);
    command.args(["--locked", "--config", ".deny.toml", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    command.current_dir(tree::root());
    step::all([command])
}

/// The one on the path if it is the right one, else a private one. Unoptimised and without what needs a network, it is built in a minute.
fn deny() -> Option<PathBuf> {
    let tools = tree::target().join("tools");
    let private = tools.join("bin/cargo-deny");
    if let Some(found) = ["cargo-deny".into(), private.clone()].into_iter().find(is_right) {
        return Some(found);
    }
    let mut install = tree::cargo(["install", "cargo-deny", "--version", DENY, "--locked", "--debug", "--no-default-features"]);
    install.arg("--quiet").arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("build"));
    step::run(&mut install).is_ok().then_some(private)
}

fn is_right(program: &PathBuf) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim_end().ends_with(DENY))
}

/// Our own crates' documentation; a broken link is an error.
pub(crate) fn documentation() -> Result<Verdict> {
    let mut command = tree::cargo(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    step::all([command])
}
