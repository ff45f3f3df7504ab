//! `portcullis` as a process, with a folder of its own: configuration, plugins, cache and log. What a test then asks it is the test's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use portcullis_core::manifest::Manifest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::components::{plugin, workspace};

/// How long the host may take to end after SIGTERM before it is killed: longer than its own drain.
const END_WITHIN: Duration = Duration::from_secs(15);

/// The program under test. `cargo xtask test` says where it is (`PORTCULLIS_BIN`); otherwise it is built, beside this test binary.
///
/// # Errors
/// What cargo said, if it does not build.
pub fn portcullis() -> anyhow::Result<PathBuf> {
    if let Some(built) = std::env::var_os("PORTCULLIS_BIN") {
        return Ok(built.into());
    }
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(3).context("the test binary is not in a target folder")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "portcullis", "--target-dir"]).arg(target).current_dir(workspace());
    anyhow::ensure!(cargo.status()?.success(), "`cargo build --package portcullis` failed");
    Ok(target.join("debug").join("portcullis"))
}

/// A folder with `portcullis.yaml`, from which hosts are started.
#[derive(Debug)]
pub struct Installation {
    folder: TempDir,
}

impl Installation {
    /// An unguarded endpoint `/mcp` on a free loopback port, with these plugins of the workspace (package, folder), each granted what
    /// its plugin.yaml requests.
    ///
    /// # Errors
    /// If a plugin does not build or the folder cannot be written.
    pub fn new(plugins: &[(&'static str, &str)], kubeconfig: Option<&str>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("plugins"))?;
        let mut entries = serde_json::Map::new();
        for (package, source) in plugins {
            let manifest = Manifest::parse(&std::fs::read_to_string(workspace().join(source).join("plugin.yaml"))?)?;
            std::fs::copy(plugin(package)?, folder.path().join("plugins").join(&manifest.name).with_extension("wasm"))?;
            entries.insert(manifest.name, json!({"grants": manifest.requests}));
        }
        let mut config = json!({
            "listeners": [{"name": "main", "address": "127.0.0.1:0", "endpoints": [{"path": "/mcp", "guard": "none"}]}],
            "pluginDirectory": "plugins",
            "cacheDirectory": "cache",
            "plugins": entries,
        });
        if let (Some(text), Some(object)) = (kubeconfig, config.as_object_mut()) {
            std::fs::write(folder.path().join("kubeconfig"), text)?;
            object.insert("kubernetes".into(), json!({"kubeconfig": "kubeconfig"}));
        }
        let installation = Self { folder };
        installation.configure(&config)?;
        Ok(installation)
    }

    /// Replaces the configuration, whole: a host that has just started may look at any moment, and an empty file is a configuration too.
    /// JSON is YAML.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn configure(&self, config: &Value) -> anyhow::Result<()> {
        let beside = self.path().join(".portcullis.yaml.next");
        std::fs::write(&beside, serde_json::to_string_pretty(config)?)?;
        Ok(std::fs::rename(beside, self.config())?)
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("portcullis.yaml")
    }

    /// The folder; plugins are in `plugins`.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `portcullis serve` and waits until it says where it listens.
    ///
    /// # Errors
    /// With the host's log, if it ends instead.
    pub fn serve(self) -> anyhow::Result<Host> {
        self.serve_with(&[])
    }

    /// The same with these environment variables besides its own.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub fn serve_with(self, environment: &[(&str, &str)]) -> anyhow::Result<Host> {
        let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let child = self.spawn(&environment)?;
        let mut host = Host { child, url: String::new(), installation: self, environment };
        host.listens()?;
        Ok(host)
    }

    fn spawn(&self, environment: &BTreeMap<String, String>) -> anyhow::Result<Child> {
        let log = File::options().create(true).append(true).open(self.path().join("host.log"))?;
        let mut command = Command::new(portcullis()?);
        command.args(["serve", "--config"]).arg(self.config()).current_dir(self.path()).envs(environment);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?)
    }
}

/// A running host. Dropping it asks it to end and waits.
#[derive(Debug)]
pub struct Host {
    child: Child,
    url: String,
    installation: Installation,
    environment: BTreeMap<String, String>,
}

impl Host {
    /// The first endpoint, e.g. `http://127.0.0.1:41234/mcp`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its folder.
    #[must_use]
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.installation.path().join("host.log")).unwrap_or_default()
    }

    /// Ends it as [`Drop`] does, and starts another in the same folder.
    ///
    /// # Errors
    /// As [`Installation::serve`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.end();
        self.child = self.installation.spawn(&self.environment)?;
        self.listens()
    }

    /// Waits for the line that says where.
    fn listens(&mut self) -> anyhow::Result<()> {
        let stdout = self.child.stdout.take().context("no standard output")?;
        self.url.clear();
        BufReader::new(stdout).read_line(&mut self.url)?;
        self.url.truncate(self.url.trim_end().len());
        anyhow::ensure!(!self.url.is_empty(), "the host ended before it listened:\n{}", self.log());
        Ok(())
    }

    fn end(&mut self) {
        // The standard library can only kill; the signal that asks goes through the program that every Unix has.
        drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status());
        let asked = Instant::now();
        while asked.elapsed() < END_WITHIN && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}
