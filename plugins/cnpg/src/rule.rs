//! RBAC rules: what each tool needs, and the rule that is missing after a 403, as YAML to paste.

use portcullis_plugin::kubernetes::{Kind, Target};

use crate::json::json;
use crate::yaml;

/// One kind and the verbs a tool uses on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) kind: Kind,
    /// E.g. "proxy"; empty for the resource itself.
    pub(crate) subresource: &'static str,
    pub(crate) verbs: &'static [&'static str],
}

impl Rule {
    /// Verbs on a resource.
    pub(crate) const fn on(kind: Kind, verbs: &'static [&'static str]) -> Self {
        Self { kind, subresource: "", verbs }
    }

    /// As RBAC writes it.
    pub(crate) fn resource(&self) -> String {
        resource(self.kind.plural, self.subresource)
    }
}

fn resource(plural: &str, subresource: &str) -> String {
    if subresource.is_empty() { plural.into() } else { format!("{plural}/{subresource}") }
}

/// The Role (or ClusterRole, when the request names no namespace) that would allow one request.
pub(crate) fn missing(verb: &str, target: &Target, subresource: &str) -> String {
    // A name of its own: under that of the whole role, applying it would replace everything else that is allowed.
    let name = format!("portcullis-cnpg-{verb}-{}", resource(&target.plural, subresource).replace('/', "-"));
    let mut metadata = json!({"name": name});
    if let (Some(namespace), Some(map)) = (&target.namespace, metadata.as_object_mut()) {
        map.insert("namespace".into(), namespace.as_str().into());
    }
    yaml::block(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": if target.namespace.is_some() { "Role" } else { "ClusterRole" },
        "metadata": metadata,
        "rules": [{"apiGroups": [target.group], "resources": [resource(&target.plural, subresource)], "verbs": [verb]}],
    }))
}

#[cfg(test)]
mod tests {
    use super::missing;
    use crate::kind::CLUSTERS;

    #[test]
    fn a_request_without_a_namespace_needs_a_cluster_role() {
        let role = missing("get", &CLUSTERS.within("prod").named("db"), "");
        assert!(role.contains("kind: Role\n") && role.contains("namespace: prod") && role.contains("- get"));
        assert!(role.contains("name: portcullis-cnpg-get-clusters\n"), "{role}");
        assert!(missing("list", &CLUSTERS.everywhere(), "").contains("kind: ClusterRole\n"));
    }
}
