//! `kubesim`: the stand-in as a process, for developing and demonstrating without a cluster.
//! Must not do more than the library's `Kubesim::start`; ends on SIGTERM, SIGINT or end of input.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use kubesim::{Kubesim, Options};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

/// Serves a stand-in for the Kubernetes API, with CloudNativePG's resources and a small operator, on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "kubesim", version)]
struct Cli {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What is there at the start.
    #[arg(long, value_enum, default_value_t = Seed::Empty)]
    seed: Seed,
    /// Milliseconds between two steps of the operator.
    #[arg(long, default_value_t = 50)]
    step_ms: u64,
    /// Where to write the kubeconfig; without it, a temporary file that goes away at the end.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
}

/// What is there at the start.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Seed {
    /// Namespaces and CRDs.
    Empty,
    /// Clusters, a role and a database as well, in namespace `demo`.
    Demo,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let options = Options {
        port: cli.port,
        demo: matches!(cli.seed, Seed::Demo),
        operator_step: Some(Duration::from_millis(cli.step_ms)),
        ..Options::default()
    };
    let sim = Kubesim::start(options)?;
    let folder = tempfile::tempdir()?;
    let path = cli.kubeconfig.unwrap_or_else(|| folder.path().join("kubeconfig"));
    std::fs::write(&path, sim.kubeconfig_yaml("kubesim"))?;
    let mut out = io::stdout();
    writeln!(out, "url: {}", sim.url())?;
    writeln!(out, "export KUBECONFIG={}", path.display())?;
    out.flush()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(until_asked())?;
    // A read of standard input may still block a thread, and must not hold up the end.
    runtime.shutdown_background();
    sim.stop();
    Ok(())
}

/// Until a signal, or the end of input: so that it never outlives the process that started it with a pipe.
async fn until_asked() -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut input = tokio::io::stdin();
    let mut sink = [0_u8; 1024];
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = tokio::signal::ctrl_c() => return Ok(()),
            read = input.read(&mut sink) => if read? == 0 { return Ok(()) },
        }
    }
}
