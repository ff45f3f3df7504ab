//! Capability `progress`: tells a client that asked for it how far a call is. Costs nothing when nobody asked.

/// How far the call is. `progress` grows from call to call; `total` is in the same unit.
pub fn report(progress: f64, total: Option<f64>, message: Option<&str>) {
    #[cfg(target_family = "wasm")]
    crate::bindings::tool::portcullis::tool::progress::report(progress, total, message);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::hear(crate::testing::Heard::Progress { progress, total, message: message.map(str::to_owned) });
}
