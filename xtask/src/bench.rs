//! `cargo xtask bench`: the speed measurements. Nothing here is a test: a machine that is busy makes them slower, not wrong.

use anyhow::Result;

use crate::{setup, step, tree};

/// Whose release builds are needed. Every command names all of them, so that cargo builds their dependencies once.
const PACKAGES: [&str; 6] = ["--package", "portcullis", "--package", "portcullis-sandbox", "--package", "portcullis-tests"];

/// The call in the sandbox by itself, then the whole host as a process.
pub(crate) fn run() -> Result<()> {
    setup::run()?;
    step::run(tree::cargo(["build", "--locked", "--release", "--bin", "portcullis"]).args(PACKAGES))?;
    let mut benches = tree::cargo(["bench", "--locked", "--bench", "call", "--bench", "host"]);
    step::run(benches.args(PACKAGES).env("PORTCULLIS_BIN", tree::release("portcullis")))
}
