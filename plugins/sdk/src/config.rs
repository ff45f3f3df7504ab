//! Capability `config`: the plugin's own settings from the operator's configuration.

use serde::de::DeserializeOwned;

use crate::Failure;

/// The settings as JSON text: an object that matches the settings schema of `plugin.yaml`, its defaults filled in. Holds no secret.
#[must_use]
pub fn json() -> String {
    #[cfg(target_family = "wasm")]
    return crate::bindings::tool::portcullis::tool::config::get();
    #[cfg(not(target_family = "wasm"))]
    crate::testing::settings()
}

/// The settings, read.
///
/// # Errors
/// [`Failure`] "internal" if they do not fit `T`: then the schema in `plugin.yaml` and `T` disagree.
pub fn read<T: DeserializeOwned>() -> Result<T, Failure> {
    serde_json::from_str(&json()).map_err(|error| Failure::internal(["settings: ", &error.to_string()].concat()))
}
