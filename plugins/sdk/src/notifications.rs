//! Capability `notifications`: what clients hear besides the result.

use std::fmt::Display;

/// A log message for the client, sent only if its request asked for this level (RFC 5424 name, e.g. "warning"). `data` is JSON.
pub fn message(level: &str, logger: Option<&str>, data: impl Display) {
    let data = data.to_string();
    #[cfg(target_family = "wasm")]
    crate::bindings::tool::portcullis::tool::notifications::message(level, logger, &data);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::hear(crate::testing::Heard::Message { level: level.to_owned(), logger: logger.map(str::to_owned), data });
}

/// Subscribers of `uri` hear that it changed.
pub fn resource_updated(uri: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::tool::portcullis::tool::notifications::resource_updated(uri);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::hear(crate::testing::Heard::ResourceUpdated(uri.to_owned()));
}

/// Clients that listen hear that a list changed: "tools", "prompts" or "resources". The host asks the plugin for it again.
pub fn list_changed(what: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::tool::portcullis::tool::notifications::list_changed(what);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::hear(crate::testing::Heard::ListChanged(what.to_owned()));
}
