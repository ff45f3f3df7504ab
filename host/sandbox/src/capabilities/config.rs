//! Capability `config`: WIT interface `portcullis:tool/config`. State: the plugin's settings, shared by its calls.

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::config;
use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    config::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl config::Host for CallState {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.host_call()?;
        Ok(self.shared.settings.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::bindings::config::Host;
    use crate::testing;

    #[test]
    fn a_plugin_reads_its_own_settings() {
        let mut state = testing::state_with(|shared| shared.settings = r#"{"a":1}"#.into());
        assert_eq!(state.get().unwrap(), r#"{"a":1}"#);
    }
}
