//! Programs by others that test us: the official conformance suite and a certified OpenID Connect provider (npm), the official Python SDK
//! (pip), each installed once into a private folder under `target/foreign` by the ordinary client of its registry. Versions are pinned here.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::components::workspace;

/// npm's `latest` of the suite is older and does not know revision 2026-07-28.
const SUITE: &str = "@modelcontextprotocol/conformance@0.2.0-alpha.12";

/// The OpenID Connect provider that is certified for the flows that we use.
const PROVIDER: &str = "oidc-provider@9.13.3";

/// Both need Node.js 22. npm can bring it as a package without install scripts, one per platform.
const NODE: &str = "22.23.3";

/// The official Python SDK.
const PYTHON_SDK: &str = "mcp==2.3.0";

/// The conformance suite, installed.
#[derive(Debug)]
pub struct Suite {
    node: PathBuf,
    index: PathBuf,
}

impl Suite {
    /// Installs it if it is not there; `None`: no npm on this machine.
    ///
    /// # Errors
    /// What npm said.
    pub fn find() -> anyhow::Result<Option<Self>> {
        let entry = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
        let Some((node, folder)) = npm("conformance", SUITE, entry)? else { return Ok(None) };
        let index = folder.join(entry);
        Ok(Some(Self { node, index }))
    }

    /// Node running the suite, to which arguments are to be added.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(&self.index);
        command
    }
}

/// Node and a folder in which the certified provider can be imported; `None`: no npm on this machine.
///
/// # Errors
/// What npm said.
pub fn provider() -> anyhow::Result<Option<(PathBuf, PathBuf)>> {
    npm("provider", PROVIDER, "node_modules/oidc-provider/lib/index.js")
}

/// Node and the folder with this package, installed if `entry` is not there.
fn npm(name: &str, package: &str, entry: &str) -> anyhow::Result<Option<(PathBuf, PathBuf)>> {
    if !runs("npm", "--version") {
        return Ok(None);
    }
    let (folder, _lock) = folder(name)?;
    let runtime = format!("node-{}-{}", system(), processor());
    let node = folder.join("node_modules").join(&runtime).join("bin/node");
    if !(folder.join(entry).exists() && node.exists()) {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-fund", "--no-audit", "--no-save", "--loglevel=error", "--prefix"]).arg(&folder);
        install(npm.args([package, &format!("{runtime}@{NODE}")]))?;
    }
    Ok(Some((node, folder)))
}

/// A Python that has the official SDK, installed if it is not there; `None`: no Python 3 on this machine.
///
/// # Errors
/// What pip said.
pub fn python() -> anyhow::Result<Option<PathBuf>> {
    if !runs("python3", "--version") {
        return Ok(None);
    }
    let (folder, _lock) = folder("python")?;
    let python = folder.join("bin/python");
    let done = folder.join(PYTHON_SDK);
    if !done.exists() {
        install(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        install(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYTHON_SDK]))?;
        File::create(done)?;
    }
    Ok(Some(python))
}

/// A folder of its own, and the lock that keeps other test processes out while it is filled.
fn folder(name: &str) -> anyhow::Result<(PathBuf, File)> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let folder = workspace().join(target).join("foreign").join(name);
    std::fs::create_dir_all(&folder)?;
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    Ok((folder, lock))
}

fn install(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("could not start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn runs(program: impl AsRef<Path>, argument: &str) -> bool {
    Command::new(program.as_ref()).arg(argument).output().is_ok_and(|output| output.status.success())
}

/// The system's name in Node's words.
fn system() -> &'static str {
    if cfg!(target_os = "macos") { "darwin" } else { "linux" }
}

/// The processor's name in Node's words.
fn processor() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}
