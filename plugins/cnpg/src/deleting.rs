//! Deletes exactly the object that was looked at: fenced by uid and version. A newer version of the same object, whose spec is as it
//! was, is still that object (operators write statuses all the time); another one of the same name is left alone.

use portcullis_plugin::kubernetes::{DeleteOptions, Target};
use serde_json::Value;

use crate::call::Call;
use crate::gitops;
use crate::json::text;
use crate::problem::Problem;
use crate::settings::Gitops;

/// How often the delete is tried anew when the object's status was written in between.
const ATTEMPTS: usize = 3;

/// What a delete of this object carries.
pub(crate) fn fences(object: &Value, dry_run: bool) -> DeleteOptions {
    DeleteOptions {
        dry_run,
        uid: text(object, "/metadata/uid").map(Into::into),
        resource_version: text(object, "/metadata/resourceVersion").map(Into::into),
        propagation: Some("Background".into()),
        grace_period_seconds: None,
    }
}

/// Refuses to delete what Argo CD or Flux would make anew; with `gitops: warn`, the note about it.
pub(crate) fn gitops(call: &Call<'_>, object: &Value) -> Result<Option<String>, Problem> {
    let Some(who) = gitops::owner(object) else { return Ok(None) };
    let name = text(object, "/metadata/name").unwrap_or_default();
    if call.settings.gitops == Gitops::Warn {
        return Ok(Some(format!("`{name}` is managed by {who}, which may make it anew: remove it at its source too")));
    }
    let hint = "Nothing was deleted. Remove it from the repository that it is deployed from. The host's operator can allow live edits with this plugin's setting `gitops: warn`.";
    Err(Problem::refused("GitOpsManaged", format!("`{name}` is managed by {who}, which would make it anew"), hint))
}

/// Deletes `seen`; the warnings of the API server. Refused once its spec is another than the one that was looked at.
pub(crate) fn delete(call: &Call<'_>, target: &Target, seen: &Value, dry_run: bool) -> Result<Vec<String>, Problem> {
    insist(call, target, seen, dry_run, &|now| {
        if now.get("spec") == seen.get("spec") {
            return Ok(());
        }
        let name = target.name.as_deref().unwrap_or_default();
        let message = format!("somebody changed the spec of `{name}` while it was about to be deleted; nothing was deleted");
        Err(Problem::refused("Conflict", message, "Look at it again before deleting it."))
    })
}

/// Whether what is there now may still be deleted: asked again whenever somebody wrote the object in between.
pub(crate) type Still<'a> = dyn Fn(&Value) -> Result<(), Problem> + 'a;

/// Deletes a part of a cluster (pod, volume claim, job), as long as it has the owners that it had. One that is gone already is as wanted.
pub(crate) fn delete_part(
    call: &Call<'_>,
    target: &Target,
    seen: &Value,
    dry_run: bool,
    still: &Still<'_>,
) -> Result<Vec<String>, Problem> {
    const OWNERS: &str = "/metadata/ownerReferences";
    let done = insist(call, target, seen, dry_run, &|now| {
        if now.pointer(OWNERS) != seen.pointer(OWNERS) {
            return Err(replaced(target));
        }
        still(now)
    });
    done.or_else(|problem| if problem.code == 404 { Ok(Vec::new()) } else { Err(problem) })
}

fn insist(call: &Call<'_>, target: &Target, seen: &Value, dry_run: bool, still: &Still<'_>) -> Result<Vec<String>, Problem> {
    let mut now = seen.clone();
    for _ in 1..ATTEMPTS {
        match call.delete(target, &fences(&now, dry_run)) {
            Err(problem) if problem.code == 409 => now = call.get(target)?,
            other => return other.map(|written| written.warnings),
        }
        if text(&now, "/metadata/uid") != text(seen, "/metadata/uid") {
            return Err(replaced(target));
        }
        still(&now)?;
    }
    call.delete(target, &fences(&now, dry_run)).map(|written| written.warnings)
}

fn replaced(target: &Target) -> Problem {
    let name = target.name.as_deref().unwrap_or_default();
    let message = format!("what is called `{name}` now is not the object that was looked at; it was not deleted");
    Problem::refused("Replaced", message, "Look at it before calling again.").next(&["get_cluster_status"])
}
