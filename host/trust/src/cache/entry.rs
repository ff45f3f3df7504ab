//! One entry: a copy, the last failure, and when to ask again. Time is an argument, nothing runs here.

use std::sync::Arc;
use std::time::Duration;

use super::Fetched;
use super::lifetime::{LONGEST, pause};

/// For how long a copy answers after its freshness ended (24 h): an outage of a day logs nobody out, and keys of last week verify nothing.
const STALE_MAX: Duration = LONGEST;

/// Shortest time between two fetches because of something unknown (30 s).
const RENEW_MIN: Duration = Duration::from_secs(30);

/// What there is.
pub(crate) struct Found<T> {
    /// The copy.
    pub(crate) value: Arc<T>,
    /// Whether its freshness is over.
    pub(crate) stale: bool,
}

/// Why a fetch brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// For the operator.
    pub(crate) reason: String,
}

/// Whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server does not answer.
    Silent,
    /// It says that it cannot answer now.
    Unavailable,
    /// What it answers is of no use.
    Invalid,
}

/// There is no copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) failure: Failure,
    /// When the server is asked again.
    pub(crate) retry_after: Duration,
}

/// The state of an entry.
pub(super) struct Entry<T> {
    copy: Option<Kept<T>>,
    failure: Option<Failure>,
    /// Failures in a row.
    failures: u32,
    /// When it may be asked again: the end of freshness or of the pause.
    next: Duration,
    renewed: Option<Duration>,
    running: bool,
}

struct Kept<T> {
    value: Arc<T>,
    fresh_until: Duration,
}

impl<T> Default for Entry<T> {
    fn default() -> Self {
        Self { copy: None, failure: None, failures: 0, next: Duration::ZERO, renewed: None, running: false }
    }
}

impl<T> Entry<T> {
    /// The copy, unless it is too old.
    pub(super) fn found(&self, now: Duration) -> Option<Found<T>> {
        let copy = self.copy.as_ref().filter(|copy| now < copy.fresh_until + STALE_MAX)?;
        Some(Found { value: Arc::clone(&copy.value), stale: now >= copy.fresh_until })
    }

    /// Why there is none; `None` while the first fetch is on its way.
    pub(super) fn missing(&self, now: Duration) -> Option<Missing> {
        let failure = self.failure.clone().filter(|_| !self.running)?;
        Some(Missing { failure, retry_after: self.next.saturating_sub(now).max(Duration::from_secs(1)) })
    }

    /// Whether to fetch now because it is time; then it counts as running.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        let due = !self.running && now >= self.next;
        self.running |= due;
        due
    }

    /// Whether to fetch now because something unknown was asked for; then it counts as running.
    pub(super) fn begin_renewal(&mut self, now: Duration) -> bool {
        let paused = self.failures > 0 && now < self.next;
        let recent = self.renewed.is_some_and(|at| now < at + RENEW_MIN);
        let due = !self.running && !paused && !recent;
        if due {
            (self.running, self.renewed) = (true, Some(now));
        }
        due
    }

    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// The fetch ended.
    pub(super) fn end(&mut self, now: Duration, outcome: Result<Fetched<T>, Failure>) {
        self.running = false;
        match outcome {
            Ok(fetched) => {
                self.next = now + fetched.lifetime;
                self.copy = Some(Kept { value: Arc::new(fetched.value), fresh_until: self.next });
                (self.failure, self.failures) = (None, 0);
            }
            Err(failure) => {
                self.failures = self.failures.saturating_add(1);
                self.next = now + pause(self.failures);
                self.failure = Some(failure);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Entry, Failure, Fetched, Kind};

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn good(value: u32) -> Result<Fetched<u32>, Failure> {
        Ok(Fetched { value, lifetime: at(100) })
    }

    fn bad() -> Result<Fetched<u32>, Failure> {
        Err(Failure { kind: Kind::Silent, reason: "down".into() })
    }

    #[test]
    fn one_fetch_runs_at_a_time() {
        let mut entry = Entry::default();
        assert!(entry.begin(at(0)) && !entry.begin(at(0)) && !entry.begin_renewal(at(0)));
        entry.end(at(1), good(1));
        assert!(!entry.begin(at(100)) && entry.begin(at(101)));
    }

    #[test]
    fn a_stale_copy_answers_for_a_day_while_the_server_is_down_and_no_longer() {
        let mut entry = Entry::default();
        entry.end(at(0), good(1));
        entry.end(at(100), bad());
        assert!(!entry.found(at(99)).unwrap().stale && entry.found(at(100)).unwrap().stale);
        assert!(entry.found(at(100 + 24 * 3600 - 1)).is_some() && entry.found(at(100 + 24 * 3600)).is_none());
        assert_eq!(entry.missing(at(100 + 24 * 3600)).unwrap().failure.reason, "down");
    }

    #[test]
    fn after_a_failure_nobody_asks_until_its_pause_is_over() {
        let mut entry = Entry::default();
        for _ in 0..5 {
            entry.end(at(0), bad());
        }
        assert!(!entry.begin(at(11)) && !entry.begin_renewal(at(11)));
        assert!((at(1)..=at(9)).contains(&entry.missing(at(11)).unwrap().retry_after));
        assert!(entry.begin(at(20)));
        entry.end(at(20), good(1));
        entry.end(at(120), bad());
        assert!(entry.begin(at(122)), "a success forgets the failures before it");
    }

    #[test]
    fn something_unknown_makes_one_fetch_in_thirty_seconds() {
        let mut entry = Entry::default();
        entry.end(at(0), good(1));
        assert!(entry.begin_renewal(at(1)));
        entry.end(at(2), good(1));
        assert!(!entry.begin_renewal(at(30)) && entry.begin_renewal(at(31)));
    }
}
