//! The GitOps guard: an object that Argo CD or Flux owns is not edited live, since the next sync would take the edit back, or fight it.
//! The answer is the manifest to commit instead. Every tool that changes an existing object passes through here before it writes.

use serde_json::Value;

use crate::call::Call;
use crate::diff::{redacted, without_bookkeeping};
use crate::json::{annotation, label, list, text};
use crate::problem::Problem;
use crate::settings::Gitops;
use crate::yaml;

/// Labels and annotations by which the tools mark what is theirs.
const SIGNS: [(&str, &str); 4] = [
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
];

/// Field managers of their controllers: an object that one of them wrote is theirs even without a mark. Argo CD's default label
/// (`app.kubernetes.io/instance`) is none: Helm and people write it too.
const MANAGERS: [(&str, &str); 4] = [
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
];

/// Keys of metadata that belong to a manifest.
const KEPT: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// Who else writes this object, as far as it tells.
pub(crate) fn owner(object: &Value) -> Option<&'static str> {
    let signed = SIGNS.iter().find(|(key, _)| label(object, key).or_else(|| annotation(object, key)).is_some());
    let wrote = |name: &str| list(object, "/metadata/managedFields").iter().any(|one| text(one, "/manager") == Some(name));
    signed.or_else(|| MANAGERS.iter().find(|(name, _)| wrote(name))).map(|(_, who)| *who)
}

/// Refuses to change `live` into `wanted` if a GitOps tool owns it; with `gitops: warn`, the note to put beside the result instead.
pub(crate) fn guard(call: &Call<'_>, live: &Value, wanted: &Value) -> Result<Option<String>, Problem> {
    let Some(who) = owner(live) else { return Ok(None) };
    let kind = text(live, "/kind").unwrap_or("object");
    let name = text(live, "/metadata/name").unwrap_or_default();
    if call.settings.gitops == Gitops::Warn {
        return Ok(Some(format!("{kind} `{name}` is managed by {who}, which may revert this: change it at its source too")));
    }
    let hint = format!(
        "Nothing was changed. Commit this to the repository that {who} deploys from (shown without what the API server fills in):\n\n```yaml\n{}```\n\nThe host's operator can allow live edits with this plugin's setting `gitops: warn`.",
        yaml::block(&shown(wanted))
    );
    Err(Problem::refused("GitOpsManaged", format!("{kind} `{name}` is managed by {who}: a live edit would be reverted"), hint))
}

/// The manifest for people: without passwords that somebody wrote into pg_hba.
pub(crate) fn shown(object: &Value) -> Value {
    let mut manifest = manifest(object);
    if let Some(lines) = manifest.pointer_mut("/spec/postgresql/pg_hba") {
        *lines = redacted(lines);
    }
    manifest
}

/// What a person commits: no status, no bookkeeping, none of the applier's own notes.
pub(crate) fn manifest(object: &Value) -> Value {
    let mut manifest = without_bookkeeping(object);
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| KEPT.contains(&key.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    manifest
}
