//! How an instance goes: CloudNativePG 1.28 and later do it themselves when its pod is marked, and check once more that it is not the
//! primary; before, pod, jobs and claims are deleted one by one, as `kubectl cnpg destroy` does it.

use portcullis_plugin::kubernetes::Kind;
use serde_json::Value;

use super::parts::{INSTANCE_LABEL, Parts};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::deleting::{self, fences};
use crate::instance::name;
use crate::json::{annotation, json, list, text};
use crate::kind::{JOBS, PODS, VOLUME_CLAIMS};
use crate::problem::Problem;
use crate::served::Served;
use crate::text::short;

const UNRECOVERABLE: &str = "alpha.cnpg.io/unrecoverable";
/// First CloudNativePG that acts upon it.
const SINCE: (u32, u32) = (1, 28);

/// The way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Annotation,
    Delete,
    Detach,
}

/// What became of one part.
pub(super) enum Fate {
    Deleted,
    Detached,
    Failed(String),
}

/// What was done.
#[derive(Default)]
pub(super) struct Done {
    /// Plural, name, fate.
    pub(super) fates: Vec<(&'static str, String, Fate)>,
    pub(super) warnings: Vec<String>,
}

impl Method {
    /// The operator's version is that of the annotation it leaves on the pods it makes; with DatabaseRoles it is at least 1.30.
    pub(super) fn choose(call: &Call<'_>, parts: &Parts, keep: bool) -> Result<Self, Problem> {
        let Some(pod) = parts.pod.as_ref().filter(|_| !keep) else {
            return Ok(if keep { Self::Detach } else { Self::Delete });
        };
        let marked = annotation(pod, "cnpg.io/operatorVersion").and_then(version);
        let new = match marked {
            Some(version) if version >= SINCE => true,
            _ => Served::cnpg(call)?.has("databaseroles"),
        };
        Ok(if new { Self::Annotation } else { Self::Delete })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Annotation => "annotation",
            Self::Delete => "delete",
            Self::Detach => "detach",
        }
    }

    /// What happens next.
    pub(super) fn afterwards(self) -> &'static str {
        match self {
            Self::Annotation => {
                "the operator deletes it and clones it anew (under the same name since CloudNativePG 1.30, before under the next number)"
            }
            Self::Delete => {
                "the operator clones a new instance (under the same name since CloudNativePG 1.30, before under the next number)"
            }
            Self::Detach => {
                "the operator clones a new instance under another number; the claims that stay are nobody's: delete them when done"
            }
        }
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

impl Fate {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Detached => "detached",
            Self::Failed(_) => "failed",
        }
    }

    pub(super) fn message(&self) -> Option<&str> {
        if let Self::Failed(message) = self { Some(message) } else { None }
    }

    pub(super) fn words(&self, would: bool) -> String {
        match self {
            Self::Deleted if would => "would be deleted".into(),
            Self::Deleted => "being deleted".into(),
            Self::Detached if would => "would stay, detached from the cluster".into(),
            Self::Detached => "stays, detached from the cluster".into(),
            Self::Failed(message) => format!("could not be changed: {message}"),
        }
    }
}

/// The pod first, and nothing without it: a conflict there means that it was written since (its role may have changed), and the caller
/// looks again. What fails after that is told; CloudNativePG then brings the instance back on its volume.
pub(super) fn all(call: &Call<'_>, cluster: Cluster<'_>, parts: &Parts, method: &Method, dry_run: bool) -> Result<Done, Problem> {
    let mut done = Done::default();
    if let Some(pod) = &parts.pod {
        let target = PODS.within(cluster.namespace()).named(name(pod));
        let written = if *method == Method::Annotation {
            let version = text(pod, "/metadata/resourceVersion");
            let patch = json!({"metadata": {"resourceVersion": version, "annotations": {UNRECOVERABLE: "true"}}});
            call.merge(&target, &patch, dry_run)?
        } else {
            call.delete(&target, &fences(pod, dry_run))?
        };
        done.warnings.extend(written.warnings);
        done.fates.push((PODS.plural, name(pod).to_owned(), Fate::Deleted));
    }
    if *method == Method::Annotation {
        let mine = parts.claim_names().into_iter().map(|one| (VOLUME_CLAIMS.plural, one.to_owned(), Fate::Deleted));
        done.fates.extend(mine);
        return Ok(done);
    }
    parts.jobs.iter().for_each(|job| done.remove(call, cluster, JOBS, job, dry_run));
    for claim in &parts.claims {
        if *method == Method::Detach {
            done.detach(call, cluster, claim, dry_run);
        } else {
            done.remove(call, cluster, VOLUME_CLAIMS, claim, dry_run);
        }
    }
    Ok(done)
}

impl Done {
    fn remove(&mut self, call: &Call<'_>, cluster: Cluster<'_>, kind: Kind, object: &Value, dry_run: bool) {
        let result =
            deleting::delete_part(call, &kind.within(cluster.namespace()).named(name(object)), object, dry_run, &|_| Ok(()));
        self.add(kind, object, Fate::Deleted, result);
    }

    /// As `kubectl cnpg destroy --keep-pvc`: no owner, and marked so that the operator leaves it alone.
    fn detach(&mut self, call: &Call<'_>, cluster: Cluster<'_>, claim: &Value, dry_run: bool) {
        let stays = |owner: &&Value| text(owner, "/uid") != Some(cluster.uid());
        let owners: Vec<&Value> = list(claim, "/metadata/ownerReferences").iter().filter(stays).collect();
        let instance =
            text(claim, "/metadata/name").map(|name| name.split("-tbs-").next().unwrap_or(name).trim_end_matches("-wal"));
        let instance = crate::json::label(claim, INSTANCE_LABEL).or(instance);
        let patch = json!({"metadata": {
            "resourceVersion": text(claim, "/metadata/resourceVersion"), "ownerReferences": owners,
            "annotations": {"cnpg.io/pvcStatus": "detached"}, "labels": {INSTANCE_LABEL: instance},
        }});
        let target = VOLUME_CLAIMS.within(cluster.namespace()).named(name(claim));
        let result = call.merge(&target, &patch, dry_run).map(|written| written.warnings);
        self.add(VOLUME_CLAIMS, claim, Fate::Detached, result);
    }

    fn add(&mut self, kind: Kind, object: &Value, fate: Fate, result: Result<Vec<String>, Problem>) {
        let fate = match result {
            Ok(told) => {
                self.warnings.extend(told);
                fate
            }
            Err(problem) => Fate::Failed(short(&problem.message)),
        };
        self.fates.push((kind.plural, name(object).to_owned(), fate));
    }
}

#[cfg(test)]
mod tests {
    use super::{SINCE, version};

    #[test]
    fn versions_compare_by_number() {
        assert!(version("1.30.0") >= Some(SINCE) && version("v1.28.0-rc1") >= Some(SINCE));
        assert!(version("1.9.2") < Some(SINCE) && version("banana").is_none());
    }
}
