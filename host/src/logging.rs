//! Where log lines go: standard error, always, since standard output belongs to data (and to MCP under `stdio`).

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::env;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// A line of the watcher about a log file in a folder that is watched would be the next thing that it tells.
const WATCHER: &str = "notify=info";

/// Starts logging. A filter that does not parse is said so, and `default` is used.
pub(crate) fn start(format: LogFormat, default: &str) {
    let text = env::log().unwrap_or_else(|| default.to_owned());
    let (filter, problem) = match EnvFilter::try_new(&text) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(default), Some(error)),
    };
    let filter = [portcullis_gateway::LOG_DIRECTIVE, WATCHER].into_iter().fold(filter, |filter, directive| {
        match (directive.split_once('='), directive.parse()) {
            (Some((target, _)), Ok(directive)) if !text.contains(target) => filter.add_directive(directive),
            _ => filter,
        }
    });
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    if let Some(error) = problem {
        tracing::warn!(%error, variable = env::LOG, "the log filter does not read; logging `{default}`");
    }
}
