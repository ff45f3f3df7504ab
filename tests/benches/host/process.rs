//! The servers under measurement as processes, and what the system tells of a process.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use portcullis_tests::host::{Installation, portcullis};

use crate::load::{Connection, Request, runtime};
use crate::native;

/// How long a server may take until it is ready: a first start compiles every plugin.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Clock ticks of `/proc/PID/stat` per second: 100 on every Linux.
const TICKS: u32 = 100;

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    address: String,
    began: Instant,
}

impl Serving {
    /// `portcullis serve`, up to the line that says where it listens.
    pub(crate) fn host(installation: &Installation) -> anyhow::Result<Self> {
        let mut command = Command::new(portcullis()?);
        command.args(["serve", "--config"]).arg(installation.config()).current_dir(installation.path());
        Self::start(command.stderr(File::create(installation.path().join("host.log"))?))
    }

    /// The native server: this program again.
    pub(crate) fn native() -> anyhow::Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg(native::WORD))
    }

    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| format!("{command:?}"))?;
        let mut serving = Self { child, address: String::new(), began };
        let stdout = serving.child.stdout.take().context("no standard output")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        url.trim().trim_start_matches("http://").trim_end_matches("/mcp").clone_into(&mut serving.address);
        ensure!(!serving.address.is_empty(), "{command:?} ended before it listened");
        Ok(serving)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until `/readyz` says yes; the time since the start of the process.
    pub(crate) fn ready(&self) -> anyhow::Result<Duration> {
        let request = Request::get("/readyz", "\"ready\"");
        runtime()?.block_on(async {
            loop {
                let mut connection = Connection::open(&self.address).await?;
                match connection.ask(&request).await {
                    Ok(()) => return Ok(self.began.elapsed()),
                    Err(error) => ensure!(self.began.elapsed() < READY_WITHIN, "not ready: {error:#}"),
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    }

    /// Resident bytes; `None` where there is no `/proc`.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
    }

    /// Processor time of all its threads; `None` where there is no `/proc`.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        processor_time(self.child.id())
    }
}

/// Processor time of all threads of a process; `None` where there is no `/proc`.
pub(crate) fn processor_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the name in parentheses; user and system time are the 14th and 15th.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Some(Duration::from_secs(1) * ticks / TICKS)
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Nothing is lost with it: the folder is temporary.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
