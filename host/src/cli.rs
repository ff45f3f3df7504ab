//! The command line: kubectl's habits. Data on standard output, words on standard error; one file per command below.

mod audit;
mod check;
mod completion;
mod login;
mod plugin;
mod serve;
mod stdio;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::logging::{self, LogFormat};

/// Done, but something was found or asked: how a command ends that did not fail.
pub(crate) type Outcome = anyhow::Result<ExitCode>;

/// What scripts may rely on.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it did not work, or `check`, `plugin validate` or `audit verify` found errors
  2  the command line is wrong
  3  `plugin call` met a question that no --answer answers
  4  `login` was refused, or has nothing to refresh
  5  `login` waited for five minutes, and nobody logged in";

/// MCP host whose tools are WebAssembly plugins behind a gate.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// How log lines look; PORTCULLIS_LOG says which there are.
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP over HTTP; configuration and plugins are reloaded when their files change.
    Serve(ConfigFile),
    /// Serve MCP to one local client on stdin and stdout.
    Stdio(ConfigFile),
    /// Say everything that is wrong with a configuration and its plugins; serves nothing.
    Check(check::Arguments),
    /// Prove an audit trail.
    Audit(audit::Arguments),
    /// Print a shell's completion script.
    Completion(completion::Arguments),
    /// Get an access token for an MCP endpoint through its authorization server, and print it.
    Login(login::Arguments),
    /// Build, look into, try out plugins.
    Plugin(plugin::Arguments),
}

/// Which configuration.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "portcullis.yaml")]
    pub(crate) config: PathBuf,
}

impl Command {
    /// What is logged without PORTCULLIS_LOG: servers tell what happens, commands only what goes wrong.
    fn verbosity(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Stdio(_) => "info",
            _ => "warn",
        }
    }

    fn run(self) -> Outcome {
        match self {
            Self::Serve(file) => serve::run(&file),
            Self::Stdio(file) => stdio::run(&file),
            Self::Check(arguments) => check::run(&arguments),
            Self::Audit(arguments) => audit::run(arguments),
            Self::Completion(arguments) => completion::run(&arguments),
            Self::Login(arguments) => login::run(&arguments),
            Self::Plugin(arguments) => plugin::run(arguments),
        }
    }
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.log_format, cli.command.verbosity());
    cli.command.run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Several threads: for hosts and for commands that run guests.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
