//! `cargo xtask bench`: the speed measurements. Nothing here is a test: a machine that is busy makes them slower, not wrong.

use anyhow::Result;

use crate::{setup, step, tree};

/// The criterion benches of every crate that has some.
pub(crate) fn run() -> Result<()> {
    setup::run()?;
    step::run(&mut tree::cargo(["bench", "--workspace", "--locked", "--benches"]))
}
