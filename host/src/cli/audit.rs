//! `portcullis audit …`: what an audit trail proves. Changes none; the chain itself is the store's business.
//!
//! Exit codes: 0 the trail holds; 1 it does not, or cannot be read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use portcullis_store::{Verified, verify, verify_since};
use serde_json::json;

use super::{ConfigFile, Outcome};
use crate::configuration;
use crate::output::{Format, print, table};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove that no line was changed, removed or added, and print how many records there are and the hash of the last one.
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The trail. Left out: the one that the configuration names.
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
    /// How many records it had once, as this command or the host's log said: shows that none were cut off since.
    #[arg(long, requires = "last")]
    records: Option<u64>,
    /// The hash of the last one then.
    #[arg(long, requires = "records", value_name = "HASH")]
    last: Option<String>,
    /// How the proof is printed.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Format,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let Command::Verify(arguments) = arguments.command;
    let file = match &arguments.file {
        Some(file) => file.clone(),
        None => super::runtime()?.block_on(configured(&arguments.config.config))?,
    };
    let proof = match (arguments.records, arguments.last) {
        (Some(records), Some(last)) => verify_since(&file, &Verified { records, last }),
        _ => verify(&file),
    };
    let trail = proof.map_err(|broken| match broken.line {
        0 => anyhow!("{}", broken.why),
        _ => anyhow!("{}: {broken}; keep the file, and move it away to begin a new one", file.display()),
    })?;
    let text = || match arguments.output {
        Format::Name => format!("{}\n", trail.last),
        _ => table(&[vec!["RECORDS".into(), "LAST".into()], vec![trail.records.to_string(), trail.last.clone()]]),
    };
    print(arguments.output, &json!({"records": trail.records, "last": trail.last}), text)?;
    Ok(ExitCode::SUCCESS)
}

/// The trail that the host writes.
async fn configured(file: &Path) -> anyhow::Result<PathBuf> {
    let name = file.display();
    let Ok((config, _)) = configuration::read(file, None).await else {
        bail!(
            "{name} has errors, which `portcullis check --config {name}` shows; or name the trail: `portcullis audit verify FILE`"
        );
    };
    config.audit.ok_or_else(|| anyhow!("{name} has no `audit: {{path: …}}`; name the trail: `portcullis audit verify FILE`"))
}
