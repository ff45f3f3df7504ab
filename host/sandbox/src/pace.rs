//! How a guest that computes for long shares the processors. Pure: asked at each epoch, answers what to do.
//!
//! A guest that only yields is run again at once, so one that never stops keeps a whole thread, and short calls wait behind it. One that
//! has computed for more than a burst therefore rests between its turns, but only while others call: alone, it loses nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::TICK;

/// Ticks of computing before a guest has to rest. 10 ms: a thousand times a small call, and more than parsing the largest reply takes.
const BURST: u32 = 10;

/// How long a guest rests between two ticks. The timer's own grain, which makes it one to two ticks.
pub(crate) const REST: Duration = TICK;

/// How long after another call began there is company. 100 ms: ten calls a second are enough to be considerate.
const COMPANY: Duration = Duration::from_millis(100);

/// What a guest does at an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Gives way and goes on.
    Yield,
    /// Goes on after [`REST`].
    Rest,
}

/// One call's record of its computing.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Ticks computed, less those waited.
    used: u32,
    last: Option<Instant>,
    /// Calls begun when this one looked last, and when that had last grown.
    begun: usize,
    company: Option<Instant>,
}

impl Pace {
    /// `begun` counts all calls so far, this one included.
    pub(crate) fn new(begun: usize) -> Self {
        Self { used: 0, last: None, begun, company: None }
    }

    /// An epoch ended while the guest computed.
    pub(crate) fn turn(&mut self, now: Instant, begun: usize) -> Turn {
        let since = self.last.replace(now).map_or(TICK, |last| now.saturating_duration_since(last));
        let ticks = u32::try_from(since.as_micros() / TICK.as_micros()).unwrap_or(u32::MAX);
        self.used = self.used.saturating_sub(ticks.saturating_sub(1)).saturating_add(1).min(BURST + 1);
        if begun != self.begun {
            (self.begun, self.company) = (begun, Some(now));
        }
        let accompanied = self.company.is_some_and(|last| now.saturating_duration_since(last) < COMPANY);
        if self.used <= BURST || !accompanied {
            return Turn::Yield;
        }
        // The rest itself is no waiting that would earn another burst.
        self.last = None;
        Turn::Rest
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{BURST, COMPANY, Pace, Turn};
    use crate::engine::TICK;

    /// Turns of a guest between whose epochs this much time passes; `begun` says how many calls there were at each.
    fn turns(between: Duration, count: u32, begun: impl Fn(u32) -> usize) -> Vec<Turn> {
        let (start, mut pace) = (Instant::now(), Pace::new(1));
        (0..count).map(|number| pace.turn(start + between * number, begun(number))).collect()
    }

    fn rests(turns: &[Turn]) -> usize {
        turns.iter().filter(|turn| **turn == Turn::Rest).count()
    }

    #[test]
    fn a_guest_that_computes_beyond_a_burst_rests_while_others_call() {
        let turns = turns(TICK, 100, |number| 1 + number as usize);
        assert_eq!(turns.iter().position(|turn| *turn == Turn::Rest), Some(BURST as usize));
        assert_eq!(rests(&turns), 100 - BURST as usize);
    }

    #[test]
    fn a_guest_alone_never_rests() {
        assert_eq!(rests(&turns(TICK, 1_000, |_| 1)), 0);
    }

    #[test]
    fn a_guest_whose_company_is_gone_rests_no_more() {
        let turns = turns(TICK, 400, |number| if number < 50 { 1 } else { 2 });
        let last = turns.iter().rposition(|turn| *turn == Turn::Rest);
        assert_eq!(last, Some(149), "{COMPANY:?} after call 50");
    }

    #[test]
    fn a_guest_that_waits_for_the_host_as_long_as_it_computes_never_rests() {
        assert_eq!(rests(&turns(TICK * 2, 1_000, |number| 1 + number as usize)), 0);
    }

    #[test]
    fn rests_earn_no_further_burst() {
        let (start, mut pace) = (Instant::now(), Pace::new(1));
        let mut now = start;
        let turns: Vec<Turn> = (0..100)
            .map(|number| {
                let turn = pace.turn(now, 1 + number);
                now += if turn == Turn::Rest { TICK * 20 } else { TICK };
                turn
            })
            .collect();
        assert_eq!(rests(&turns), 100 - BURST as usize);
    }
}
