//! Installations of guests of `tests/guests`.

use std::path::PathBuf;

use anyhow::Context as _;
use portcullis_tests::host::Installation;
use serde_json::Value;

/// A guest: the name that it gives itself, its component, its part of the configuration.
pub(crate) type Guest = (&'static str, PathBuf, Value);

/// A host's folder with these plugins.
pub(crate) fn install(kubeconfig: Option<&str>, guests: Vec<Guest>) -> anyhow::Result<Installation> {
    let installation = Installation::new(&[], kubeconfig)?;
    let mut config: Value = serde_json::from_slice(&std::fs::read(installation.config())?)?;
    let plugins = config.get_mut("plugins").and_then(Value::as_object_mut).context("the configuration has no plugins")?;
    for (name, component, part) in guests {
        std::fs::copy(component, installation.path().join("plugins").join(name).with_extension("wasm"))?;
        plugins.insert(name.to_owned(), part);
    }
    installation.configure(&config)?;
    Ok(installation)
}
