//! Needs no grant: WIT interface `portcullis:tool/offers`. State: the tools that a listing withheld so far; none outside a listing.

use portcullis_core::tool::{NAME_MAX, is_valid_name};
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::offers;
use crate::state::CallState;

/// Most tools that a plugin withholds: with those that it offers, still a list that a person can read.
const WITHHELD_MAX: usize = 256;

/// Bytes of one reason. 1 KiB: a sentence or two, and an API server's message within them.
const REASON_MAX: usize = 1 << 10;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    offers::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl offers::Host for CallState {
    fn withhold(&mut self, name: String, reason: String) -> wasmtime::Result<()> {
        self.host_call()?;
        let Some(withheld) = &mut self.withheld else { return Ok(()) };
        if !is_valid_name(&name) {
            wasmtime::bail!("offers.withhold: the name does not match [A-Za-z0-9_.-]{{1,{NAME_MAX}}}");
        }
        if withheld.len() >= WITHHELD_MAX && !withheld.contains_key(&name) {
            wasmtime::bail!("offers.withhold: more than {WITHHELD_MAX} tools are withheld");
        }
        withheld.insert(name, cut(reason));
        Ok(())
    }
}

/// At most [`REASON_MAX`] bytes. A reason often quotes somebody else's message: one that is too long must not cost the plugin its load.
fn cut(mut reason: String) -> String {
    if reason.len() > REASON_MAX {
        const MORE: &str = "…";
        let end = reason.floor_char_boundary(REASON_MAX - MORE.len());
        reason.truncate(end);
        reason.push_str(MORE);
    }
    reason
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::bindings::offers::Host;
    use crate::state::CallState;
    use crate::testing;

    fn listing() -> CallState {
        let mut state = testing::state();
        state.withheld = Some(std::collections::BTreeMap::new());
        state
    }

    #[test]
    fn the_last_reason_for_a_name_counts_and_a_long_one_is_cut() {
        let mut state = listing();
        state.withhold("a".into(), "first".into()).unwrap();
        state.withhold("a".into(), "é".repeat(600)).unwrap();
        let withheld = state.withheld.unwrap();
        assert!(withheld["a"].len() <= super::REASON_MAX && withheld["a"].ends_with("é…"), "{withheld:?}");
    }

    #[test]
    fn a_name_that_is_none_and_one_too_many_trap() {
        let mut state = listing();
        assert!(state.withhold("two words".into(), String::new()).is_err());
        for n in 0..super::WITHHELD_MAX {
            state.withhold(format!("t{n}"), String::new()).unwrap();
        }
        assert!(state.withhold("one_more".into(), String::new()).is_err());
        assert!(state.withhold("t0".into(), "known already".into()).is_ok());
    }

    #[test]
    fn outside_a_listing_it_does_nothing() {
        let mut state = testing::state();
        state.withhold("a".into(), "b".into()).unwrap();
        state.withhold("two words".into(), String::new()).unwrap();
        assert!(state.withheld.is_none());
    }
}
