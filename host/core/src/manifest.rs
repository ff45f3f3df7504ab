//! `plugin.yaml`: what a plugin says of itself. The build embeds it in the component as the custom section
//! [`SECTION`], so that one .wasm is self-describing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grant::Grants;
use crate::kubegrant::KubernetesGrant;

/// Name of the custom section that carries the manifest's YAML text.
pub const SECTION: &str = "portcullis:plugin";

/// Longest plugin name: it becomes a YAML key, a metric label and part of cache file names.
pub const NAME_MAX: usize = 63;

/// What a plugin says of itself, beside its source; `portcullis plugin build` puts it into the component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "plugin.yaml")]
pub struct Manifest {
    /// A DNS label (RFC 1123): the key under `plugins` in the operator's configuration.
    pub name: String,
    /// Semantic version of the plugin itself.
    pub version: semver::Version,
    /// One line for people.
    pub description: String,
    /// SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Where people read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Capabilities that the plugin asks for. The operator grants; what is effective is the intersection.
    #[serde(default)]
    pub requests: Grants,
    /// JSON Schema of the plugin's settings; absent means that it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// For plugins whose settings hand out only some of their tools: what each of these profiles needs of the Kubernetes API, for
    /// `portcullis plugin rbac --profile NAME`. Each is a part of `requests.kubernetes`; what is granted does not depend on it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, KubernetesGrant>,
}

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not YAML, or not of this shape.
    #[error("plugin.yaml does not parse: {0}")]
    Syntax(String),
    /// The name is not a DNS label.
    #[error(
        "plugin.yaml: name `{0}` is not a DNS label: use lower-case letters, digits and hyphens, at most {NAME_MAX}, beginning and ending with a letter or digit"
    )]
    Name(String),
    /// A profile with more than the plugin asks for.
    #[error(
        "plugin.yaml: profile `{profile}` needs what `requests.kubernetes` does not have: add {rule}, or take it out of the profile"
    )]
    Profile {
        /// Its name.
        profile: String,
        /// The first rule that is missing, as JSON.
        rule: String,
    },
}

/// The JSON Schema of `plugin.yaml`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Manifest).to_value()
}

impl Manifest {
    /// Reads `plugin.yaml`.
    ///
    /// # Errors
    /// [`ManifestError`] if the text is not a manifest; the plugin is then refused with this as its finding.
    pub fn parse(yaml: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_saphyr::from_str(yaml).map_err(|error| ManifestError::Syntax(error.to_string()))?;
        manifest.check()
    }

    fn check(self) -> Result<Self, ManifestError> {
        if !is_dns_label(&self.name) {
            return Err(ManifestError::Name(self.name));
        }
        let requested = self.requests.kubernetes.clone().unwrap_or_default();
        for (profile, grant) in &self.profiles {
            if let Some(rule) = requested.lacks(grant).rules.first() {
                let rule = serde_json::to_string(rule).unwrap_or_default();
                return Err(ManifestError::Profile { profile: profile.clone(), rule });
            }
        }
        Ok(self)
    }
}

/// RFC 1123 label.
#[must_use]
pub fn is_dns_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    #[test]
    fn a_manifest_reads_with_its_requests() {
        let yaml = "name: cnpg\nversion: 0.1.0\ndescription: d\nrequests:\n  log: true\n  kubernetes:\n    rules:\n    - apiGroups: ['']\n      resources: [pods]\n      verbs: [get]\n";
        let manifest = Manifest::parse(yaml);
        assert!(manifest.is_ok_and(|m| m.requests.log && m.requests.kubernetes.is_some_and(|k| !k.secret_values)));
    }

    #[test]
    fn a_profile_is_a_part_of_what_the_plugin_requests() {
        let yaml = |verb: &str| {
            format!(
                "name: a\nversion: 0.1.0\ndescription: d\nrequests:\n  kubernetes:\n    rules:\n    - {{apiGroups: [''], resources: [pods], verbs: [get, list]}}\nprofiles:\n  reader:\n    rules:\n    - {{apiGroups: [''], resources: [pods], verbs: [{verb}]}}\n"
            )
        };
        assert!(Manifest::parse(&yaml("get")).is_ok_and(|manifest| manifest.profiles.contains_key("reader")));
        let refused = Manifest::parse(&yaml("delete")).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|words| words.contains("`reader`") && words.contains("delete")));
    }

    #[test]
    fn an_unknown_field_or_a_bad_name_is_refused() {
        assert!(Manifest::parse("name: a\nversion: 0.1.0\ndescription: d\nbanana: 1\n").is_err());
        assert!(Manifest::parse("name: A_b\nversion: 0.1.0\ndescription: d\n").is_err());
    }
}
