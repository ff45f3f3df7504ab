//! Servers that do not answer are left alone for a while: one request at a time finds out whether one is back, and all others are told at once.
//! Else everybody who asks holds a place for as long as they may wait. Documents and keys have their own pauses, in `cache`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Clock;

/// First pause of a server that did not answer: long enough to stop a flood, short enough for a restart.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest pause: people log in again within a minute after a long outage.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How long a server has at least before it counts as silent (2 s): whoever had less time to give, or hung up, found nothing out.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most servers that are remembered: strangers name some of them (client documents). Beyond, one more is asked whenever somebody wants it.
const SERVERS_MAX: usize = 1_000;

/// Servers that did not answer, by origin. `Clone` is cheap.
#[derive(Clone)]
pub(super) struct Pauses {
    silent: Arc<Mutex<HashMap<String, Silence>>>,
    clock: Arc<dyn Clock>,
}

struct Silence {
    pause: Duration,
    /// By the steady clock.
    until: Duration,
    probed: bool,
}

impl Pauses {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { silent: Arc::default(), clock }
    }

    /// A way to the server.
    ///
    /// # Errors
    /// How long it is left alone still, at least.
    pub(super) fn enter(&self, origin: String) -> Result<Attempt, Duration> {
        let now = self.clock.steady();
        if let Some(silence) = self.silent.lock().get_mut(&origin) {
            if silence.probed || now < silence.until {
                return Err(silence.until.saturating_sub(now).max(PAUSE));
            }
            silence.probed = true;
            return Ok(Attempt { pauses: self.clone(), origin, begun: now, probes: true, over: false });
        }
        Ok(Attempt { pauses: self.clone(), origin, begun: now, probes: false, over: false })
    }

    fn note(&self, attempt: &Attempt, silent: bool) {
        let now = self.clock.steady();
        let mut all = self.silent.lock();
        match all.get_mut(&attempt.origin) {
            Some(silence) if attempt.probes => {
                silence.probed = false;
                if silent {
                    silence.pause = (silence.pause * 2).min(PAUSE_MAX);
                    silence.until = now + silence.pause;
                }
            }
            // It began before the first one failed.
            Some(_) => {}
            None if silent => {
                if all.len() >= SERVERS_MAX {
                    all.retain(|_, silence| silence.probed || now < silence.until + PAUSE_MAX);
                }
                if all.len() < SERVERS_MAX {
                    tracing::warn!(
                        origin = attempt.origin,
                        "a server does not answer; until it does, one request at a time goes there"
                    );
                    all.insert(attempt.origin.clone(), Silence { pause: PAUSE, until: now + PAUSE, probed: false });
                }
            }
            None => {}
        }
    }
}

/// A request on its way. Dropping it is giving up: if the server had its time, it is silent.
pub(super) struct Attempt {
    pauses: Pauses,
    origin: String,
    begun: Duration,
    /// Whether others wait for what this one finds out.
    probes: bool,
    over: bool,
}

impl Attempt {
    /// The server is there, whatever it said.
    pub(super) fn answered(mut self) {
        self.over = true;
        if self.pauses.silent.lock().remove(&self.origin).is_some() {
            tracing::info!(origin = self.origin, "the server answers again");
        }
    }

    /// There was no connection.
    pub(super) fn refused(mut self) {
        self.over = true;
        self.pauses.note(&self, true);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.over {
            self.pauses.note(self, self.pauses.clock.steady().saturating_sub(self.begun) >= PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::{PATIENCE, PAUSE, PAUSE_MAX, Pauses, SERVERS_MAX};
    use crate::clock::Clock;

    #[derive(Default)]
    struct Hands(AtomicU64);

    impl Clock for Hands {
        fn unix(&self) -> Duration {
            self.steady()
        }
        fn steady(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    impl Hands {
        fn advance(&self, time: Duration) {
            self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
        }
    }

    fn pauses() -> (Pauses, Arc<Hands>) {
        let clock = Arc::new(Hands::default());
        (Pauses::new(Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    const SERVER: &str = "https://id.example.com";

    fn refused(pauses: &Pauses) -> bool {
        pauses.enter(SERVER.into()).is_err()
    }

    #[test]
    fn pauses_grow_from_a_second_to_a_minute_and_end_with_an_answer() {
        let (pauses, clock) = pauses();
        pauses.enter(SERVER.into()).ok().unwrap().refused();
        let mut pause = PAUSE;
        for _ in 0..9 {
            clock.advance(pause - Duration::from_millis(1));
            assert!(refused(&pauses), "before {pause:?} are over");
            clock.advance(Duration::from_millis(1));
            let probe = pauses.enter(SERVER.into()).ok().unwrap();
            assert!(refused(&pauses), "one at a time");
            probe.refused();
            pause = (pause * 2).min(PAUSE_MAX);
        }
        assert_eq!(pause, PAUSE_MAX);
        clock.advance(PAUSE_MAX);
        pauses.enter(SERVER.into()).ok().unwrap().answered();
        assert!(!refused(&pauses) && !refused(&pauses));
    }

    #[test]
    fn who_gives_up_early_finds_nothing_out_and_who_waited_does() {
        let (pauses, clock) = pauses();
        let early = pauses.enter(SERVER.into());
        clock.advance(PATIENCE - Duration::from_millis(1));
        drop(early);
        let late = pauses.enter(SERVER.into());
        assert!(late.is_ok());
        clock.advance(PATIENCE);
        drop(late);
        assert!(refused(&pauses));
        clock.advance(PAUSE);
        drop(pauses.enter(SERVER.into()));
        assert!(!refused(&pauses), "a probe that was dropped lets the next one go");
    }

    #[test]
    fn those_that_fail_together_count_once_and_one_that_got_through_counts_most() {
        let (pauses, clock) = pauses();
        let mut together: Vec<_> = (0..3).map(|_| pauses.enter(SERVER.into()).ok().unwrap()).collect();
        let lucky = together.pop().unwrap();
        together.into_iter().for_each(super::Attempt::refused);
        clock.advance(PAUSE);
        let probe = pauses.enter(SERVER.into()).ok().unwrap();
        lucky.answered();
        drop(probe);
        assert!(!refused(&pauses));
    }

    #[test]
    fn strangers_do_not_fill_memory_with_servers_that_do_not_exist() {
        let (pauses, clock) = pauses();
        let fail = |server: String| pauses.enter(server).map(super::Attempt::refused);
        (0..=SERVERS_MAX).for_each(|server| assert!(fail(server.to_string()).is_ok()));
        assert_eq!(pauses.silent.lock().len(), SERVERS_MAX);
        clock.advance(PAUSE + PAUSE_MAX);
        fail("new".into()).unwrap();
        assert!(fail("new".into()).is_err(), "old ones make room");
    }
}
