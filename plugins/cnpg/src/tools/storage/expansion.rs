//! Whether the volumes of a cluster can grow in place: their StorageClass decides. What may not be read is told, not guessed.

use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{is_owned_by, list, text};
use crate::kind::{CLUSTER_LABEL, STORAGE_CLASSES, VOLUME_CLAIMS};
use crate::problem::Problem;

/// Claims per list.
pub(super) const PAGE: u32 = 250;

/// The claims that the cluster owns, and whether there are more.
pub(super) fn claims(call: &Call<'_>, cluster: Cluster<'_>) -> Result<(Vec<Value>, bool), Problem> {
    let selector = format!("{CLUSTER_LABEL}={}", cluster.name());
    let found = call.list(&VOLUME_CLAIMS.within(cluster.namespace()).list().labels(selector).limit(PAGE))?;
    let own = list(&found, "/items").iter().filter(|one| is_owned_by(one, cluster.uid())).cloned().collect();
    Ok((own, text(&found, "/metadata/continue").is_some()))
}

/// What was found out.
pub(super) enum Expansion {
    Possible,
    /// By this class.
    Impossible(String),
    /// Why not.
    Unknown(String),
}

/// Looks at the class of the claims that exist, else at that of the spec.
pub(super) fn of(call: &Call<'_>, cluster: Cluster<'_>) -> Expansion {
    let (claims, _) = match claims(call, cluster) {
        Ok(found) => found,
        Err(problem) => return Expansion::Unknown(format!("its volume claims could not be read ({})", problem.reason)),
    };
    let of_claim = claims.iter().find_map(|one| text(one, "/spec/storageClassName"));
    let Some(class) = of_claim.or_else(|| text(cluster.0, "/spec/storage/storageClass")) else {
        return Expansion::Unknown("its StorageClass is not known yet".into());
    };
    match call.get(&STORAGE_CLASSES.everywhere().named(class)) {
        Ok(found) if found.pointer("/allowVolumeExpansion").and_then(Value::as_bool) == Some(true) => Expansion::Possible,
        Ok(_) => Expansion::Impossible(class.to_owned()),
        Err(problem) => Expansion::Unknown(format!("StorageClass `{class}` could not be read ({})", problem.reason)),
    }
}
