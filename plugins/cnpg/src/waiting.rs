//! Waits for a cluster to settle, by watch: progress at each change of phase, an end at phases that lead nowhere, and never
//! longer than the host lets the call run. Swallows no error.

use portcullis_plugin::kubernetes::{ListOptions, OBJECT, Target, Watch};
use serde_json::{Value, json};

use crate::call::{Call, parse};
use crate::cluster::Cluster;
use crate::explain::{Action, explain};
use crate::phase::{self, Health};
use crate::problem::Problem;
use crate::time;

/// Kept back from the deadline to write the answer, in milliseconds.
const RESERVE_MS: u64 = 1_500;
/// How often a watch that broke (410, lost connection, busy server) is opened again before the wait gives up.
const REOPEN_MAX: u32 = 5;

/// How a wait ended, with the cluster as it was last seen.
#[derive(Debug)]
pub(crate) struct Waited {
    pub(crate) end: End,
    pub(crate) cluster: Value,
    /// Milliseconds.
    pub(crate) took_ms: u64,
}

/// Why it ended.
#[derive(Debug)]
pub(crate) enum End {
    Ready,
    /// Time is up; the operator goes on.
    StillWorking,
    /// A phase that the operator does not leave by itself.
    Stuck,
    Deleted,
    /// The API server refused the watch.
    Blind(Problem),
}

/// Seconds to wait: as asked, else 60 per instance between 30 and 600 (REF's rule).
pub(crate) fn seconds(asked: Option<i64>, instances: i64) -> u64 {
    u64::try_from(asked.unwrap_or_else(|| (60 * instances).clamp(30, 600))).unwrap_or(30)
}

struct Wait<'a> {
    call: &'a Call<'a>,
    target: &'a Target,
    instances: i64,
    until_ms: u64,
    began_ms: u64,
    steps: u32,
    said: String,
    cluster: Value,
}

/// Waits until `cluster` (as it was just written) has `instances` ready ones.
pub(crate) fn until_settled(call: &Call<'_>, target: &Target, cluster: Value, instances: i64, seconds: u64) -> Waited {
    let began_ms = call.host.elapsed_ms();
    let budget = (seconds * 1000).min(call.remaining_ms().saturating_sub(RESERVE_MS));
    let mut wait =
        Wait { call, target, instances, until_ms: began_ms + budget, began_ms, steps: 0, said: String::new(), cluster };
    let end = wait.run();
    Waited { end, took_ms: call.host.elapsed_ms().saturating_sub(wait.began_ms), cluster: wait.cluster }
}

impl Wait<'_> {
    fn run(&mut self) -> End {
        let mut reopened = 0;
        loop {
            if let Some(end) = self.look() {
                return end;
            }
            match self.watch_once() {
                Ok(Some(end)) => return end,
                Ok(None) => {}
                Err(problem) if problem.retryable && reopened < REOPEN_MAX => reopened += 1,
                Err(problem) => return End::Blind(problem),
            }
            if self.left_ms() == 0 {
                return End::StillWorking;
            }
            match self.call.get(self.target) {
                Ok(now) => self.cluster = now,
                Err(problem) if problem.code == 404 => return End::Deleted,
                Err(problem) if problem.retryable && reopened < REOPEN_MAX => reopened += 1,
                Err(problem) => return End::Blind(problem),
            }
        }
    }

    fn left_ms(&self) -> u64 {
        self.until_ms.saturating_sub(self.call.host.elapsed_ms())
    }

    /// One watch, to its end or ours. None: open another one.
    fn watch_once(&mut self) -> Result<Option<End>, Problem> {
        let action = Action::new("watch", self.target);
        let name = self.target.name.as_deref().unwrap_or_default();
        let all = Target { name: None, ..self.target.clone() };
        let options = ListOptions {
            field_selector: Some(format!("metadata.name={name}")),
            resource_version: Some(Cluster(&self.cluster).resource_version().into()),
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
                return Ok(Some(End::StillWorking));
            }
            match watcher.next(left).map_err(|status| explain(status, action))? {
                Some(event) if event.kind == "DELETED" => return Ok(Some(End::Deleted)),
                Some(event) if event.kind == "BOOKMARK" => {}
                Some(event) => {
                    self.cluster = parse(&event.object)?;
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
        let cluster = Cluster(&self.cluster);
        let words =
            format!("{} ({}/{} ready)", cluster.phase().unwrap_or("Waiting for the operator"), cluster.ready(), self.instances);
        if words != self.said {
            self.steps += 1;
            self.call.host.progress(self.steps, &words);
            self.said = words;
        }
        if cluster.is_settled_at(self.instances) {
            return Some(End::Ready);
        }
        (phase::health(cluster.phase()) == Health::Failed).then_some(End::Stuck)
    }
}

impl Waited {
    /// For `structuredContent`.
    pub(crate) fn structured(&self) -> Value {
        let (outcome, problem) = match &self.end {
            End::Ready => ("ready", None),
            End::StillWorking => ("timed_out", None),
            End::Stuck => ("failed", None),
            End::Deleted => ("deleted", None),
            End::Blind(problem) => ("not_watched", Some(problem.structured())),
        };
        json!({"outcome": outcome, "waited_seconds": self.took_ms / 1000, "problem": problem})
    }

    /// For people; `Err` when the cluster will not get there by itself.
    pub(crate) fn words(&self) -> Result<String, Problem> {
        let cluster = Cluster(&self.cluster);
        let took = time::span(i64::try_from(self.took_ms / 1000).unwrap_or(0));
        let phase = cluster.phase().unwrap_or("not looked at by the operator yet");
        match &self.end {
            End::Ready => Ok(format!("Ready after {took}: {}/{} instances.", cluster.ready(), cluster.instances())),
            End::StillWorking => Ok(format!(
                "Not ready yet after {took}: {phase}, {}/{} instances. The operator goes on by itself; look again with `get_cluster_status`.",
                cluster.ready(),
                cluster.instances()
            )),
            End::Blind(problem) => {
                Ok(format!("The change was made, but this server could not watch it:\n\n{}", problem.markdown()))
            }
            End::Deleted => Err(self.ended("Deleted", "somebody deleted it while this call waited".into())),
            End::Stuck => {
                let reason = cluster.phase_reason().map(|one| format!(" ({one})")).unwrap_or_default();
                Err(self.ended("ClusterFailed", format!("the operator stopped at \"{phase}\"{reason}")))
            }
        }
    }

    fn ended(&self, reason: &str, message: String) -> Problem {
        let cluster = Cluster(&self.cluster);
        let message = format!("cluster `{}/{}`: {message}", cluster.namespace(), cluster.name());
        let hint = match phase::meaning(cluster.phase()) {
            "" => "The change itself was made.".to_owned(),
            meaning => format!("The change itself was made. What the phase means: {meaning}."),
        };
        Problem::refused(reason, message, hint).next(&["get_cluster_status", "delete_postgres_cluster"])
    }
}
