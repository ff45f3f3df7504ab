//! What the tools need from the host besides the API server: the clock, progress, the log. No tool logic here.
//! Tools see only this trait and the SDK's `kubernetes::Api`, so that unit tests drive them with a fake.

/// The host.
pub(crate) trait Host {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> i64;
    /// Milliseconds since the call began.
    fn elapsed_ms(&self) -> u64;
    /// Lets time pass.
    fn pause(&self, milliseconds: u64);
    /// `step` grows from call to call.
    fn progress(&self, step: u32, message: &str);
    /// A line for the operator.
    fn log(&self, message: &str);
    /// Has the host ask for the tools anew: what the API server serves may have changed.
    fn tools_changed(&self);
    /// Fills `bytes` from the host's cryptographic random number generator (`wasi:random`). False: there are none, and nothing that
    /// must not be guessed may be made.
    fn random(&self, bytes: &mut [u8]) -> bool;
}
