//! Grants of the capabilities that auth strategies use: whose tokens, which documents, which secrets, where to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::egress::EgressRule;

/// Whose keys verify tokens, and which key rings of the host a plugin may use (`portcullis:auth/jwt`). `*` alone covers all of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JwtGrant {
    /// Issuers, character for character.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
    /// URLs of JWK Sets, character for character.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_sets: Vec<String>,
    /// Key rings, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rings: Vec<String>,
    /// Whether issuers may have addresses that are not the internet's. Default: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// Which authorization servers' documents a plugin may read (`portcullis:auth/discovery`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DiscoveryGrant {
    /// Issuers, character for character; `*` alone covers all.
    pub issuers: Vec<String>,
    /// Whether they may have addresses that are not the internet's. Default: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// Where a plugin may send HTTP requests (`wasi:http/outgoing-handler`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HttpGrant {
    /// The first one that covers a request decides it.
    pub rules: Vec<EgressRule>,
}

/// Which secrets of the operator a plugin may read (`portcullis:auth/secrets`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SecretsGrant {
    /// By name; `*` alone covers all.
    pub names: Vec<String>,
}

/// Whether a list covers a value.
#[must_use]
pub fn covers(list: &[String], value: &str) -> bool {
    list.iter().any(|one| one == "*" || one == value)
}

/// What both lists cover.
fn meet(one: &[String], other: &[String]) -> Vec<String> {
    let mut both: Vec<String> = one.iter().filter(|value| covers(other, value)).cloned().collect();
    both.extend(other.iter().filter(|value| covers(one, value) && !both.contains(value)).cloned().collect::<Vec<_>>());
    both
}

/// What `requested` names beyond `granted`.
fn beyond(granted: &[String], requested: &[String]) -> Vec<String> {
    requested.iter().filter(|value| !covers(granted, value)).cloned().collect()
}

impl JwtGrant {
    /// What `requested` asks beyond this grant.
    #[must_use]
    pub fn lacks(&self, requested: &Self) -> Self {
        Self {
            issuers: beyond(&self.issuers, &requested.issuers),
            key_sets: beyond(&self.key_sets, &requested.key_sets),
            rings: beyond(&self.rings, &requested.rings),
            private: false,
        }
    }

    /// What is both requested and granted. `private` is the operator's alone.
    #[must_use]
    pub fn intersect(&self, granted: &Self) -> Self {
        Self {
            issuers: meet(&self.issuers, &granted.issuers),
            key_sets: meet(&self.key_sets, &granted.key_sets),
            rings: meet(&self.rings, &granted.rings),
            private: granted.private,
        }
    }
}

impl DiscoveryGrant {
    /// What `requested` asks beyond this grant.
    #[must_use]
    pub fn lacks(&self, requested: &Self) -> Self {
        Self { issuers: beyond(&self.issuers, &requested.issuers), private: false }
    }

    /// What is both requested and granted. `private` is the operator's alone.
    #[must_use]
    pub fn intersect(&self, granted: &Self) -> Self {
        Self { issuers: meet(&self.issuers, &granted.issuers), private: granted.private }
    }
}

impl SecretsGrant {
    /// What `requested` asks beyond this grant.
    #[must_use]
    pub fn lacks(&self, requested: &Self) -> Self {
        Self { names: beyond(&self.names, &requested.names) }
    }

    /// What is both requested and granted.
    #[must_use]
    pub fn intersect(&self, granted: &Self) -> Self {
        Self { names: meet(&self.names, &granted.names) }
    }
}

impl HttpGrant {
    /// The rules of `requested` of which no single rule of this grant includes all.
    #[must_use]
    pub fn lacks(&self, requested: &Self) -> Self {
        let included = |rule: &EgressRule| self.rules.iter().any(|own| own.includes(rule));
        Self { rules: requested.rules.iter().filter(|rule| !included(rule)).cloned().collect() }
    }

    /// The rules on which both agree, in the operator's order.
    #[must_use]
    pub fn intersect(&self, granted: &Self) -> Self {
        let meets = |rule: &EgressRule| self.rules.iter().filter_map(|own| EgressRule::meet(own, rule)).collect::<Vec<_>>();
        Self { rules: granted.rules.iter().flat_map(meets).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::{DiscoveryGrant, JwtGrant, covers};

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|&one| one.to_owned()).collect()
    }

    #[test]
    fn a_plugin_that_asks_for_any_issuer_gets_the_ones_that_were_granted() {
        let requested = DiscoveryGrant { issuers: list(&["*"]), private: true };
        let granted = DiscoveryGrant { issuers: list(&["https://a", "https://b"]), private: false };
        assert_eq!(requested.intersect(&granted), granted);
        assert_eq!(granted.intersect(&requested).issuers, granted.issuers);
        assert!(!covers(&granted.issuers, "https://c") && !covers(&granted.issuers, "https://a/"));
    }

    #[test]
    fn what_one_side_does_not_name_is_not_effective() {
        let requested = JwtGrant { rings: list(&["mine"]), issuers: list(&["https://a"]), ..JwtGrant::default() };
        let granted = JwtGrant { rings: list(&["mine", "other"]), issuers: list(&["https://b"]), ..JwtGrant::default() };
        let effective = requested.intersect(&granted);
        assert_eq!((effective.rings, effective.issuers), (list(&["mine"]), Vec::new()));
    }
}
