//! What makes up one instance: its pod, volume claims and jobs, each only if the Cluster owns it, and whether the cluster can do without.

use portcullis_plugin::kubernetes::{Kind, Read};
use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::guard;
use crate::instance::{Instances, is_healthy, unknown};
use crate::json::{is_owned_by, label, list, text};
use crate::kind::{CLUSTER_LABEL, JOBS, PODS, VOLUME_CLAIMS};
use crate::problem::Problem;
use crate::text::{count, short};

/// Objects per list.
const PAGE: u32 = 250;
/// Label by which claims and jobs name their instance.
pub(super) const INSTANCE_LABEL: &str = "cnpg.io/instanceName";

/// The parts of one instance.
pub(super) struct Parts {
    pub(super) pod: Option<Value>,
    pub(super) claims: Vec<Value>,
    pub(super) jobs: Vec<Value>,
    /// Claims that carry its name and are not the cluster's.
    pub(super) strangers: Vec<String>,
    pub(super) instances: Instances,
    uid: String,
}

impl Parts {
    /// Reads them.
    pub(super) fn read(call: &Call<'_>, cluster: Cluster<'_>, instance: &str) -> Result<Self, Problem> {
        let labelled = |kind: Kind| -> Read {
            let selector = format!("{CLUSTER_LABEL}={}", cluster.name());
            kind.within(cluster.namespace()).list().labels(selector).limit(PAGE).into()
        };
        let mut found = call.read_many(&[labelled(PODS), labelled(VOLUME_CLAIMS), labelled(JOBS)]).into_iter();
        let mut next = || found.next().unwrap_or(Ok(Value::Null));
        let (pods, claims, jobs) = (next()?, next()?, next()?);
        let instances = Instances::of(&pods, cluster);
        let of_it = |one: &&Value| belongs(one, instance);
        let (claims, strangers): (Vec<&Value>, Vec<&Value>) =
            list(&claims, "/items").iter().filter(of_it).partition(|one| is_owned_by(one, cluster.uid()));
        let own_job = |one: &&Value| label(one, INSTANCE_LABEL) == Some(instance) && is_owned_by(one, cluster.uid());
        Ok(Self {
            pod: instances.find(instance).cloned(),
            claims: claims.into_iter().cloned().collect(),
            jobs: list(&jobs, "/items").iter().filter(own_job).cloned().collect(),
            strangers: strangers.iter().filter_map(|one| text(one, "/metadata/name")).map(str::to_owned).collect(),
            instances,
            uid: cluster.uid().to_owned(),
        })
    }

    /// What tells this instance from a later one of the same name.
    pub(super) fn identity(&self) -> &str {
        let first = self.pod.as_ref().or(self.claims.first());
        first.and_then(|one| text(one, "/metadata/uid")).unwrap_or(&self.uid)
    }

    pub(super) fn claim_names(&self) -> Vec<&str> {
        self.claims.iter().filter_map(|one| text(one, "/metadata/name")).collect()
    }

    /// Refuses what the cluster cannot do without; else what a person should know.
    pub(super) fn guard(&self, cluster: Cluster<'_>, instance: &str) -> Result<Vec<String>, Problem> {
        guard::is_awake(cluster)?;
        guard::is_not_moving(cluster)?;
        let primary = cluster.primary().unwrap_or_default();
        if instance == primary {
            return Err(refused("IsPrimary", format!("`{instance}` is the primary"), "Promote a replica first.")
                .next(&["promote_cluster_instance"]));
        }
        if self.pod.is_none() && self.claims.is_empty() {
            return Err(unknown(cluster, instance, &self.instances.names()));
        }
        if !self.instances.find(primary).is_some_and(|pod| is_healthy(pod, cluster)) {
            let message =
                format!("the primary `{}` is not ready, so `{instance}` may be the best copy of the data", short(primary));
            return Err(refused("PrimaryUnhealthy", message, "See to the primary first.").next(&["get_cluster_status"]));
        }
        self.others(cluster, instance, primary)
    }

    fn others(&self, cluster: Cluster<'_>, instance: &str, primary: &str) -> Result<Vec<String>, Problem> {
        let left = self.instances.healthy(cluster, &[primary, instance]).len();
        let is_well = self.pod.as_ref().is_some_and(|pod| is_healthy(pod, cluster));
        if is_well && left == 0 {
            let message = format!("`{instance}` is the last healthy replica: without it nothing can take over from {primary}");
            let hint = "Add an instance, wait until it is ready, then delete this one.";
            return Err(refused("LastReplica", message, hint).next(&["scale_postgres_cluster", "get_cluster_status"]));
        }
        let Some(number) = cluster.synchronous().filter(|number| usize::try_from(*number).is_ok_and(|number| left < number))
        else {
            return Ok(Vec::new());
        };
        let words = format!("synchronous replication wants {}, and {left} would be left", count(number, "standby"));
        if is_well && text(cluster.0, "/spec/postgresql/synchronous/dataDurability") != Some("preferred") {
            let hint = "Writes would wait until the instance is cloned anew. Add an instance first.";
            return Err(refused("SynchronousReplication", words, hint).next(&["scale_postgres_cluster"]));
        }
        Ok(vec![words])
    }
}

fn refused(reason: &str, message: String, hint: &str) -> Problem {
    Problem::refused(reason, format!("{message}; nothing was deleted"), hint)
}

/// By its label, or by the names that CloudNativePG gives: `db-2`, `db-2-wal`, `db-2-tbs-x`.
fn belongs(claim: &Value, instance: &str) -> bool {
    if let Some(named) = label(claim, INSTANCE_LABEL) {
        return named == instance;
    }
    let rest = text(claim, "/metadata/name").and_then(|name| name.strip_prefix(instance));
    rest.is_some_and(|rest| rest.is_empty() || rest == "-wal" || rest.starts_with("-tbs-"))
}
