//! `portcullis plugin validate FILE`. Exit codes: 0 it loads, 1 it does not.

use std::path::PathBuf;
use std::process::ExitCode;

use portcullis_core::plugin::Descriptor;
use serde_json::json;

use super::super::Outcome;
use super::source::{Component, Loading};
use crate::output::{Format, print, table};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The component.
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,
    #[command(flatten)]
    loading: Loading,
    /// How its tools are printed.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Format,
    /// Print the JSON Schema of plugin.yaml instead, for editors.
    #[arg(long, exclusive = true)]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let Some(file) = arguments.file.as_deref().filter(|_| !arguments.schema) else {
        print(Format::Json, &portcullis_core::manifest::json_schema(), String::new)?;
        return Ok(ExitCode::SUCCESS);
    };
    let component = Component::read(file)?;
    match super::super::runtime()?.block_on(component.load(&arguments.loading))? {
        Ok(plugin) => {
            show(plugin.descriptor(), arguments.output)?;
            for (tool, reason) in &plugin.descriptor().withheld {
                eprintln!("withheld: {tool}: {reason}");
            }
            eprintln!("{}: valid", file.display());
            Ok(ExitCode::SUCCESS)
        }
        Err(findings) => {
            findings.iter().for_each(|finding| eprintln!("{finding}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn show(descriptor: &Descriptor, output: Format) -> anyhow::Result<()> {
    let tools = &descriptor.tools;
    let value: Vec<_> = tools
        .iter()
        .map(|tool| json!({"name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": tool.input_schema.source()}))
        .collect();
    let rows = || {
        let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let mut rows = vec![vec!["TOOL".to_owned(), "DESCRIPTION".to_owned()]];
        rows.extend(tools.iter().map(|tool| vec![tool.name.clone(), first_line(&tool.description)]));
        rows
    };
    print(output, &value, || match output {
        Format::Name => tools.iter().map(|tool| format!("{}\n", tool.name)).collect(),
        _ => table(&rows()),
    })
}
