//! Capability `random`: WIT package `wasi:random` 0.2, from the host's CSPRNG. State: the call's WASI context.

use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};

use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    random::add_to_linker::<_, WasiRandom>(linker, context)?;
    insecure::add_to_linker::<_, WasiRandom>(linker, context)?;
    insecure_seed::add_to_linker::<_, WasiRandom>(linker, context)
}

fn context(state: &mut CallState) -> &mut WasiRandomCtx {
    state.ctx().ctx.random()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::context;
    use crate::testing;
    use wasmtime_wasi::p2::bindings::random::random::Host;

    #[test]
    fn bytes_are_random_and_bounded_per_call() {
        let mut state = testing::state();
        let (one, two) = (context(&mut state).get_random_bytes(32).unwrap(), context(&mut state).get_random_bytes(32).unwrap());
        assert_ne!(one, two);
        assert!(context(&mut state).get_random_bytes(1 << 30).is_err());
    }
}
