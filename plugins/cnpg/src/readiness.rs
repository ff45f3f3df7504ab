//! Whether a replica can take over as primary now, and what it would cost: rules over the Cluster, its pods, what PostgreSQL says live,
//! and the primary lease. The tool that shows it is switchover_readiness; promote_cluster_instance passes through it.

mod candidate;
mod whole;

use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::instance::{self, Instances};
use crate::kind::LEASES;
use crate::problem::Problem;
use crate::status::live;

pub(crate) use candidate::Candidate;

/// Most instances that are asked live, one request each.
const ASKED: usize = 9;
/// One WAL segment of the default size, in bytes: a streaming replica is rarely further behind.
pub(crate) const LAG_MAX: i64 = 16 * 1024 * 1024;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Not even by force.
    Forbids,
    /// Not without force.
    Risks,
    /// Good to know.
    Notes,
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) weight: Weight,
    pub(crate) words: String,
}

/// What is known.
pub(crate) struct Facts<'a> {
    pub(crate) cluster: Cluster<'a>,
    pub(crate) instances: &'a Instances,
    /// By instance; absent: not asked.
    live: Vec<(String, Result<Value, Problem>)>,
    lease: Option<Value>,
    lag_max: i64,
}

/// The judgement.
pub(crate) struct Assessment {
    pub(crate) whole: Vec<Finding>,
    pub(crate) candidates: Vec<Candidate>,
}

/// Findings that weigh so much, as text.
pub(crate) fn weighing(findings: &[Finding], weight: Weight) -> Vec<String> {
    findings.iter().filter(|one| one.weight == weight).map(|one| one.words.clone()).collect()
}

/// What kind of finding it is: its words without the detail (after `: ` or ` (`) and without measures, so that a lag which moves on
/// stays the same finding.
pub(crate) fn kind(words: &str) -> String {
    let head = words.split(": ").next().and_then(|one| one.split(" (").next()).unwrap_or_default();
    let number = |word: &&str| word.chars().all(|one| one.is_ascii_digit() || one.is_ascii_punctuation());
    head.split(' ').filter(|word| !number(word)).collect::<Vec<_>>().join(" ")
}

impl<'a> Facts<'a> {
    /// Asks the primary and these instances.
    pub(crate) fn gather(call: &Call<'_>, cluster: Cluster<'a>, instances: &'a Instances, asked: &[&str], lag_max: i64) -> Self {
        let running = |name: &&str| instances.find(name).is_some_and(|pod| instance::is_healthy(pod, cluster));
        let mut names: Vec<&str> = cluster.primary().into_iter().filter(|one| instances.find(one).is_some()).collect();
        names.extend(asked.iter().copied().filter(running).filter(|one| Some(*one) != cluster.primary()).take(ASKED));
        let mut live = Vec::new();
        for name in names {
            let answer = live::ask(call, cluster.namespace(), name);
            // Without permission every further request would say the same.
            let refused = answer.as_ref().is_err_and(|problem| problem.code == 403);
            live.push((name.to_owned(), answer));
            if refused {
                break;
            }
        }
        let lease = call.get(&LEASES.within(cluster.namespace()).named(cluster.name())).ok();
        Self { cluster, instances, live, lease, lag_max }
    }

    fn live(&self, name: &str) -> Option<&Value> {
        self.live.iter().find(|(one, _)| one == name).and_then(|(_, answer)| answer.as_ref().ok())
    }

    /// Why an instance could not be asked.
    fn silence(&self, name: &str) -> String {
        let own = self.live.iter().find(|(one, _)| one == name).and_then(|(_, answer)| answer.as_ref().err());
        let any = || self.live.iter().find_map(|(_, answer)| answer.as_ref().err().filter(|problem| problem.code == 403));
        own.or_else(any).map_or_else(|| "it was not asked".into(), |problem| problem.message.to_string())
    }

    /// Judges the cluster, and each of these as the next primary.
    pub(crate) fn assess(&self, names: &[&str]) -> Assessment {
        Assessment { whole: whole::findings(self), candidates: names.iter().map(|name| candidate::judge(self, name)).collect() }
    }
}

/// Bytes of WAL before an LSN (`16/B374D848`).
fn position(lsn: Option<&str>) -> Option<i64> {
    let (high, low) = lsn?.split_once('/')?;
    let part = |text: &str| i64::from_str_radix(text, 16).ok();
    part(high)?.checked_mul(1 << 32)?.checked_add(part(low)?)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn a_position_in_the_wal_counts_bytes() {
        assert_eq!(position(Some("0/10")), Some(16));
        assert_eq!(position(Some("1/0")), Some(4_294_967_296));
        assert_eq!((position(Some("x")), position(Some("FFFFFFFF0/0")), position(None)), (None, None, None));
    }
}
