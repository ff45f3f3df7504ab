//! `portcullis check`: everything that is wrong, in one go. Loads plugins, serves nothing.
//!
//! Exit codes: 0 nothing or warnings only; 1 errors.

use std::process::ExitCode;

use portcullis_core::finding::Finding;

use super::{ConfigFile, Outcome};
use crate::output::{Format, print, table};
use crate::{configuration, serve};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// How findings are printed.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Format,
    /// Print the JSON Schema of the configuration file instead, for editors.
    #[arg(long)]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    if arguments.schema {
        print(Format::Json, &portcullis_core::config::json_schema(), String::new)?;
        return Ok(ExitCode::SUCCESS);
    }
    let findings = super::runtime()?.block_on(findings(arguments))?;
    let lines = || findings.iter().map(|finding| format!("{finding}\n")).collect();
    let names = || table(&findings.iter().map(|finding| vec![finding.subject.clone()]).collect::<Vec<_>>());
    print(arguments.output, &findings, if arguments.output == Format::Name { &names as &dyn Fn() -> String } else { &lines })?;
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let file = arguments.file.config.display();
    match (errors, findings.len() - errors) {
        (0, 0) => eprintln!("{file}: nothing to complain about"),
        (errors, warnings) => eprintln!("{file}: errors: {errors}, warnings: {warnings}"),
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn findings(arguments: &Arguments) -> anyhow::Result<Vec<Finding>> {
    let (config, mut findings) = match configuration::read(&arguments.file.config, None).await {
        Ok(read) => read,
        Err(findings) => return Ok(findings),
    };
    let parts = serve::Parts::start(&config, serve::Audit::None).await?;
    findings.extend(parts.findings.clone());
    let assembly = parts.assemble(config.into(), findings, None).await;
    Ok(assembly.snapshot.findings.clone())
}
