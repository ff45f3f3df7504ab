//! `portcullis plugin inspect FILE`.

use std::path::PathBuf;
use std::process::ExitCode;

use portcullis_sandbox::{Inspection, Need};
use serde_json::{Value, json};

use super::super::Outcome;
use super::source::Component;
use crate::grants;
use crate::output::{Format, print, table};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The component.
    file: PathBuf,
    /// How it is printed.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Format,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let inspection = Component::read(&arguments.file)?.inspection;
    let text = || match arguments.output {
        Format::Name => format!("{}\n", inspection.manifest.name),
        _ => describe(&inspection),
    };
    print(arguments.output, &document(&inspection), text)?;
    Ok(ExitCode::SUCCESS)
}

fn need(need: Need) -> &'static str {
    match need {
        Need::Base => "every plugin has it",
        Need::Grant(capability) => capability.name(),
        Need::Unknown => "unknown to this host",
    }
}

fn document(inspection: &Inspection) -> Value {
    let imports: Vec<Value> =
        inspection.imports.iter().map(|import| json!({"interface": import.name, "needs": need(import.need)})).collect();
    json!({
        "manifest": inspection.manifest,
        "digest": inspection.digest.to_string(),
        "size": inspection.size,
        "world": inspection.world.package(),
        "track": inspection.track,
        "imports": imports,
        "exports": inspection.export_names,
    })
}

fn describe(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut head = vec![
        row("Name:", manifest.name.clone()),
        row("Version:", manifest.version.to_string()),
        row("Description:", manifest.description.clone()),
        row("Licence:", manifest.license.clone().unwrap_or_else(|| "not stated".to_owned())),
        row("Digest:", inspection.digest.to_string()),
        row("Size:", format!("{} bytes", inspection.size)),
        row("Track:", format!("{} {}", inspection.world.package(), inspection.track)),
        row("Exports:", inspection.export_names.join(", ")),
    ];
    if let Some(page) = &manifest.homepage {
        head.insert(4, row("Homepage:", page.clone()));
    }
    let mut imports = vec![vec!["IMPORTS".to_owned(), "NEEDS".to_owned()]];
    imports.extend(inspection.imports.iter().map(|import| vec![import.name.clone(), need(import.need).to_owned()]));
    let entry = grants::entry(&manifest.name, &manifest.requests);
    format!("{}\n{}\nTo grant all that it asks for, add to the configuration:\n\n{entry}\n", table(&head), table(&imports))
}
