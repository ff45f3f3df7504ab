//! What the rules look at: the cluster, what belongs to it, and what its instances say. What could not be read is simply not there.

use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{list, text};
use crate::status::backups::of_cluster;
use crate::status::events::concerns;
use crate::status::instances::is_instance;
use crate::status::live;
use crate::status::part::{self, Part, Parts};
use crate::time;

/// Instances asked for their live status.
const ASKED: usize = 9;

/// All of it.
pub(crate) struct Scene<'a> {
    pub(crate) cluster: Cluster<'a>,
    parts: Parts,
    /// `/pg/status` of each instance that answered, with its name.
    pub(crate) live: Vec<(String, Value)>,
    pub(crate) now: i64,
    /// What could not be read, with the reason.
    pub(crate) not_examined: Vec<String>,
}

impl<'a> Scene<'a> {
    /// Reads it.
    pub(crate) fn read(call: &Call<'_>, cluster: Cluster<'a>) -> Self {
        let parts = part::read_all(call, cluster, &["instances", "storage", "backups", "failover", "events", "poolers"]);
        let mut scene = Self { cluster, parts, live: Vec::new(), now: call.host.now(), not_examined: Vec::new() };
        for (part, found) in &scene.parts {
            // Kinds that this server does not have, and objects that a cluster need not have.
            if let Err(problem) = found
                && problem.code != 404
            {
                scene.not_examined.push(format!("{part:?} ({})", problem.reason).to_lowercase());
            }
        }
        scene.ask(call);
        scene
    }

    fn ask(&mut self, call: &Call<'_>) {
        let running = |one: &&&Value| text(one, "/status/phase") == Some("Running");
        let names: Vec<String> = self
            .pods()
            .iter()
            .filter(running)
            .filter_map(|one| text(one, "/metadata/name"))
            .take(ASKED)
            .map(Into::into)
            .collect();
        for name in names {
            match live::ask(call, self.cluster.namespace(), &name) {
                Ok(status) => self.live.push((name, status)),
                Err(problem) if problem.code == 403 => {
                    self.not_examined.push(format!("live status ({})", problem.reason));
                    return;
                }
                Err(problem) => self.not_examined.push(format!("live status of {name} ({})", problem.reason)),
            }
        }
    }

    fn found(&self, part: Part) -> Option<&Value> {
        self.parts.get(&part)?.as_ref().ok()
    }

    /// Whether that part was read, so that its emptiness means something.
    pub(crate) fn knows(&self, part: Part) -> bool {
        self.found(part).is_some()
    }

    fn items(&self, part: Part) -> &[Value] {
        self.found(part).map_or(&[], |found| list(found, "/items"))
    }

    /// Pods that run PostgreSQL.
    pub(crate) fn pods(&self) -> Vec<&Value> {
        self.items(Part::Pods).iter().filter(|one| is_instance(one)).collect()
    }

    pub(crate) fn claims(&self) -> &[Value] {
        self.items(Part::Claims)
    }

    /// Those of this cluster among backups, schedules, poolers.
    pub(crate) fn mine(&self, part: Part) -> Vec<&Value> {
        self.found(part).map(|found| of_cluster(found, self.cluster.name())).unwrap_or_default()
    }

    pub(crate) fn lease(&self) -> Option<&Value> {
        self.found(Part::Lease)
    }

    /// Warnings about it, with this reason.
    pub(crate) fn warnings(&self, reason: &str) -> Vec<&Value> {
        let fits = |one: &&Value| concerns(one, self.cluster.name()) && text(one, "/reason") == Some(reason);
        self.items(Part::Events).iter().filter(fits).collect()
    }

    /// Seconds since a stamp.
    pub(crate) fn since(&self, stamp: Option<&str>) -> Option<i64> {
        stamp.and_then(time::seconds).map(|then| self.now - then)
    }

    /// Message of a condition that is False.
    pub(crate) fn failing(&self, condition: &str) -> Option<String> {
        let found = self.cluster.condition(condition).filter(|one| text(one, "/status") == Some("False"))?;
        let message = text(found, "/message").or_else(|| text(found, "/reason")).unwrap_or("no message");
        Some(crate::text::short(message))
    }

    /// Names of the pods that fit.
    pub(crate) fn pods_where(&self, fits: impl Fn(&Value) -> bool) -> Option<String> {
        join(self.pods().into_iter().filter(|one| fits(one)).filter_map(|one| text(one, "/metadata/name")))
    }

    /// Names of the instances whose live status fits.
    pub(crate) fn live_where(&self, fits: impl Fn(&Value) -> bool) -> Option<String> {
        join(self.live.iter().filter(|(_, status)| fits(status)).map(|(name, _)| name.as_str()))
    }
}

/// At most twenty names; none if there are none.
pub(super) fn join<'s>(names: impl Iterator<Item = &'s str>) -> Option<String> {
    let mut all: Vec<&str> = names.collect();
    let more = all.len().saturating_sub(20);
    all.truncate(20);
    let words = crate::text::short(&all.join(", "));
    match (all.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(words),
        (false, more) => Some(format!("{words} and {more} more")),
    }
}

/// A flag of an object.
pub(super) fn yes(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}
