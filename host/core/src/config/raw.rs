//! What the operator writes in `portcullis.yaml`. The JSON Schema for editors is generated from these types, so every field says here what
//! it means, its unit and its default. No rules: those are in `resolve`; ranges are here once more for editors, and a test keeps both equal.

mod identity;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::size::Size;
use crate::grant::Grants;

pub use identity::{RawAccess, RawKey, RawRing, RawScopeHierarchy, RawSecret, RawStore};

/// The configuration of Portcullis. Every key is optional; relative paths are relative to this file's folder.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "portcullis.yaml")]
pub struct RawConfig {
    /// Sockets that serve MCP. Default: one named `main` on 127.0.0.1:4204 with the endpoint `/mcp`.
    pub listeners: Vec<RawListener>,
    /// Bearer tokens, known by their SHA-256 only.
    pub tokens: Vec<RawToken>,
    /// What people may do whom an auth strategy knows.
    pub access: Vec<RawAccess>,
    /// OAuth scopes that stand for others: the broader to the narrower ones that it includes.
    pub scope_hierarchy: RawScopeHierarchy,
    /// Secrets by name; only files are named here.
    pub secrets: BTreeMap<String, RawSecret>,
    /// Master keys, the one in use first. Default: one that the host makes at its first start, in the user's state folder; several replicas must
    /// share theirs.
    pub keys: Vec<RawKey>,
    /// Rings of signing keys, by name.
    pub rings: BTreeMap<String, RawRing>,
    /// Where logins and registrations of clients are kept.
    pub store: RawStore,
    /// The folder whose `*.wasm` files are plugins. Default: `plugins`.
    pub plugin_directory: Option<String>,
    /// What the operator grants, by the name that a plugin gives itself. A plugin without an entry is not loaded.
    pub plugins: BTreeMap<String, RawPlugin>,
    /// How to reach the Kubernetes API server.
    pub kubernetes: RawKubernetes,
    /// The audit trail.
    pub audit: RawAudit,
    /// The folder that keeps compiled plugins; only the host may be able to write there. Default: `portcullis` in the user's cache folder.
    pub cache_directory: Option<String>,
    /// Calls that run at the same time, 1 to 9,000. Default: 1,024, about 64 MiB if each waits in a host call.
    #[schemars(extend("minimum" = 1, "maximum" = 9_000))]
    pub max_concurrent_calls: Option<u64>,
    /// Milliseconds that a call waits for its turn when that many run already, 0 to 60,000. Default: 1,000, then the client hears 'overloaded'.
    #[schemars(extend("minimum" = 0, "maximum" = 60_000))]
    pub queue_timeout_ms: Option<u64>,
    /// Milliseconds for which clients may keep a list before they ask again (`ttlMs`), 0 to 86,400,000. Default: 60,000; they also hear of changes.
    #[schemars(extend("minimum" = 0, "maximum" = 86_400_000))]
    pub list_ttl_ms: Option<u64>,
    /// What the host tells the model about itself.
    pub instructions: Option<String>,
}

/// One socket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawListener {
    /// Unique among listeners.
    pub name: String,
    /// IP address and port, e.g. `127.0.0.1:4204`; port 0 takes a free one.
    pub address: String,
    /// Whether it is opened. Default: true.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// The URL at which clients reach it: scheme, host and port, e.g. `https://mcp.example.com`. Default: `http://` and the address, on loopback.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Proxies in front, as addresses or networks, e.g. `10.0.0.0/8`: the client is whom their `X-Forwarded-For` names. For the rate limits of auth
    /// strategies. Default: none; the client is who connects.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// Host names (`Host` header) that are accepted besides loopback names, the address itself and the one of `publicUrl`.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Web origins (`Origin` header, e.g. `https://app.example.com`) that are accepted besides loopback ones.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Largest request body, 1KiB to 64MiB. Default: 4MiB.
    #[schemars(extend("minimum" = 1_024, "maximum" = 67_108_864))]
    #[serde(default)]
    pub max_body: Option<Size>,
    /// MCP endpoints. Default: `/mcp`.
    #[serde(default)]
    pub endpoints: Vec<RawEndpoint>,
}

/// One MCP endpoint.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawEndpoint {
    /// Begins with `/`.
    pub path: String,
    /// Whether it is served. Default: true.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// `tokens`: bearer tokens of this file; `none`: nobody is asked, only on loopback and without `allowedHosts`; the name of an auth strategy
    /// under `plugins`; or a list of up to 8 of them (but `none`), asked in this order. Default: `tokens` if there are any, else `none`; taking
    /// the last token away while the host runs leaves it at `tokens`.
    #[serde(default)]
    pub guard: RawGuard,
    /// Audiences of access tokens that are accepted besides this endpoint's own URL, e.g. the API identifier of an identity provider that
    /// knows no resource indicators.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// OAuth scopes that clients are told to ask for, of those that the authorization server has. Default: what the strategies say.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Access tokens that `authorization_details` (RFC 9396) narrow: `refuse` (default), since nothing here enforces them, or `ignore`.
    #[serde(default)]
    pub authorization_details: RawDetails,
}

/// What becomes of tokens that `authorization_details` narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline, extend("enum" = ["refuse", "ignore"], "type" = "string"), transform = crate::jwt::without_alternatives)]
pub enum RawDetails {
    /// They are refused.
    #[default]
    Refuse,
    /// They are taken as if they were not narrowed.
    Ignore,
}

/// How an endpoint knows its callers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline, transform = word_or_words)]
pub enum RawGuard {
    /// One strategy.
    Word(String),
    /// Several, in order.
    Chain(Vec<String>),
}

/// One schema for both instead of alternatives, so that a finding can name what fits.
fn word_or_words(schema: &mut schemars::Schema) {
    schema.remove("anyOf");
    schema.insert("type".to_owned(), serde_json::json!(["string", "array"]));
    schema.insert("items".to_owned(), serde_json::json!({"type": "string"}));
}

impl Default for RawGuard {
    fn default() -> Self {
        Self::Word("auto".to_owned())
    }
}

/// One bearer token. In patterns, `*` stands for any characters; an absent list permits nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawToken {
    /// Names the caller in logs, policies and the audit trail; lower-case letters, digits and hyphens.
    pub name: String,
    /// SHA-256 of the token as 64 hexadecimal digits: `printf %s "$TOKEN" | sha256sum`.
    pub sha256: String,
    /// Patterns of tool names that it may call.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Patterns of prompt names that it may get.
    #[serde(default)]
    pub prompts: Vec<String>,
    /// Patterns of resource URIs that it may read.
    #[serde(default)]
    pub resources: Vec<String>,
}

/// One plugin's part.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RawPlugin {
    /// Whether it is loaded. Default: true.
    pub enabled: Option<bool>,
    /// What it may do; `portcullis plugin inspect FILE` prints what it asks for.
    pub grants: Grants,
    /// The plugin's own settings; its `plugin.yaml` has their schema.
    pub settings: Map<String, Value>,
    /// Caps of each call.
    pub limits: RawLimits,
}

/// Caps on one call of a plugin.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RawLimits {
    /// Milliseconds from admission to result, 10 to 3,600,000. Default: 30,000.
    #[schemars(extend("minimum" = 10, "maximum" = 3_600_000))]
    pub deadline_ms: Option<u64>,
    /// Linear memory, 1MiB to 256MiB. Default: 64MiB.
    #[schemars(extend("minimum" = 1_048_576, "maximum" = 268_435_456))]
    pub memory: Option<Size>,
    /// Elements over all tables, 1 to 1,000,000. Default: 20,000.
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000))]
    pub table_elements: Option<u64>,
    /// Size of a result, 1KiB to 64MiB. Default: 4MiB.
    #[schemars(extend("minimum" = 1_024, "maximum" = 67_108_864))]
    pub output: Option<Size>,
    /// Lines that one call may log, 0 to 1,000,000. Default: 1,000.
    #[schemars(extend("minimum" = 0, "maximum" = 1_000_000))]
    pub log_lines: Option<u64>,
    /// Size of one log line, 64B to 1MiB. Default: 8KiB.
    #[schemars(extend("minimum" = 64, "maximum" = 1_048_576))]
    pub log_line: Option<Size>,
    /// Calls into host functions, 0 to 10,000,000. Default: 10,000.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000_000))]
    pub host_calls: Option<u64>,
    /// Size of what one host function returns, 1KiB to 256MiB. Default: 16MiB.
    #[schemars(extend("minimum" = 1_024, "maximum" = 268_435_456))]
    pub host_reply: Option<Size>,
}

/// How to reach the Kubernetes API server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RawKubernetes {
    /// A kubeconfig file. Default: in-cluster credentials, else `$KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<String>,
    /// A context of it. Default: its current one.
    pub context: Option<String>,
    /// Whether requests name the caller (`Impersonate-User`, `Impersonate-Group`), so that the API server's own RBAC decides. A token of this file
    /// is the user of its name; whom an auth strategy knows is `ISSUER#SUBJECT`, with the groups `ISSUER#GROUP`. Default: false.
    pub impersonate: bool,
}

/// The audit trail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RawAudit {
    /// The file that records are appended to. Default: none, nothing is recorded.
    pub path: Option<String>,
}
