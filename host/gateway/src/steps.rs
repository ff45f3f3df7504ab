//! Work that goes on when the client that asked for it hangs up: a strategy that is cut off between two writes loses a login, e.g. a refresh token
//! that its provider has just replaced. It ends by its own deadline, or with the host. Nothing here knows what the work is.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Steps of one listener at the same time: four times the places that strategies have by default, so that some may wait for theirs. Who only
/// sends and hangs up must not pile up requests of 64 KiB each: 64 MiB.
const STEPS_MAX: usize = 1024;

/// The steps of one listener. `Clone` is cheap.
#[derive(Clone)]
pub(crate) struct Steps {
    room: Arc<Semaphore>,
    tracker: TaskTracker,
    closed: CancellationToken,
}

/// Why a step was not finished.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// It never began: too many are under way.
    Full,
    /// It panicked, or the host is closing.
    Stopped,
}

impl Steps {
    /// Those that `tracker` waits for, and that end when `closed` is cancelled.
    pub(crate) fn new(tracker: TaskTracker, closed: CancellationToken) -> Self {
        Self { room: Arc::new(Semaphore::new(STEPS_MAX)), tracker, closed }
    }

    /// Runs one to its end, whether or not anybody still waits for it.
    ///
    /// # Errors
    /// [`Unfinished`]. Dropping the future of this does not stop the step.
    pub(crate) async fn run<T: Send + 'static>(&self, step: impl Future<Output = T> + Send + 'static) -> Result<T, Unfinished> {
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Unfinished::Full)?;
        let closed = self.closed.clone();
        let running = self.tracker.spawn(async move {
            let _place = place;
            closed.run_until_cancelled_owned(step).await
        });
        running.await.ok().flatten().ok_or(Unfinished::Stopped)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::future::{pending, ready};
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use tokio::sync::{Semaphore, oneshot};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::{Steps, Unfinished};

    fn steps(places: usize) -> Steps {
        Steps { room: Arc::new(Semaphore::new(places)), ..Steps::new(TaskTracker::new(), CancellationToken::new()) }
    }

    #[tokio::test]
    async fn a_step_goes_on_when_nobody_waits_for_it_and_the_host_does() {
        let steps = steps(1);
        let (go, gone) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        let step = async move {
            let _ = gone.await;
            done.send(()).unwrap();
        };
        assert!(steps.run(step).now_or_never().is_none(), "it waits, and is left alone");
        steps.tracker.close();
        assert!(steps.tracker.wait().now_or_never().is_none());
        go.send(()).unwrap();
        finished.await.unwrap();
        steps.tracker.wait().await;
    }

    #[tokio::test]
    async fn one_more_than_there_are_places_is_refused_and_a_step_that_ended_leaves_its_place() {
        let steps = steps(1);
        assert_eq!(steps.run(ready(1)).await, Ok(1));
        assert!(steps.run(pending::<()>()).now_or_never().is_none());
        assert_eq!(steps.run(ready(2)).await, Err(Unfinished::Full));
    }

    #[tokio::test]
    async fn a_closed_host_stops_its_steps() {
        let steps = steps(1);
        let running = tokio::spawn({
            let steps = steps.clone();
            async move { steps.run(pending::<()>()).await }
        });
        steps.closed.cancel();
        assert_eq!(running.await.unwrap(), Err(Unfinished::Stopped));
    }
}
