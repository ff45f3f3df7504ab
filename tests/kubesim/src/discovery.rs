//! `/version`, `/api`, `/apis` and what lies below them, and health.
//! Must not serve objects. Formats: meta.k8s.io/v1 `APIVersions`, `APIGroupList`, `APIResourceList`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::kind::ResourceType;
use crate::store::State;

/// The version that the stand-in claims: one that CNPG 1.30 supports.
pub(crate) const VERSION: &str = "v1.34.0";

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Answers a path that is not a resource; plain text is a JSON string.
///
/// # Errors
/// 404.
pub(crate) fn answer(state: &State, segments: &[&str]) -> Result<Value, ApiError> {
    match segments {
        ["healthz" | "livez" | "readyz", ..] => Ok(json!("ok")),
        ["version"] => Ok(version()),
        ["api"] => Ok(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        ["apis"] => Ok(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(state).values().collect::<Vec<_>>()})),
        ["api", version] => resources(state, "", version),
        ["apis", group] => {
            groups(state).remove(*group).map(|group| with_kind(group, "APIGroup")).ok_or_else(ApiError::no_such_resource)
        }
        ["apis", group, version] => resources(state, group, version),
        _ => Err(ApiError::no_such_resource()),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": format!("{VERSION}+kubesim"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn with_kind(mut value: Value, kind: &str) -> Value {
    crate::object::put(&mut value, &["kind"], json!(kind));
    crate::object::put(&mut value, &["apiVersion"], json!("v1"));
    value
}

fn groups(state: &State) -> BTreeMap<String, Value> {
    let named = state.kinds().iter().filter(|kind| !kind.group.is_empty());
    let served = named.map(|kind| (kind.group.clone(), kind.version.clone()));
    let own = [("authorization.k8s.io".to_owned(), "v1".to_owned())];
    let group = |(group, version): (String, String)| {
        let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
        (group.clone(), json!({"name": group, "versions": [version], "preferredVersion": version}))
    };
    served.chain(own).map(group).collect()
}

fn resources(state: &State, group: &str, version: &str) -> Result<Value, ApiError> {
    let kinds = state.kinds().iter().filter(|kind| kind.group == group && kind.version == version);
    let mut resources: Vec<Value> = kinds.flat_map(|kind| entries(kind)).collect();
    if group == "authorization.k8s.io" && version == "v1" {
        resources.extend(["SelfSubjectAccessReview", "SelfSubjectRulesReview"].map(review));
    }
    if resources.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}))
}

fn review(kind: &str) -> Value {
    json!({"name": format!("{}s", kind.to_lowercase()), "singularName": "", "namespaced": false, "kind": kind, "verbs": ["create"]})
}

fn entries(kind: &ResourceType) -> Vec<Value> {
    let main = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": VERBS, "shortNames": kind.short_names,
    });
    let sub = |name: &String| {
        let verbs: &[&str] = if matches!(name.as_str(), "log" | "proxy") { &["get"] } else { &["get", "patch", "update"] };
        json!({"name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs})
    };
    [main].into_iter().chain(kind.subresources.iter().map(sub)).collect()
}
