//! Watches one object until it got where it should, for every kind: progress at each change, an end at states that lead nowhere, and
//! never longer than the host lets the call run. What "there" means is the judge's; what to tell people is the caller's.

use portcullis_plugin::kubernetes::{ListOptions, OBJECT, Target, Watch};
use serde_json::Value;

use crate::call::{Call, parse};
use crate::explain::{Action, explain};
use crate::json::{json, text};
use crate::problem::Problem;

/// Kept back from the deadline to write the answer, in milliseconds.
const RESERVE_MS: u64 = 1_500;
/// How often in a row a watch that broke (410, lost connection, busy server) is opened again before the wait gives up.
const REOPEN_MAX: u32 = 5;
/// Milliseconds before a watch is opened again: doubled each time, since an API server that closes watches is short of something.
const PAUSE_MS: u64 = 250;
const PAUSE_MAX_MS: u64 = 2_000;

/// What the judge says of the object as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Going,
    Reached,
    /// It will not get there by itself.
    Failed,
}

/// Why a watch ended.
#[derive(Debug)]
pub(crate) enum End {
    Reached,
    /// Time is up; the operator goes on.
    TimedOut,
    Failed,
    Deleted,
    /// The API server refused the watch.
    Blind(Problem),
}

/// How it ended, with the object as it was last seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) end: End,
    pub(crate) object: Value,
    pub(crate) took_ms: u64,
}

/// The verdict, and the state in a few words, which are reported as progress when they change.
pub(crate) type Judge<'a> = &'a dyn Fn(&Value) -> (Verdict, String);

struct Watching<'a> {
    call: &'a Call<'a>,
    target: &'a Target,
    judge: Judge<'a>,
    until_ms: u64,
    steps: u32,
    said: String,
    object: Value,
    /// Watches in a row that showed nothing.
    fruitless: u32,
}

/// Watches `object` (as it was just read or written) for at most this many seconds.
pub(crate) fn until(call: &Call<'_>, target: &Target, object: Value, seconds: u64, judge: Judge<'_>) -> Seen {
    let began_ms = call.host.elapsed_ms();
    let until_ms = began_ms + seconds.saturating_mul(1000).min(call.remaining_ms().saturating_sub(RESERVE_MS));
    let mut watching = Watching { call, target, judge, until_ms, steps: 0, said: String::new(), object, fruitless: 0 };
    let end = watching.run();
    Seen { end, object: watching.object, took_ms: call.host.elapsed_ms().saturating_sub(began_ms) }
}

impl Watching<'_> {
    fn run(&mut self) -> End {
        loop {
            if let Some(end) = self.look() {
                return end;
            }
            let wait = match self.watch_once() {
                Ok(Some(end)) => return end,
                Ok(None) => None,
                Err(problem) if problem.retryable && self.fruitless < REOPEN_MAX => problem.retry_after_ms,
                Err(problem) => return End::Blind(problem),
            };
            if self.left_ms() == 0 {
                return End::TimedOut;
            }
            self.pause(wait);
            match self.call.get(self.target) {
                Ok(now) if self.is_another(&now) => return End::Deleted,
                Ok(now) => self.object = now,
                Err(problem) if problem.code == 404 => return End::Deleted,
                Err(problem) if problem.retryable && self.fruitless < REOPEN_MAX => {}
                Err(problem) => return End::Blind(problem),
            }
        }
    }

    fn left_ms(&self) -> u64 {
        self.until_ms.saturating_sub(self.call.host.elapsed_ms())
    }

    /// Whether another object has taken the name while nobody watched.
    fn is_another(&self, now: &Value) -> bool {
        let uid = |object| text(object, "/metadata/uid");
        uid(&self.object).is_some_and(|was| uid(now).is_some_and(|is| is != was))
    }

    /// As long as the server asks for, else longer each time.
    fn pause(&mut self, asked_ms: Option<u32>) {
        let ours = (PAUSE_MS << self.fruitless.min(8)).min(PAUSE_MAX_MS);
        self.fruitless += 1;
        self.call.host.pause(asked_ms.map_or(ours, u64::from).min(self.left_ms()));
    }

    /// One watch, to its end or ours. None: open another one.
    fn watch_once(&mut self) -> Result<Option<End>, Problem> {
        let action = Action::new("watch", self.target);
        let name = self.target.name.as_deref().unwrap_or_default();
        let all = Target { name: None, ..self.target.clone() };
        let options = ListOptions {
            field_selector: Some(format!("metadata.name={name}")),
            resource_version: text(&self.object, "/metadata/resourceVersion").map(Into::into),
            ..ListOptions::default()
        };
        let server_seconds = u32::try_from(self.left_ms().div_ceil(1000)).unwrap_or(600).max(1);
        let mut watcher =
            self.call.api.watch(&all, &options, OBJECT, server_seconds).map_err(|status| explain(status, &action))?;
        self.follow(&mut *watcher, &action)
    }

    fn follow(&mut self, watcher: &mut dyn Watch, action: &Action<'_>) -> Result<Option<End>, Problem> {
        loop {
            let left = u32::try_from(self.left_ms()).unwrap_or(u32::MAX);
            if left == 0 {
                return Ok(Some(End::TimedOut));
            }
            match watcher.next(left).map_err(|status| explain(status, action))? {
                Some(event) if event.kind == "DELETED" => return Ok(Some(End::Deleted)),
                Some(event) if event.kind == "BOOKMARK" => {}
                Some(event) => {
                    self.fruitless = 0;
                    self.object = parse(&event.object)?;
                    if let Some(end) = self.look() {
                        return Ok(Some(end));
                    }
                }
                None if watcher.ended() => return Ok(None),
                None => {}
            }
        }
    }

    /// Reports what is new and decides whether that is the end.
    fn look(&mut self) -> Option<End> {
        let (verdict, words) = (self.judge)(&self.object);
        if words != self.said {
            self.steps += 1;
            self.call.host.progress(self.steps, &words);
            self.said = words;
        }
        match verdict {
            Verdict::Going => None,
            Verdict::Reached => Some(End::Reached),
            Verdict::Failed => Some(End::Failed),
        }
    }
}

impl Seen {
    /// For `structuredContent`.
    pub(crate) fn structured(&self) -> Value {
        let (outcome, problem) = match &self.end {
            End::Reached => ("ready", None),
            End::TimedOut => ("timed_out", None),
            End::Failed => ("failed", None),
            End::Deleted => ("deleted", None),
            End::Blind(problem) => ("not_watched", Some(problem.structured())),
        };
        json!({"outcome": outcome, "waited_seconds": self.took_ms / 1000, "problem": problem})
    }
}
