//! The presence fence: what a component imports must be requested, granted, fit for its world, and served by this host. What is not is a finding
//! with the YAML to add.

use portcullis_core::finding::Finding;
use portcullis_core::grant::{Capability, Grants};
use portcullis_core::kubegrant::KubernetesRule;
use portcullis_core::manifest::Manifest;

use super::subject;
use crate::capabilities;
use crate::inspect::{Inspection, Need};
use crate::sandbox::Ports;

/// The presence fence: imports ⊆ requests ∩ grants.
pub(super) fn imports(inspection: &Inspection, granted: &Grants) -> Vec<Finding> {
    let manifest = &inspection.manifest;
    let mut capabilities = std::collections::BTreeMap::new();
    let mut findings = Vec::new();
    for import in &inspection.imports {
        match import.need {
            Need::Base => {}
            Need::Grant(capability) => _ = capabilities.entry(capability).or_insert(import.name.as_str()),
            Need::Unknown => findings.push(unknown(manifest, &import.name)),
        }
    }
    findings.extend(capabilities.into_iter().filter_map(|(capability, import)| missing(manifest, granted, capability, import)));
    findings
}

/// Some capabilities are for one of the worlds only.
pub(super) fn world(inspection: &Inspection) -> Vec<Finding> {
    let (manifest, world) = (&inspection.manifest, inspection.world);
    let misfits = Capability::ALL.into_iter().filter(|&one| manifest.requests.has(one) && !capabilities::fits(one, world));
    let finding = |capability: Capability| {
        let (name, noun) = (capability.name(), world.noun());
        Finding::error(subject(manifest), format!("requests `{name}`, which is never granted to a plugin that is a {noun}"))
            .hint(format!("the plugin's author removes `requests.{name}` from plugin.yaml"))
    };
    misfits.map(finding).collect()
}

/// What is granted must be served by this host.
pub(super) fn services(manifest: &Manifest, effective: &Grants, ports: &Ports) -> Vec<Finding> {
    let missing = Capability::ALL.into_iter().filter(|&one| effective.has(one) && !capabilities::is_served(one, ports));
    let finding = |capability: Capability| {
        let (plugin, name) = (&manifest.name, capability.name());
        Finding::error(subject(manifest), format!("is granted `{name}`, which this host was started without"))
            .hint(format!("remove `plugins.{plugin}.grants.{name}`, or run the plugin on a host that has it"))
    };
    missing.map(finding).collect()
}

fn unknown(manifest: &Manifest, import: &str) -> Finding {
    let known = Capability::ALL.map(Capability::name).join(", ");
    Finding::error(subject(manifest), format!("imports `{import}`, which belongs to no capability of this host"))
        .hint(format!("a plugin can be granted: {known}"))
}

fn missing(manifest: &Manifest, granted: &Grants, capability: Capability, import: &str) -> Option<Finding> {
    let name = capability.name();
    if !manifest.requests.has(capability) {
        let message = format!("imports `{import}`, but its plugin.yaml does not request `{name}`");
        let yaml = yaml(&["requests"], &manifest.requests, capability);
        return Some(
            Finding::error(subject(manifest), message).hint(format!("the plugin's author adds to plugin.yaml:\n{yaml}")),
        );
    }
    if !granted.has(capability) {
        let message = format!("imports `{import}`, which needs the grant `{name}`");
        let yaml = yaml(&["plugins", &manifest.name, "grants"], &manifest.requests, capability);
        return Some(Finding::error(subject(manifest), message).hint(format!("to grant it, add to the configuration:\n{yaml}")));
    }
    None
}

/// The YAML to add: of a capability with rules those that the plugin requests, as they are.
fn yaml(path: &[&str], requests: &Grants, capability: Capability) -> String {
    let mut lines: Vec<String> = path.iter().enumerate().map(|(depth, key)| format!("{}{key}:", "  ".repeat(depth))).collect();
    let indent = "  ".repeat(path.len());
    match (&requests.kubernetes, capability) {
        (Some(grant), Capability::Kubernetes) => {
            lines.push(format!("{indent}kubernetes:\n{indent}  rules:"));
            lines.extend(grant.rules.iter().flat_map(|rule| kubernetes(rule, &indent)));
            if grant.secret_values {
                lines.push(format!("{indent}  secretValues: true"));
            }
        }
        (None, Capability::Kubernetes) => lines.push(format!("{indent}kubernetes:\n{indent}  rules: []")),
        _ => lines.push(format!("{indent}{}: {}", capability.name(), stated(requests, capability))),
    }
    lines.join("\n")
}

fn kubernetes(rule: &KubernetesRule, indent: &str) -> Vec<String> {
    let list = |values: &[String]| serde_json::to_string(values).unwrap_or_default();
    let mut lines = vec![
        format!("{indent}  - apiGroups: {}", list(&rule.api_groups)),
        format!("{indent}    resources: {}", list(&rule.resources)),
        format!("{indent}    verbs: {}", list(&rule.verbs)),
        format!("{indent}    namespaces: {}", list(&rule.namespaces)),
    ];
    if !rule.resource_names.is_empty() {
        lines.push(format!("{indent}    resourceNames: {}", list(&rule.resource_names)));
    }
    lines
}

/// What is requested of a capability as one line; JSON is YAML.
fn stated(requests: &Grants, capability: Capability) -> String {
    let all = serde_json::to_value(requests).unwrap_or_default();
    match (all.get(capability.name()), capability) {
        (Some(rules @ serde_json::Value::Object(_)), _) => rules.to_string(),
        (_, Capability::Jwt | Capability::Discovery | Capability::Secrets | Capability::Http) => "{}".to_owned(),
        _ => "true".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::authgrant::DiscoveryGrant;
    use portcullis_core::grant::{Capability, Grants};

    use super::yaml;

    #[test]
    fn the_yaml_to_add_states_what_is_requested() {
        let discovery = Some(DiscoveryGrant { issuers: vec!["https://id.example".into()], private: false });
        let requests = Grants { discovery, keyvalue: true, ..Grants::default() };
        let of = |capability| yaml(&["plugins", "p", "grants"], &requests, capability);
        assert_eq!(
            of(Capability::Discovery),
            "plugins:\n  p:\n    grants:\n      discovery: {\"issuers\":[\"https://id.example\"]}"
        );
        assert!(of(Capability::KeyValue).ends_with("      keyvalue: true"));
        assert!(of(Capability::Http).ends_with("      http: {}"));
    }
}
