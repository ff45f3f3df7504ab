//! Capability `log`: lines for the operator. Never a secret; at most 8 KiB a line and 1,000 lines a call.

/// Something is broken and somebody should look.
pub fn error(message: &str) {
    write("error", message);
}

/// Something is odd.
pub fn warn(message: &str) {
    write("warn", message);
}

/// What an operator wants to see each day.
pub fn info(message: &str) {
    write("info", message);
}

/// What helps to find a defect.
pub fn debug(message: &str) {
    write("debug", message);
}

/// Everything else.
pub fn trace(message: &str) {
    write("trace", message);
}

/// One line. An unknown level counts as "info".
pub fn write(level: &str, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::tool::portcullis::tool::log::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::hear(crate::testing::Heard::Log { level: level.to_owned(), message: message.to_owned() });
}
