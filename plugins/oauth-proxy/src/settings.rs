//! The plugin's settings, as the operator wrote them. The schema and its defaults are in plugin.yaml; each is enforced where it is named.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the operator decided.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) upstream: Upstream,
    /// The host's key ring that signs access tokens.
    #[serde(default = "ring")]
    pub(crate) ring: String,
    /// Scopes that can be granted; empty: those that the endpoints advertise.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) authorization_details: Details,
    #[serde(default)]
    pub(crate) registration: Registration,
    #[serde(default)]
    pub(crate) client_documents: ClientDocuments,
    /// Clients that need not register.
    #[serde(default)]
    pub(crate) clients: Vec<ConfiguredClient>,
    /// Whether redirect URIs may have schemes of apps.
    #[serde(default = "yes")]
    pub(crate) custom_schemes: bool,
    /// Whether people see as whom they are signed in before a client gets a code.
    #[serde(default)]
    pub(crate) confirm: bool,
    /// Whether a client must say for which resource it wants a token.
    #[serde(default)]
    pub(crate) require_resource: bool,
    #[serde(default)]
    pub(crate) lifetimes: Lifetimes,
    /// Name of the secret with which resource servers may introspect tokens.
    #[serde(default)]
    pub(crate) introspection_secret: Option<String>,
    /// Name of the secret with which the operator lists and ends anybody's logins.
    #[serde(default)]
    pub(crate) operator_secret: Option<String>,
    /// Scope of tokens with which a person lists and ends all of their logins; absent: there is none.
    #[serde(default = "logins_scope")]
    pub(crate) logins_scope: Option<String>,
    /// By how much clocks may differ.
    #[serde(default = "leeway")]
    pub(crate) leeway_seconds: u32,
}

/// The provider that people log in at.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Upstream {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// Name of the secret that is sent as `client_secret`; absent: an egress rule injects it, or there is none.
    #[serde(default)]
    pub(crate) client_secret: Option<String>,
    #[serde(default)]
    pub(crate) authentication: Authentication,
    /// `aud` of client assertions; absent: the provider's token endpoint.
    #[serde(default)]
    pub(crate) assertion_audience: Option<String>,
    #[serde(default = "upstream_scopes")]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) authorize_parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) token_parameters: BTreeMap<String, String>,
    #[serde(default = "algorithms")]
    pub(crate) algorithms: Vec<String>,
    #[serde(default = "groups")]
    pub(crate) groups_claim: Option<String>,
}

/// How we prove at the provider who we are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Authentication {
    /// With a secret, or not at all.
    #[default]
    Secret,
    /// With a signature of the ring.
    PrivateKey,
}

/// Rich authorization requests (RFC 9396).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Details {
    /// Accepted values of `type`; empty: none are accepted.
    pub(crate) types: Vec<String>,
    /// Whether the provider is asked for them, and decides.
    pub(crate) forward: bool,
}

/// Dynamic client registration (RFC 7591).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Registration {
    pub(crate) enabled: bool,
    /// Registrations per address and hour that led to no login.
    pub(crate) per_hour: u32,
}

/// Client ID metadata documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ClientDocuments {
    pub(crate) enabled: bool,
    /// Host names; `*.example.com` covers those below, `*` all.
    pub(crate) hosts: Vec<String>,
}

/// A client that the operator knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConfiguredClient {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
}

/// How long things last, in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Lifetimes {
    pub(crate) access_seconds: u64,
    pub(crate) code_seconds: u64,
    /// A login ends, however often it is refreshed.
    pub(crate) login_seconds: u64,
    /// A login that is not refreshed for this long ends.
    pub(crate) idle_seconds: u64,
    /// A login ends at which the provider gave no refresh token, so that it cannot be asked whether the user is still welcome.
    pub(crate) unrefreshed_seconds: u64,
    /// A refresh token that was just replaced is answered with the same successor.
    pub(crate) grace_seconds: u64,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let settings: Self = serde_json::from_str(json).map_err(|error| ["settings: ", &error.to_string()].concat())?;
        let (upstream, wrong) = (&settings.upstream, |what: &str| Err(["settings: ", what].concat()));
        match upstream.authentication {
            Authentication::PrivateKey if upstream.client_secret.is_some() => {
                wrong("upstream.clientSecret is not sent with `authentication: privateKey`: keep one of them")
            }
            Authentication::Secret if upstream.assertion_audience.is_some() => {
                wrong("upstream.assertionAudience means nothing without `authentication: privateKey`: add that, or take it out")
            }
            _ if settings.operator_secret.is_some() && settings.operator_secret == settings.introspection_secret => {
                wrong("operatorSecret is the introspectionSecret, which resource servers have: name another secret")
            }
            _ => Ok(settings),
        }
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self { enabled: true, per_hour: 30 }
    }
}

impl Default for ClientDocuments {
    fn default() -> Self {
        Self { enabled: true, hosts: vec!["*".to_owned()] }
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_seconds: 600,
            code_seconds: 60,
            login_seconds: 2_592_000,
            idle_seconds: 1_209_600,
            unrefreshed_seconds: 43_200,
            grace_seconds: 60,
        }
    }
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|&one| one.to_owned()).collect()
}

fn ring() -> String {
    "oauth-proxy".to_owned()
}

fn upstream_scopes() -> Vec<String> {
    list(&["openid", "profile", "email", "offline_access"])
}

fn algorithms() -> Vec<String> {
    list(&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"])
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn groups() -> Option<String> {
    Some("groups".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn logins_scope() -> Option<String> {
    Some("logins".to_owned())
}

fn yes() -> bool {
    true
}

fn leeway() -> u32 {
    60
}
