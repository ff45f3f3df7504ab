//! `cargo xtask plugins`: the plugins of this tree as components, each with its plugin.yaml embedded, in `target/plugins`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::step::{self, Verdict};
use crate::{setup, tree};

/// The plugins that ship: name, package.
const PLUGINS: [(&str, &str); 3] =
    [("cnpg", "portcullis-cnpg"), ("oauth-proxy", "portcullis-oauth-proxy"), ("oidc", "portcullis-oidc")];

/// Builds the host (its `plugin build` does the embedding) and then every plugin. Answers with the folder.
pub(crate) fn run() -> Result<PathBuf> {
    setup::run()?;
    step::run(&mut tree::cargo(["build", "--locked", "--package", "portcullis"]))?;
    build()
}

/// Where they are put.
pub(crate) fn folder() -> PathBuf {
    tree::target().join("plugins")
}

/// Builds every plugin with the host that already stands. The compiler's output goes where the integration tests look for it, so that
/// they find it done.
pub(crate) fn build() -> Result<PathBuf> {
    let (folder, guests) = (folder(), tree::target().join("guests"));
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    for (name, package) in PLUGINS {
        let mut cargo = tree::cargo(["build", "--locked", "--lib", "--profile", "plugin", "--target", tree::GUEST_TARGET]);
        step::run(cargo.args(["--package", package, "--target-dir"]).arg(&guests))?;
        let built = guests.join(tree::GUEST_TARGET).join("plugin").join(package.replace('-', "_")).with_extension("wasm");
        let mut embed = Command::new(tree::program("portcullis"));
        embed.args(["plugin", "build"]).arg(format!("plugins/{name}")).arg("--component").arg(built);
        step::run(embed.arg("--out").arg(folder.join(name).with_extension("wasm")).current_dir(tree::root()))?;
    }
    Ok(folder)
}

/// The same as a step of `test`.
pub(crate) fn verdict() -> Result<Verdict> {
    build().map(|_| Verdict::Passed)
}
