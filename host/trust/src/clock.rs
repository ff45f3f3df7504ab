//! What time it is: two clocks, since one can be set and the other cannot.

use std::time::{Duration, Instant, SystemTime};

/// Where the time comes from. Tests bring their own.
pub trait Clock: Send + Sync {
    /// Time since 1970-01-01 UTC, for what others wrote (RFC 7519 §2, NumericDate).
    fn unix(&self) -> Duration;
    /// Time since some moment, never backwards, for caches and back-off.
    fn steady(&self) -> Duration;
}

/// This machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn unix(&self) -> Duration {
        // A clock before 1970 makes every token immature or expired in 1970: nobody gets in by it.
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    fn steady(&self) -> Duration {
        self.0.elapsed()
    }
}
