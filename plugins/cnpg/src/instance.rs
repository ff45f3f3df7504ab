//! The instances of a cluster, one by one: which pods are its own, which one a caller means, which ones are well. A pod counts only if
//! the Cluster owns it (by uid): a label alone proves nothing.

use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{is_owned_by, list, text};
use crate::kind::{CLUSTER_LABEL, PODS};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;
use crate::status::instances::{is_instance, is_ready};
use crate::text::short;

/// Pods per list: more than any cluster that `maxInstances` allows by default, poolers included.
const PAGE: u32 = 250;

/// The parameter that names one.
pub(crate) const INSTANCE: Parameter = Parameter::required(
    "instance",
    Takes::Text(crate::name::OBJECT_PATTERN),
    "Name of the instance (its pod), e.g. `db-2`, or just its number. `get_cluster_status` with the section `instances` lists them.",
);

/// Those of one cluster.
pub(crate) struct Instances {
    pods: Vec<Value>,
}

/// The name that was meant: `2` is short for `db-2`.
pub(crate) fn meant(cluster: Cluster<'_>, asked: &str) -> String {
    let number = !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit());
    if number { format!("{}-{asked}", cluster.name()) } else { asked.to_owned() }
}

impl Instances {
    /// Reads them.
    pub(crate) fn read(call: &Call<'_>, cluster: Cluster<'_>) -> Result<Self, Problem> {
        let selector = format!("{CLUSTER_LABEL}={}", cluster.name());
        let found = call.list(&PODS.within(cluster.namespace()).list().labels(selector).limit(PAGE))?;
        Ok(Self::of(&found, cluster))
    }

    /// Those of a list of pods.
    pub(crate) fn of(pods: &Value, cluster: Cluster<'_>) -> Self {
        let own = |pod: &&Value| is_instance(pod) && is_owned_by(pod, cluster.uid());
        Self { pods: list(pods, "/items").iter().filter(own).cloned().collect() }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.pods.iter().map(name).collect()
    }

    pub(crate) fn find(&self, wanted: &str) -> Option<&Value> {
        self.pods.iter().find(|pod| name(pod) == wanted)
    }

    /// The one of that name, or what there is instead.
    pub(crate) fn named(&self, cluster: Cluster<'_>, wanted: &str) -> Result<&Value, Problem> {
        self.find(wanted).ok_or_else(|| unknown(cluster, wanted, &self.names()))
    }

    /// Instances that are well, without those named.
    pub(crate) fn healthy<'a>(&'a self, cluster: Cluster<'a>, without: &[&str]) -> Vec<&'a str> {
        let well = |pod: &&Value| is_healthy(pod, cluster) && !without.contains(&name(pod));
        self.pods.iter().filter(well).map(name).collect()
    }
}

/// Refuses an instance that the cluster does not have.
pub(crate) fn unknown(cluster: Cluster<'_>, wanted: &str, known: &[&str]) -> Problem {
    let known = if known.is_empty() { "it has none".into() } else { format!("it has {}", known.join(", ")) };
    let message = format!("cluster `{}` has no instance `{}` ({known})", cluster.name(), short(wanted));
    Problem::argument("instance", message, "Name one of them.").next(&["get_cluster_status"])
}

pub(crate) fn name(pod: &Value) -> &str {
    text(pod, "/metadata/name").unwrap_or_default()
}

/// Ready, not fenced, not going away.
pub(crate) fn is_healthy(pod: &Value, cluster: Cluster<'_>) -> bool {
    is_ready(pod) && !is_fenced(cluster, name(pod)) && text(pod, "/metadata/deletionTimestamp").is_none()
}

pub(crate) fn is_fenced(cluster: Cluster<'_>, name: &str) -> bool {
    cluster.fenced().iter().any(|one| one == name || one == "*")
}
