//! The command line of `cargo xtask demo`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// Where MCP clients find the demo; the port that the project's documents name.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4204);

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where the host listens.
    pub(crate) listen: SocketAddr,
    /// Whether to end after the session.
    pub(crate) exit: bool,
    /// Whether programs and plugins stand already.
    pub(crate) built: bool,
    /// A cluster of the person's own.
    pub(crate) kubeconfig: Option<PathBuf>,
}

impl Options {
    /// Reads the words after `demo`.
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self { listen: LISTEN, exit: false, built: false, kubeconfig: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--exit" => options.exit = true,
                "--kubeconfig" => options.kubeconfig = Some(value()?.into()),
                "--listen" => options.listen = value()?.parse().context("--listen wants an address like 127.0.0.1:4204")?,
                other => bail!("`demo` has no option `{other}`: --exit, --kubeconfig FILE, --listen ADDRESS"),
            }
        }
        if !options.listen.ip().is_loopback() {
            bail!(
                "the demo asks nobody who they are, so it only listens on loopback: --listen 127.0.0.1:{}",
                options.listen.port()
            );
        }
        Ok(options)
    }

    /// After `test` has built everything. A free port, since the usual one may be in use by the person who runs this.
    pub(crate) fn for_ci() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        Self { listen: free.unwrap_or(LISTEN), exit: true, built: true, kubeconfig: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_said_means_the_documented_address() {
        assert_eq!(parse("").unwrap(), Options { listen: LISTEN, exit: false, built: false, kubeconfig: None });
    }

    #[test]
    fn an_unguarded_demo_is_refused_off_loopback() {
        let error = parse("--listen 0.0.0.0:4204").unwrap_err().to_string();
        assert!(error.contains("--listen 127.0.0.1:4204"), "{error}");
    }

    #[test]
    fn a_missing_value_is_named() {
        assert_eq!(parse("--exit --kubeconfig").unwrap_err().to_string(), "--kubeconfig needs a value");
    }
}
