//! The two programs that the demo starts, and ends.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::tree;

/// How long the host may take until it is ready: the first start compiles the plugin, which takes seconds on a small machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long a program may take to end in good order.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A program that runs. Dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    name: &'static str,
}

/// Fails early, with words, if somebody else listens there.
pub(crate) fn claim(listen: SocketAddr) -> Result<()> {
    TcpListener::bind(listen).map(drop).with_context(|| {
        format!("something already listens on {listen}: end it, or choose another address with --listen 127.0.0.1:4205")
    })
}

impl Running {
    /// The stand-in for Kubernetes; it ends by itself when our end of its standard input closes.
    pub(crate) fn kubesim(kubeconfig: &Path) -> Result<Self> {
        // Slow enough that a person sees the phases go by.
        let mut command = Command::new(tree::program("kubesim"));
        command.args(["--seed", "demo", "--step-ms", "300", "--kubeconfig"]).arg(kubeconfig);
        let mut child = start(command.stdin(Stdio::piped()).stdout(Stdio::piped()), "kubesim")?;
        let mut lines = BufReader::new(child.stdout.take().context("kubesim has no output")?).lines();
        let url = lines.next().context("kubesim ended at once")??;
        // The second line comes after the kubeconfig is written.
        lines.next().context("kubesim ended at once")??;
        eprintln!("    Kubernetes stand-in, {url}");
        Ok(Self { child, name: "kubesim" })
    }

    /// `portcullis serve`, its log in a file.
    pub(crate) fn host(config: &Path, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("could not write {}", log.display()))?;
        let mut command = Command::new(tree::program("portcullis"));
        command.args(["serve", "--config"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(Self { child: start(&mut command, "portcullis")?, name: "portcullis" })
    }

    /// Waits until `/readyz` says yes.
    pub(crate) fn ready(&mut self, listen: SocketAddr) -> Result<()> {
        let start = Instant::now();
        let mut answer = String::from("no answer");
        while start.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}: read target/demo/host.log", self.name);
            }
            match ureq::get(format!("http://{listen}/readyz")).call() {
                Ok(_) => return Ok(()),
                Err(error) => answer = error.to_string(),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("{} was not ready after {} s ({answer}): read target/demo/host.log", self.name, READY_WITHIN.as_secs())
    }

    /// Waits for its end, which only a person brings about.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait().map(drop).with_context(|| format!("could not wait for {}", self.name))
    }

    /// Asks it to end, and ends it if it does not listen.
    pub(crate) fn stop(mut self) {
        drop(self.child.stdin.take());
        // The standard library can only kill; the signal that asks goes through the program every Unix has.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let start = Instant::now();
        while start.elapsed() < STOP_WITHIN && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(command: &mut Command, name: &str) -> Result<Child> {
    command.current_dir(tree::root()).spawn().with_context(|| format!("could not start {name}"))
}
