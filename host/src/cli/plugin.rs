//! `portcullis plugin …`: for authors, and for operators who want to know before they grant.

mod build;
mod call;
mod embed;
mod inspect;
mod rbac;
mod source;
mod validate;

use clap::Subcommand;

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a plugin's folder to a component that carries its plugin.yaml; prints the file's path.
    Build(build::Arguments),
    /// Show what a component is, imports, exports and asks for; runs nothing of it.
    Inspect(inspect::Arguments),
    /// Load a component as the host would, with all that it asks for, and say what is wrong.
    Validate(validate::Arguments),
    /// Call one of its tools here and now, with all that it asks for.
    Call(call::Arguments),
    /// Print the Kubernetes roles and bindings that it needs, as YAML.
    Rbac(rbac::Arguments),
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        Command::Build(arguments) => build::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Call(arguments) => call::run(arguments),
        Command::Rbac(arguments) => rbac::run(&arguments),
    }
}
