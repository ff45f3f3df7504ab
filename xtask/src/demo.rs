//! `cargo xtask demo`: what a person sees of Portcullis within minutes of cloning it. Starts the stand-in for Kubernetes (or uses a
//! kubeconfig), the host with the CNPG plugin, runs a scripted MCP session and leaves the endpoint up.

mod client;
mod config;
mod options;
mod paste;
mod process;
mod session;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub(crate) use self::options::Options;
use self::process::Running;
use crate::{plugins, setup, step, tree};

/// Builds, starts, shows, and stays.
pub(crate) fn run(options: &Options) -> Result<()> {
    process::claim(options.listen)?;
    let plugins = if options.built { plugins::folder() } else { build()? };
    let folder = tree::target().join("demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;

    let (cluster, kubeconfig) = cluster(options, &folder)?;
    let config = config::write(&folder, options.listen, &plugins, &kubeconfig)?;
    let mut host = Running::host(&config, &folder.join("host.log"))?;
    let result = show(options, &mut host, &config);
    if result.is_ok() && !options.exit {
        println!("\nCtrl-C ends it. The host's log: {}", folder.join("host.log").display());
        host.wait()?;
    }
    host.stop();
    if let Some(cluster) = cluster {
        cluster.stop();
    }
    result
}

fn build() -> Result<PathBuf> {
    setup::run()?;
    step::run(&mut tree::cargo(["build", "--locked", "--package", "portcullis", "--package", "kubesim"]))?;
    plugins::build()
}

/// The scripted session, then the lines to paste.
fn show(options: &Options, host: &mut Running, config: &Path) -> Result<()> {
    host.ready(options.listen)?;
    let client = client::Client::new(options.listen);
    session::run(&client, options.kubeconfig.is_some())?;
    if !options.exit {
        paste::print(options.listen, config);
    }
    Ok(())
}

/// The stand-in, unless the person brought a cluster.
fn cluster(options: &Options, folder: &Path) -> Result<(Option<Running>, PathBuf)> {
    if let Some(file) = &options.kubeconfig {
        return Ok((None, std::path::absolute(file).context("--kubeconfig")?));
    }
    let kubeconfig = folder.join("kubeconfig");
    Ok((Some(Running::kubesim(&kubeconfig)?), kubeconfig))
}
