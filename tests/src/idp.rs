//! A real OpenID Connect provider as a process: the certified npm package, started with `tests/idp/provider.mjs` on a free loopback port. What
//! it is and which switches it has is said there.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use serde_json::Value;

use crate::foreign;

const SCRIPT: &str = include_str!("../idp/provider.mjs");

/// The secret of our client `portcullis` there.
pub const CLIENT_SECRET: &str = "upstream-client-secret-that-must-not-leak";

/// The secret with which `resource-server` introspects there.
pub const INTROSPECTION_SECRET: &str = "introspection-secret-that-must-not-leak";

/// Where free ports are looked for.
const FIRST_PORT: u32 = 12_000;
const PORTS: u32 = 20_000;

/// A running provider. Dropping it ends it.
#[derive(Debug)]
pub struct Idp {
    child: Child,
    issuer: String,
}

/// What the provider tells of itself.
#[derive(Debug)]
pub struct Told {
    /// Requests since the last time, e.g. "GET /jwks".
    pub asked: Vec<String>,
    /// All tokens that it has issued.
    pub issued: Vec<String>,
}

impl Idp {
    /// Starts one whose client `portcullis` has this redirect URI; `None`: no npm on this machine.
    ///
    /// # Errors
    /// What npm or node said.
    pub fn start(callback: &str) -> anyhow::Result<Option<Self>> {
        let Some((node, folder)) = foreign::provider()? else { return Ok(None) };
        let port = free_port()?;
        // Beside its `node_modules`; of a name of its own, since another test may start one at the same time.
        let script = folder.join(format!("provider-{port}.mjs"));
        std::fs::write(&script, SCRIPT)?;
        let mut command = Command::new(node);
        command.arg(&script).args([&port.to_string(), callback]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::inherit()).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut idp = Self { child, issuer: String::new() };
        BufReader::new(stdout).read_line(&mut idp.issuer)?;
        std::fs::remove_file(script)?;
        idp.issuer.truncate(idp.issuer.trim_end().len());
        anyhow::ensure!(!idp.issuer.is_empty(), "the provider ended before it listened");
        Ok(Some(idp))
    }

    /// As in its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.issuer.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default()
    }

    /// Turns switches, e.g. `{"away": true}`; those that are not named stay.
    ///
    /// # Errors
    /// It is gone.
    pub fn control(&self, switches: &Value) -> anyhow::Result<Told> {
        let mut told: Value = ureq::post(format!("{}/control", self.issuer)).send_json(switches)?.body_mut().read_json()?;
        let mut list = |name: &str| serde_json::from_value(told.get_mut(name).map(Value::take).unwrap_or_default());
        Ok(Told { asked: list("asked")?, issued: list("issued")? })
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A loopback port that nobody has now: for those who must know theirs before they listen. Below those that the system gives to outgoing
/// connections, which could take it meanwhile; each process begins elsewhere.
///
/// # Errors
/// There is none.
pub fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS {
        let next = std::process::id().wrapping_mul(16).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST_PORT + next % PORTS)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free")
}
