//! An entry with its task: who fetches, who waits, who is told. The rules are in `entry.rs`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::entry::{Entry, Failure, Found, Kind, Missing};
use super::{Fetched, WAIT_MAX};
use crate::clock::Clock;

pub(super) struct Slot<T> {
    entry: Mutex<Entry<T>>,
    /// Told when a fetch ends.
    ended: watch::Sender<()>,
    clock: Arc<dyn Clock>,
}

impl<T: Send + Sync + 'static> Slot<T> {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { entry: Mutex::new(Entry::default()), ended: watch::Sender::new(()), clock }
    }

    pub(super) async fn get<F, R>(self: &Arc<Self>, fetch: F) -> Result<Found<T>, Missing>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Fetched<T>, Failure>> + Send + 'static,
    {
        // Subscribed before looking: a fetch that ends in between is not missed.
        let mut ended = self.ended.subscribe();
        let due = self.entry.lock().begin(self.clock.steady());
        if due {
            self.spawn(fetch());
        }
        if let Some(answer) = self.answer() {
            return answer;
        }
        let waited = timeout(WAIT_MAX, ended.changed()).await;
        self.answer().filter(|_| waited.is_ok()).unwrap_or_else(|| Err(slow()))
    }

    pub(super) async fn renew<F, R>(self: &Arc<Self>, fetch: F) -> bool
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Fetched<T>, Failure>> + Send + 'static,
    {
        let mut ended = self.ended.subscribe();
        let (due, running) = {
            let mut entry = self.entry.lock();
            (entry.begin_renewal(self.clock.steady()), entry.is_running())
        };
        if due {
            self.spawn(fetch());
        }
        running && timeout(WAIT_MAX, ended.changed()).await.is_ok()
    }

    fn answer(&self) -> Option<Result<Found<T>, Missing>> {
        let (entry, now) = (self.entry.lock(), self.clock.steady());
        entry.found(now).map(Ok).or_else(|| entry.missing(now).map(Err))
    }

    /// The fetch belongs to nobody who waits: whoever asked first may go away, the others still get it.
    fn spawn(self: &Arc<Self>, fetch: impl Future<Output = Result<Fetched<T>, Failure>> + Send + 'static) {
        let mut running = Running { slot: Arc::clone(self), outcome: None };
        tokio::spawn(async move { running.end(fetch.await) });
    }
}

/// Ends the fetch however it ends: a task that was dropped must not leave an entry that waits for ever.
struct Running<T: Send + Sync + 'static> {
    slot: Arc<Slot<T>>,
    outcome: Option<Result<Fetched<T>, Failure>>,
}

impl<T: Send + Sync + 'static> Running<T> {
    fn end(&mut self, outcome: Result<Fetched<T>, Failure>) {
        self.outcome = Some(outcome);
    }
}

impl<T: Send + Sync + 'static> Drop for Running<T> {
    fn drop(&mut self) {
        let lost = || Err(Failure { kind: Kind::Silent, reason: "the request was given up".to_owned() });
        let outcome = self.outcome.take().unwrap_or_else(lost);
        self.slot.entry.lock().end(self.slot.clock.steady(), outcome);
        self.slot.ended.send_replace(());
    }
}

/// Nothing came in the time that a request waits; the fetch goes on.
pub(crate) fn slow() -> Missing {
    let failure = Failure { kind: Kind::Silent, reason: format!("no answer within {} s", WAIT_MAX.as_secs()) };
    Missing { failure, retry_after: Duration::from_secs(1) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Fetched, Slot};
    use crate::clock::SystemClock;

    fn slot() -> Arc<Slot<u32>> {
        Arc::new(Slot::new(Arc::new(SystemClock::default())))
    }

    #[tokio::test]
    async fn a_fetch_goes_on_when_who_asked_for_it_has_gone() {
        let slot = slot();
        let fetch = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(Fetched { value: 7, lifetime: Duration::from_secs(9) })
        };
        assert!(tokio::time::timeout(Duration::from_millis(5), slot.get(fetch)).await.is_err());
        let second = slot.get(|| async { unreachable!("one fetch at a time") });
        assert_eq!(*second.await.unwrap().value, 7);
    }

    #[tokio::test]
    async fn a_fetch_that_dies_is_a_failure_and_not_a_wait_for_ever() {
        let slot = slot();
        let missing = slot.get(|| async { panic!("dies") }).await.err().unwrap();
        assert_eq!(missing.failure.reason, "the request was given up");
        let asked = std::time::Instant::now();
        assert!(slot.get(|| async { unreachable!("in its pause") }).await.is_err());
        assert!(asked.elapsed() < Duration::from_millis(500));
    }
}
