//! Capability `progress`: WIT interface `portcullis:tool/progress`. State: the last value, since progress only grows (MCP 2026-07-28,
//! basic/utilities/progress).

use wasmtime::component::{HasSelf, Linker};

use super::CLIENT_TEXT_MAX;
use crate::bindings::progress;
use crate::logbook::cut;
use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    progress::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl progress::Host for CallState {
    fn report(&mut self, progress: f64, total: Option<f64>, message: Option<String>) -> wasmtime::Result<()> {
        self.host_call()?;
        // JSON has no infinity and no NaN; a first value of any size grows from nothing.
        let grows = progress.is_finite() && self.progress.is_none_or(|last| progress > last);
        if grows {
            self.progress = Some(progress);
            let message = message.map(|text| cut(&text, CLIENT_TEXT_MAX).to_owned());
            self.caller.client.progress(progress, total.filter(|total| total.is_finite()), message);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::bindings::progress::Host;
    use crate::testing::{Client, shared, state_of};
    use std::sync::Arc;

    #[test]
    fn only_what_grows_reaches_the_client() {
        let client = Arc::new(Client::default());
        let mut state = state_of(shared(), client.clone());
        for value in [0.0, 50.0, 50.0, f64::NAN, 40.0, f64::INFINITY, 100.0] {
            state.report(value, Some(100.0), None).unwrap();
        }
        assert_eq!(*client.progress.lock(), [0.0, 50.0, 100.0]);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let client = Arc::new(Client::default());
        let mut state = state_of(shared(), client.clone());
        state.report(1.0, None, Some(format!("a{}", "é".repeat(100_000)))).unwrap();
        assert_eq!(client.texts.lock()[0].len(), super::CLIENT_TEXT_MAX - 1);
    }
}
