//! Capability `log`: WIT interface `portcullis:tool/log`. State: the call's `LogBook`.

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::log;
use crate::logbook::Level;
use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    log::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl log::Host for CallState {
    fn write(&mut self, level: String, message: String) -> wasmtime::Result<()> {
        self.host_call()?;
        self.log.line(Level::parse(&level), &message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::bindings::log::Host;
    use crate::testing;

    #[test]
    fn a_line_is_a_host_call_and_a_line_of_the_log() {
        let mut state = testing::state_with(|shared| shared.limits.host_calls = 1);
        state.write("info".into(), "hello".into()).unwrap();
        assert_eq!(state.log.counts(), (1, 0));
        assert!(state.write("info".into(), "again".into()).is_err());
    }
}
