//! Capability `clocks`: WIT package `wasi:clocks` 0.2 (wall and monotonic clock). State: the call's WASI context.

use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};

use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wall_clock::add_to_linker::<_, WasiClocks>(linker, CallState::clocks)?;
    monotonic_clock::add_to_linker::<_, WasiClocks>(linker, CallState::clocks)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::testing;
    use wasmtime_wasi::clocks::WasiClocksView;
    use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};

    #[test]
    fn both_clocks_tell_the_time_and_count_as_host_calls() {
        let mut state = testing::state_with(|shared| shared.limits.host_calls = 2);
        assert!(wall_clock::Host::now(&mut state.clocks()).unwrap().seconds > 1_700_000_000);
        let first = monotonic_clock::Host::now(&mut state.clocks()).unwrap();
        assert_eq!(state.meter.tripped(), None);
        (0..64).for_each(|_| assert!(monotonic_clock::Host::now(&mut state.clocks()).unwrap() >= first));
        assert_eq!(state.meter.tripped(), Some(crate::limits::Trip::HostCalls));
    }
}
