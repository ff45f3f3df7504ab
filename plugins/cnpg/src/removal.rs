//! Deletes exactly the object that was looked at: fenced by uid and resourceVersion, looked at again when only its version moved on.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use crate::call::Call;
use crate::deleting::fences;
use crate::problem::Problem;

/// How often the delete is tried anew when somebody wrote the object in between.
const ATTEMPTS: usize = 3;

/// Whether what is there now may still be deleted: asked again whenever somebody wrote the object in between.
pub(crate) type Still<'a> = dyn Fn(&Value) -> Result<(), Problem> + 'a;

/// Deletes it; warnings of the API server. One that is gone already is as wanted; one with other owners or another uid is not ours.
pub(crate) fn delete(
    call: &Call<'_>,
    target: &Target,
    seen: &Value,
    dry_run: bool,
    still: &Still<'_>,
) -> Result<Vec<String>, Problem> {
    let mut now = seen.clone();
    let mut attempt = 1;
    loop {
        match call.delete(target, &fences(&now, dry_run)) {
            Ok(written) => return Ok(written.warnings),
            Err(problem) if problem.code == 404 => return Ok(Vec::new()),
            Err(problem) if problem.code == 409 && attempt < ATTEMPTS => {
                now = match call.get(target) {
                    Ok(now) => now,
                    Err(problem) if problem.code == 404 => return Ok(Vec::new()),
                    Err(problem) => return Err(problem),
                };
                still_it(target, seen, &now)?;
                still(&now)?;
                attempt += 1;
            }
            Err(problem) => return Err(problem),
        }
    }
}

fn still_it(target: &Target, seen: &Value, now: &Value) -> Result<(), Problem> {
    let same = |pointer: &str| seen.pointer(pointer) == now.pointer(pointer);
    if same("/metadata/uid") && same("/metadata/ownerReferences") {
        return Ok(());
    }
    let name = target.name.as_deref().unwrap_or_default();
    let message = format!("{} `{name}` is not the one that was looked at; it was not deleted", target.plural);
    Err(Problem::refused("Replaced", message, "Look again before repeating the call.").next(&["get_cluster_status"]))
}
