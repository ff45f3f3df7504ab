//! What a plugin could offer and does not. Needs no grant.

/// While [`crate::Plugin::tools`] runs: names a tool that is left out, and why. Whoever may call it and does gets the reason, as a result that
/// is an error; nobody is shown it. Elsewhere it does nothing. The host refuses the plugin if `name` cannot name a tool or more than 256
/// are withheld.
pub fn withhold(name: &str, reason: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::tool::portcullis::tool::offers::withhold(name, reason);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::hear(crate::testing::Heard::Withheld { name: name.to_owned(), reason: reason.to_owned() });
}
