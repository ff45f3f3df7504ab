//! `cargo xtask plugins`: the plugins of this tree as components, each with its plugin.yaml embedded, in `target/plugins`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::step::{self, Verdict};
use crate::{setup, tree};

/// The plugins that ship, by folder.
const PLUGINS: [&str; 1] = ["plugins/cnpg"];

/// Builds the host (its `plugin build` does the embedding) and then every plugin. Answers with the folder.
pub(crate) fn run() -> Result<PathBuf> {
    setup::run()?;
    step::run(&mut tree::cargo(["build", "--locked", "--package", "portcullis"]))?;
    build()
}

/// Builds every plugin with the host that already stands.
pub(crate) fn build() -> Result<PathBuf> {
    let folder = tree::target().join("plugins");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    for plugin in PLUGINS {
        let name = plugin.rsplit('/').next().unwrap_or(plugin);
        let mut command = Command::new(tree::program("portcullis"));
        command.args(["plugin", "build", plugin, "--out"]).arg(folder.join(format!("{name}.wasm")));
        step::run(command.current_dir(tree::root()))?;
    }
    Ok(folder)
}

/// The same as a step of `test`.
pub(crate) fn verdict() -> Result<Verdict> {
    build().map(|_| Verdict::Passed)
}
