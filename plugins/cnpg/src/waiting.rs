//! Waits for a cluster to settle: what that means, and what to tell people at the end. The watching itself is in `watching`.
//! Swallows no error.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::phase::{self, Health};
use crate::problem::Problem;
use crate::text::short;
use crate::time;
use crate::watching::{self, End, Seen, Verdict};

/// How a wait for a cluster ended.
#[derive(Debug)]
pub(crate) struct Waited(Seen);

/// Seconds to wait: as asked, else 60 per instance between 30 and 600 (REF's rule).
pub(crate) fn seconds(asked: Option<i64>, instances: i64) -> u64 {
    u64::try_from(asked.unwrap_or_else(|| (60 * instances).clamp(30, 600))).unwrap_or(30)
}

/// Waits until `cluster` (as it was just written) has `instances` ready ones.
pub(crate) fn until_settled(call: &Call<'_>, target: &Target, cluster: Value, instances: i64, seconds: u64) -> Waited {
    Waited(watching::until(call, target, cluster, seconds, &|object| judge(Cluster(object), instances)))
}

fn judge(cluster: Cluster<'_>, instances: i64) -> (Verdict, String) {
    let phase = short(cluster.phase().unwrap_or("Waiting for the operator"));
    let words = format!("{phase} ({}/{instances} ready)", cluster.ready());
    let verdict = if cluster.is_settled_at(instances) {
        Verdict::Reached
    } else if phase::health(cluster.phase()) == Health::Failed {
        // A phase that the operator does not leave by itself.
        Verdict::Failed
    } else {
        Verdict::Going
    };
    (verdict, words)
}

impl Waited {
    /// For `structuredContent`.
    pub(crate) fn structured(&self) -> Value {
        self.0.structured()
    }

    /// For people; `Err` when the cluster will not get there by itself.
    pub(crate) fn words(&self) -> Result<String, Problem> {
        let cluster = Cluster(&self.0.object);
        let took = time::span(i64::try_from(self.0.took_ms / 1000).unwrap_or(0));
        let phase = short(cluster.phase().unwrap_or("not looked at by the operator yet"));
        match &self.0.end {
            End::Reached => Ok(format!("Ready after {took}: {}/{} instances.", cluster.ready(), cluster.instances())),
            End::TimedOut => Ok(format!(
                "Not ready yet after {took}: {phase}, {}/{} instances. The operator goes on by itself; look again with `get_cluster_status`.",
                cluster.ready(),
                cluster.instances()
            )),
            End::Blind(problem) => {
                Ok(format!("The change was made, but this server could not watch it:\n\n{}", problem.markdown()))
            }
            End::Deleted => Err(self.ended("Deleted", "somebody deleted it while this call waited".into())),
            End::Failed => {
                let reason = cluster.phase_reason().map(|one| format!(" ({})", short(one))).unwrap_or_default();
                Err(self.ended("ClusterFailed", format!("the operator stopped at \"{phase}\"{reason}")))
            }
        }
    }

    fn ended(&self, reason: &str, message: String) -> Problem {
        let cluster = Cluster(&self.0.object);
        let message = format!("cluster `{}/{}`: {message}", cluster.namespace(), cluster.name());
        let hint = match phase::meaning(cluster.phase()) {
            "" => "The change itself was made.".to_owned(),
            meaning => format!("The change itself was made. What the phase means: {meaning}."),
        };
        Problem::refused(reason, message, hint).next(&["get_cluster_status", "delete_postgres_cluster"])
    }
}
