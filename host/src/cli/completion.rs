//! `portcullis completion SHELL`.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::{Cli, Outcome};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Whose completion script: `source <(portcullis completion bash)`.
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    clap_complete::generate(arguments.shell, &mut Cli::command(), "portcullis", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
