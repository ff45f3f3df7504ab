//! What one call has used of its caps, and which cap stopped it. The caps themselves, with units and defaults, are core's `Limits`.

use std::time::Duration;

use portcullis_core::limits::Limits;
use wasmtime::ResourceLimiter;

/// The cap or deadline that ended a call. The words are the keys under `plugins.NAME.limits` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trip {
    /// Wall-clock time.
    #[error("the deadline has passed")]
    Deadline,
    /// Linear memory.
    #[error("the memory limit is reached")]
    Memory,
    /// Table elements.
    #[error("the table limit is reached")]
    TableElements,
    /// A watch that computes and asks for nothing.
    #[error("the watch computed too long without calling the host")]
    Spin,
    /// Calls into host functions.
    #[error("the limit of host calls is reached")]
    HostCalls,
    /// Bytes of the result, or of one argument of a host function.
    #[error("the output limit is reached")]
    Output,
}

impl Trip {
    /// The key in the configuration.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Deadline | Self::Spin => "deadlineMs",
            Self::Memory => "memory",
            Self::TableElements => "tableElements",
            Self::HostCalls => "hostCalls",
            Self::Output => "output",
        }
    }
}

/// Calls into WASI that count as one host call: a standard library writes one line of stderr in about a dozen, and a guest that logs within
/// its lines must not run into its host calls.
const WASI_SHARE: u32 = 16;

/// How long a watch, which has no deadline for an hour, may compute without calling the host. 5 s: a real one waits there nearly all its time, and
/// the gateway's pause before it starts a watch again grows for those that end within 10 s.
pub(crate) const SPIN: Duration = Duration::from_secs(5);

/// Epochs in a row in which a watch computed and did not call the host.
#[derive(Debug, Default)]
pub(crate) struct Spin {
    epochs: u32,
    asked: u32,
}

impl Spin {
    /// One more epoch; `asked` counts calls into the host. An epoch is at least a millisecond of the guest's own time.
    pub(crate) fn is_too_long(&mut self, asked: u32) -> bool {
        self.epochs = if asked == self.asked { self.epochs.saturating_add(1) } else { 0 };
        self.asked = asked;
        u128::from(self.epochs) > SPIN.as_millis()
    }
}

/// Counts one call's use. Wasmtime asks it before a memory or table grows, host functions report to it.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    memory: u64,
    table_elements: u64,
    host_calls: u32,
    wasi_calls: u32,
    tripped: Option<Trip>,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, memory: 0, table_elements: 0, host_calls: 0, wasi_calls: 0, tripped: None }
    }

    /// What ended the call, if it was a cap.
    pub(crate) fn tripped(&self) -> Option<Trip> {
        self.tripped
    }

    /// Remembers the first cap that was hit: later errors are its consequences.
    pub(crate) fn trip(&mut self, trip: Trip) -> Trip {
        *self.tripped.get_or_insert(trip)
    }

    /// Calls into the host so far, of whatever kind; wraps around.
    pub(crate) fn asked(&self) -> u32 {
        self.host_calls.wrapping_add(self.wasi_calls)
    }

    /// One more call into the host.
    pub(crate) fn host_call(&mut self) -> Result<(), Trip> {
        if self.host_calls >= self.limits.host_calls {
            return Err(self.trip(Trip::HostCalls));
        }
        self.host_calls += 1;
        Ok(())
    }

    /// One more call into WASI, whose functions are not ours and cannot refuse: a guest over the cap is stopped at the next epoch.
    pub(crate) fn wasi_call(&mut self) {
        self.wasi_calls = self.wasi_calls.wrapping_add(1);
        if self.wasi_calls.is_multiple_of(WASI_SHARE) && self.host_call().is_err() {
            tracing::debug!("a guest reached its host calls within WASI");
        }
    }
}

/// How much `desired` adds to `current`.
fn growth(current: usize, desired: usize) -> u64 {
    u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX)
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        let total = self.memory.saturating_add(growth(current, desired));
        if total > self.limits.memory {
            return Err(self.trip(Trip::Memory).into());
        }
        self.memory = total;
        Ok(true)
    }

    /// The module's own maximum, or the kernel: the guest sees -1, as in any other runtime.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        tracing::debug!(%error, "a linear memory did not grow");
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        let total = self.table_elements.saturating_add(growth(current, desired));
        if total > u64::from(self.limits.table_elements) {
            return Err(self.trip(Trip::TableElements).into());
        }
        self.table_elements = total;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{Meter, SPIN, Spin, Trip};
    use portcullis_core::limits::Limits;
    use wasmtime::ResourceLimiter;

    fn meter() -> Meter {
        Meter::new(Limits { memory: 100, table_elements: 10, host_calls: 2, ..Limits::default() })
    }

    #[test]
    fn memory_is_counted_over_all_memories_of_an_instance() {
        let mut meter = meter();
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(meter.memory_growing(60, 61, None).is_err());
        assert_eq!(meter.tripped(), Some(Trip::Memory));
    }

    #[test]
    fn growth_beyond_what_the_module_declares_is_its_own_affair() {
        let mut meter = meter();
        assert!(!meter.memory_growing(0, 60, Some(50)).unwrap());
        assert!(!meter.table_growing(0, 6, Some(5)).unwrap());
        assert_eq!(meter.tripped(), None);
    }

    #[test]
    fn tables_are_counted_by_their_elements() {
        let mut meter = meter();
        assert!(meter.table_growing(0, 10, None).unwrap());
        assert!(meter.table_growing(10, 11, None).is_err());
        assert_eq!(meter.tripped(), Some(Trip::TableElements));
    }

    #[test]
    fn calls_into_wasi_count_by_the_share() {
        let mut meter = meter();
        (0..3 * super::WASI_SHARE - 1).for_each(|_| meter.wasi_call());
        assert_eq!(meter.tripped(), None);
        meter.wasi_call();
        assert_eq!(meter.tripped(), Some(Trip::HostCalls));
    }

    #[test]
    fn a_watch_that_only_computes_is_ended_and_one_that_calls_the_host_is_not() {
        let (mut spin, epochs) = (Spin::default(), u32::try_from(SPIN.as_millis()).unwrap());
        assert!((0..epochs).all(|_| !spin.is_too_long(0)));
        assert!(!spin.is_too_long(1));
        assert!((0..epochs).all(|_| !spin.is_too_long(1)));
        assert!(spin.is_too_long(1));
    }

    #[test]
    fn the_first_cap_is_the_one_that_is_reported() {
        let mut meter = meter();
        assert!(meter.host_call().is_ok() && meter.host_call().is_ok());
        assert_eq!(meter.host_call(), Err(Trip::HostCalls));
        assert!(meter.memory_growing(0, 1000, None).is_err());
        assert_eq!(meter.tripped(), Some(Trip::HostCalls));
    }
}
