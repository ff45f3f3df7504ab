//! `portcullis plugin build DIR`: cargo build for wasm32-wasip2, then the manifest goes in.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};
use portcullis_core::manifest::Manifest;
use portcullis_sandbox::inspect;

use super::super::Outcome;
use super::embed;
use crate::{env, output};

/// Settings of the profile `plugin`, given to cargo so that a plugin's Cargo.toml need not have it: small first, since a component is
/// compiled once and mapped per call.
const PROFILE: [&str; 6] = [
    "profile.plugin.inherits=\"release\"",
    "profile.plugin.opt-level=\"s\"",
    "profile.plugin.lto=true",
    "profile.plugin.codegen-units=1",
    "profile.plugin.panic=\"abort\"",
    "profile.plugin.strip=true",
];

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The plugin's folder, with plugin.yaml and (unless --component is given) Cargo.toml.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Where the component goes. Default: NAME.wasm in the current folder, NAME being the one in plugin.yaml.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Cargo profile.
    #[arg(long, default_value = "plugin")]
    profile: String,
    /// A component that another tool has built (componentize-js, componentize-py): only plugin.yaml goes in.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let file = arguments.directory.join("plugin.yaml");
    let yaml = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let manifest = Manifest::parse(&yaml).with_context(|| file.display().to_string())?;
    let built = match &arguments.component {
        Some(component) => component.clone(),
        None => build(&arguments.directory, &arguments.profile)?,
    };
    let component = std::fs::read(&built).with_context(|| format!("{} cannot be read", built.display()))?;
    let component = embed::manifest(&component, &yaml)?;
    let inspection = inspect(&component).with_context(|| built.display().to_string())?;
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", manifest.name)));
    replace(&out, &component).with_context(|| format!("{} cannot be written", out.display()))?;
    eprintln!("{} {}: {} bytes, {}", manifest.name, manifest.version, inspection.size, inspection.digest);
    output::write(&format!("{}\n", out.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Whole or not at all: a host may be watching the folder.
fn replace(out: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = out.file_name().context("it is a folder")?.to_string_lossy();
    let beside = out.with_file_name(format!(".{name}.{}", std::process::id()));
    std::fs::write(&beside, bytes)?;
    Ok(std::fs::rename(&beside, out)?)
}

fn build(directory: &Path, profile: &str) -> anyhow::Result<PathBuf> {
    let manifest =
        directory.join("Cargo.toml").canonicalize().with_context(|| format!("{} has no Cargo.toml", directory.display()))?;
    let mut command = Command::new(env::cargo());
    command.args(["build", "--lib", "--target", "wasm32-wasip2", "--message-format", "json-render-diagnostics"]);
    command.args(["--profile", profile]).arg("--manifest-path").arg(&manifest);
    if profile == "plugin" {
        command.args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo failed; without the target, `rustup target add wasm32-wasip2` installs it");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let found = messages.lines().filter_map(|line| artifact(line, &manifest)).next_back();
    found.context("cargo built no component: the plugin's Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`")
}

/// The component that a line of cargo's output tells of. Source: The Cargo Book, "External tools", artifact messages.
fn artifact(line: &str, manifest: &Path) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let of_plugin = message.get("manifest_path")?.as_str().is_some_and(|path| Path::new(path) == manifest);
    let files = message.get("filenames")?.as_array()?.iter().filter_map(serde_json::Value::as_str);
    let component = files.map(PathBuf::from).find(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    if of_plugin { component } else { None }
}
