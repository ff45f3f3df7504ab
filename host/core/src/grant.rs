//! What a plugin asks for and what the operator gives. A grant is data plus `allows`.
//!
//! The one list of capabilities; the sandbox's `capabilities.rs` holds an implementation for each and a test that none is missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authgrant::{DiscoveryGrant, HttpGrant, JwtGrant, SecretsGrant};
use crate::kubegrant::KubernetesGrant;

/// Everything that can be granted, by the name used in `plugin.yaml` and in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Lines for the operator (`portcullis:tool/log`).
    Log,
    /// The plugin's settings (`portcullis:tool/config`).
    Config,
    /// Progress of a call (`portcullis:tool/progress`).
    Progress,
    /// Messages and change notices to clients (`portcullis:tool/notifications`).
    Notifications,
    /// Wall and monotonic clock (`wasi:clocks`).
    Clocks,
    /// Random bytes from the host's CSPRNG (`wasi:random`).
    Random,
    /// The API server (`portcullis:kubernetes/api`).
    Kubernetes,
    /// Tokens, verified and signed (`portcullis:auth/jwt`).
    Jwt,
    /// Documents of authorization servers (`portcullis:auth/discovery`).
    Discovery,
    /// What outlives a call (`portcullis:auth/keyvalue`, `portcullis:auth/revocation`).
    KeyValue,
    /// The operator's secrets (`portcullis:auth/secrets`).
    Secrets,
    /// Outgoing HTTP (`wasi:http/outgoing-handler`).
    Http,
}

impl Capability {
    /// All of them, in the order of findings and manuals.
    pub const ALL: [Self; 12] = [
        Self::Log,
        Self::Config,
        Self::Progress,
        Self::Notifications,
        Self::Clocks,
        Self::Random,
        Self::Kubernetes,
        Self::Jwt,
        Self::Discovery,
        Self::KeyValue,
        Self::Secrets,
        Self::Http,
    ];

    /// The name in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Config => "config",
            Self::Progress => "progress",
            Self::Notifications => "notifications",
            Self::Clocks => "clocks",
            Self::Random => "random",
            Self::Kubernetes => "kubernetes",
            Self::Jwt => "jwt",
            Self::Discovery => "discovery",
            Self::KeyValue => "keyvalue",
            Self::Secrets => "secrets",
            Self::Http => "http",
        }
    }

    /// The capability that an imported interface (without its version, e.g. `wasi:clocks/wall-clock`) needs.
    /// `None`: the interface belongs to no capability.
    #[must_use]
    pub fn of_interface(interface: &str) -> Option<Self> {
        match interface {
            "portcullis:tool/log" => Some(Self::Log),
            "portcullis:tool/config" => Some(Self::Config),
            "portcullis:tool/progress" => Some(Self::Progress),
            "portcullis:tool/notifications" => Some(Self::Notifications),
            "portcullis:kubernetes/api" => Some(Self::Kubernetes),
            "portcullis:auth/jwt" => Some(Self::Jwt),
            "portcullis:auth/discovery" => Some(Self::Discovery),
            "portcullis:auth/keyvalue" | "portcullis:auth/revocation" => Some(Self::KeyValue),
            "portcullis:auth/secrets" => Some(Self::Secrets),
            _ if interface.starts_with("wasi:http/") => Some(Self::Http),
            _ if interface.starts_with("wasi:clocks/") => Some(Self::Clocks),
            _ if interface.starts_with("wasi:random/") => Some(Self::Random),
            _ => None,
        }
    }
}

/// What a plugin may do: each field is one capability, absent unless it is written down. The same shape serves a request
/// (`plugin.yaml`) and a grant (configuration).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grants {
    /// Lines for the operator's log.
    pub log: bool,
    /// Reading the plugin's own settings.
    pub config: bool,
    /// Reporting progress to clients.
    pub progress: bool,
    /// Messages and change notices to clients.
    pub notifications: bool,
    /// Reading the clocks.
    pub clocks: bool,
    /// Random bytes.
    pub random: bool,
    /// RBAC rules towards the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesGrant>,
    /// Verifying and signing tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<JwtGrant>,
    /// Documents of authorization servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DiscoveryGrant>,
    /// Keeping entries in the host's store, and ending logins.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keyvalue: bool,
    /// Reading secrets of the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<SecretsGrant>,
    /// Outgoing HTTP requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpGrant>,
}

impl Grants {
    /// Whether the capability is there at all (the presence fence).
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Log => self.log,
            Capability::Config => self.config,
            Capability::Progress => self.progress,
            Capability::Notifications => self.notifications,
            Capability::Clocks => self.clocks,
            Capability::Random => self.random,
            Capability::Kubernetes => self.kubernetes.is_some(),
            Capability::Jwt => self.jwt.is_some(),
            Capability::Discovery => self.discovery.is_some(),
            Capability::KeyValue => self.keyvalue,
            Capability::Secrets => self.secrets.is_some(),
            Capability::Http => self.http.is_some(),
        }
    }

    /// What is both requested (`self`) and granted (`other`): the effective grant of a plugin.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            log: self.log && other.log,
            config: self.config && other.config,
            progress: self.progress && other.progress,
            notifications: self.notifications && other.notifications,
            clocks: self.clocks && other.clocks,
            random: self.random && other.random,
            kubernetes: both(&self.kubernetes, &other.kubernetes, KubernetesGrant::intersect),
            jwt: both(&self.jwt, &other.jwt, JwtGrant::intersect),
            discovery: both(&self.discovery, &other.discovery, DiscoveryGrant::intersect),
            keyvalue: self.keyvalue && other.keyvalue,
            secrets: both(&self.secrets, &other.secrets, SecretsGrant::intersect),
            http: both(&self.http, &other.http, HttpGrant::intersect),
        }
    }

    /// What `requested` asks beyond this grant.
    #[must_use]
    pub fn lacks(&self, requested: &Self) -> Self {
        let lacks = |capability| requested.has(capability) && !self.has(capability);
        Self {
            log: lacks(Capability::Log),
            config: lacks(Capability::Config),
            progress: lacks(Capability::Progress),
            notifications: lacks(Capability::Notifications),
            clocks: lacks(Capability::Clocks),
            random: lacks(Capability::Random),
            kubernetes: rest(&self.kubernetes, &requested.kubernetes, KubernetesGrant::lacks),
            jwt: rest(&self.jwt, &requested.jwt, JwtGrant::lacks),
            discovery: rest(&self.discovery, &requested.discovery, DiscoveryGrant::lacks),
            keyvalue: lacks(Capability::KeyValue),
            secrets: rest(&self.secrets, &requested.secrets, SecretsGrant::lacks),
            http: rest(&self.http, &requested.http, HttpGrant::lacks),
        }
    }

    /// Capabilities that `self` has and `other` lacks.
    #[must_use]
    pub fn missing_from(&self, other: &Self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|&one| self.has(one) && !other.has(one)).collect()
    }
}

/// A capability that one side leaves out is not there.
fn both<T>(mine: &Option<T>, theirs: &Option<T>, meet: impl FnOnce(&T, &T) -> T) -> Option<T> {
    Some(meet(mine.as_ref()?, theirs.as_ref()?))
}

/// What is requested beyond the grant; nothing if that is empty.
fn rest<T: Clone + Default + PartialEq>(
    granted: &Option<T>,
    requested: &Option<T>,
    lacks: impl FnOnce(&T, &T) -> T,
) -> Option<T> {
    match (granted, requested) {
        (Some(granted), Some(requested)) => Some(lacks(granted, requested)).filter(|rest| *rest != T::default()),
        (None, requested) => requested.clone(),
        (Some(_), None) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{Capability, Grants};

    /// Every capability, each with some value.
    fn all() -> Grants {
        let json = r#"{"log": true, "config": true, "progress": true, "notifications": true, "clocks": true, "random": true,
            "kubernetes": {"rules": [], "secretValues": true}, "jwt": {"rings": ["a"]}, "discovery": {"issuers": ["https://a"]},
            "keyvalue": true, "secrets": {"names": ["a"]}, "http": {"rules": [{"host": "a.example"}]}}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn no_capability_and_no_value_is_forgotten_in_what_a_grant_lacks() {
        assert_eq!(Grants::default().lacks(&all()), all());
        assert!(Capability::ALL.into_iter().all(|one| all().has(one)));
        assert_eq!(all().lacks(&all()), Grants::default());
        let more: Grants = serde_json::from_str(
            r#"{"jwt": {"rings": ["a", "b"]}, "discovery": {"issuers": ["*"]}, "secrets": {"names": ["b"]}, "http": {"rules": [{"host": "*"}]}}"#,
        )
        .unwrap();
        let lacks = all().lacks(&more);
        assert_eq!(lacks.jwt.unwrap().rings, ["b"]);
        assert_eq!(lacks.discovery, more.discovery);
        assert_eq!((lacks.secrets, lacks.http), (more.secrets, more.http));
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert!(Capability::ALL.iter().all(|&one| !Grants::default().has(one)));
    }

    #[test]
    fn only_what_both_sides_say_is_effective() {
        let requested = Grants { log: true, clocks: true, ..Grants::default() };
        let granted = Grants { log: true, random: true, ..Grants::default() };
        assert_eq!(requested.intersect(&granted), Grants { log: true, ..Grants::default() });
        assert_eq!(requested.missing_from(&granted), [Capability::Clocks]);
    }
}
