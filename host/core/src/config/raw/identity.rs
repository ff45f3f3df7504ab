//! What the operator writes about people, secrets and what the host keeps.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::jwt::RingAlgorithm;

/// What people may do whom an auth strategy knows. Conditions that are left out ask nothing; the others must all hold. In patterns, `*` stands
/// for any characters; an absent list of tools, prompts or resources permits nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawAccess {
    /// Names the rule in the audit trail; lower-case letters, digits and hyphens.
    pub name: String,
    /// Issuers of their tokens, character for character. Default: any that a strategy accepts; with `subjects` or `groups` that is a finding, and
    /// an error if endpoints ask several strategies: each issuer gives the names that it likes.
    #[serde(default)]
    pub issuers: Vec<String>,
    /// Patterns of their subjects (`sub`).
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Patterns of group names, of which they have one.
    #[serde(default)]
    pub groups: Vec<String>,
    /// OAuth scopes that their token holds; who lacks only these is asked to log in again with them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Patterns of tool names that they may call.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Patterns of prompt names that they may get.
    #[serde(default)]
    pub prompts: Vec<String>,
    /// Patterns of resource URIs that they may read.
    #[serde(default)]
    pub resources: Vec<String>,
}

/// A secret that the operator holds for the host or for plugins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawSecret {
    /// The file whose content it is, without white space at its end. Read again when it is needed and has changed.
    pub file: String,
}

/// A master key. From the first one the host derives what encrypts and signs now; the others only open and verify what they made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawKey {
    /// Names the key beside what it encrypted; lower-case letters, digits and hyphens. Never give another key the same id.
    pub id: String,
    /// The name of a secret under `secrets`, of at least 32 bytes: `openssl rand -base64 48`.
    pub secret: String,
}

/// A ring of signing keys that plugins may be granted, derived from `keys`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawRing {
    /// HS256, EdDSA or ES256.
    pub algorithm: RingAlgorithm,
}

/// Where the host keeps what must outlive it: logins, registrations of clients.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RawStore {
    /// An SQLite file, for one replica. Default: `portcullis.db` in the user's state folder.
    pub path: Option<String>,
    /// The name of a secret under `secrets` that is the URL of a PostgreSQL database, for several replicas.
    pub postgres: Option<String>,
}

/// The scopes that stand for others: the broader to the narrower.
pub type RawScopeHierarchy = BTreeMap<String, Vec<String>>;
