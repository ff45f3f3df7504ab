//! `cargo xtask setup`: the compilation target of guests. rust-toolchain.toml names it, so that rustup usually has it already.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{step, tree};

/// Adds the target if it is missing.
pub(crate) fn run() -> Result<()> {
    if has_target()? {
        return Ok(());
    }
    if !tree::installed("rustup", &["--version"]) {
        bail!(
            "the Rust target {} is missing and rustup is not installed: install it with your Rust distribution",
            tree::GUEST_TARGET
        );
    }
    step::run(Command::new("rustup").args(["target", "add", tree::GUEST_TARGET]).current_dir(tree::root()))
}

/// The compiler has the target if its standard library lies in the sysroot.
fn has_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", tree::GUEST_TARGET])
        .current_dir(tree::root())
        .output()
        .context("could not start `rustc`: install Rust with rustup")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && std::path::Path::new(folder.trim()).is_dir())
}
