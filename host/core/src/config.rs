//! The resolved configuration: valid states only. What the operator writes is `raw`; `resolve` turns one into the other and collects
//! every finding on the way.

mod guards;
mod identity;
#[cfg(test)]
mod identity_tests;
mod listeners;
mod network;
mod outward;
mod path;
mod plugins;
pub mod raw;
mod report;
mod resolve;
mod shape;
mod site;
mod size;
mod suggest;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::grant::Grants;
use crate::jwt::RingAlgorithm;
use crate::limits::Limits;
use crate::policy::{AccessRule, ScopeHierarchy, TokenRules};
use crate::secret::TokenHash;

pub use network::Network;
pub use resolve::Surroundings;
pub use shape::json_schema;
pub use size::Size;

/// Everything that `portcullis.yaml` decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// At least one, names unique, addresses unique.
    pub listeners: Vec<Listener>,
    /// Bearer tokens, by name.
    pub tokens: BTreeMap<String, Token>,
    /// What people may do whom an auth strategy knows.
    pub access: Vec<AccessRule>,
    /// OAuth scopes that stand for others.
    pub scope_hierarchy: ScopeHierarchy,
    /// Files by the name of the secret that they hold; absolute.
    pub secrets: BTreeMap<String, PathBuf>,
    /// Master keys, the one in use first; empty: the host makes one.
    pub keys: Vec<KeyRef>,
    /// Rings of signing keys.
    pub rings: BTreeMap<String, RingAlgorithm>,
    /// Where logins and registrations are kept.
    pub store: StoreConfig,
    /// Where the host keeps what must outlive it; absolute.
    pub state_directory: PathBuf,
    /// The folder whose `*.wasm` files are plugins; absolute.
    pub plugin_directory: PathBuf,
    /// By plugin name.
    pub plugins: BTreeMap<String, PluginConfig>,
    /// How to reach the API server.
    pub kubernetes: KubernetesConfig,
    /// Where the audit trail goes; `None`: nowhere.
    pub audit: Option<PathBuf>,
    /// Where compiled components are kept; absolute. Only the host writes there.
    pub cache_directory: PathBuf,
    /// Calls that run at the same time; further ones wait up to `queue_timeout`, then get 503.
    pub max_concurrent_calls: usize,
    /// How long a call may wait for its turn.
    pub queue_timeout: Duration,
    /// Freshness that lists and discovery announce to clients (`ttlMs`).
    pub list_ttl: Duration,
    /// What `server/discover` and `initialize` tell the model.
    pub instructions: Option<String>,
}

impl Config {
    /// Whether some endpoint asks for tokens.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.listeners.iter().flat_map(|listener| &listener.endpoints).any(|endpoint| endpoint.guard.asks(&StrategyRef::Tokens))
    }
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// For people.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Scheme, host and port at which clients reach it, without a slash at the end; `None`: the address itself.
    pub public_url: Option<String>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// `Host` values that are accepted besides the loopback names and the address itself.
    pub allowed_hosts: Vec<String>,
    /// `Origin` values that are accepted besides loopback ones.
    pub allowed_origins: Vec<String>,
    /// Largest request body in bytes.
    pub max_body: usize,
    /// At least one, paths unique.
    pub endpoints: Vec<Endpoint>,
}

/// One MCP endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Begins with `/`, does not end with it.
    pub path: String,
    /// Who gets in.
    pub guard: Guard,
    /// Audiences of access tokens that are accepted besides the endpoint's own URL.
    pub audiences: Vec<String>,
    /// Scopes that clients are told to ask for; empty: what the strategies say.
    pub scopes: Vec<String>,
    /// Whether tokens that `authorization_details` (RFC 9396) narrow are taken as if they were not narrowed.
    pub ignores_authorization_details: bool,
}

impl Endpoint {
    /// With neither audiences nor scopes of the operator's.
    #[must_use]
    pub fn new(path: &str, guard: Guard) -> Self {
        Self { path: path.to_owned(), guard, audiences: Vec::new(), scopes: Vec::new(), ignores_authorization_details: false }
    }
}

/// How an endpoint knows its callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// These are asked, in this order; at least one.
    Strategies(Vec<StrategyRef>),
    /// Nobody is asked. Only on loopback addresses: resolve refuses it elsewhere.
    None,
}

/// A strategy by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StrategyRef {
    /// Bearer tokens of the configuration.
    Tokens,
    /// An auth strategy that a plugin is.
    Plugin(String),
}

impl Guard {
    /// Bearer tokens of the configuration alone.
    #[must_use]
    pub fn tokens() -> Self {
        Self::Strategies(vec![StrategyRef::Tokens])
    }

    /// Whether a strategy is asked.
    #[must_use]
    pub fn asks(&self, strategy: &StrategyRef) -> bool {
        self.strategies().contains(strategy)
    }

    /// Those that are asked, in order.
    #[must_use]
    pub fn strategies(&self) -> &[StrategyRef] {
        match self {
            Self::Strategies(all) => all,
            Self::None => &[],
        }
    }
}

/// A master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRef {
    /// Stands beside what it encrypted.
    pub id: String,
    /// A name under `secrets`.
    pub secret: String,
}

/// Where logins and registrations are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// A file; absolute.
    Sqlite(PathBuf),
    /// A database whose URL is a secret.
    Postgres {
        /// A name under `secrets`.
        secret: String,
    },
}

/// A bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// What it may do.
    pub rules: TokenRules,
}

/// One plugin's part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginConfig {
    /// Whether it is loaded.
    pub enabled: bool,
    /// What the operator grants.
    pub grants: Grants,
    /// JSON object; validated against the plugin's own schema when it is loaded.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Caps of each call.
    pub limits: Limits,
}

/// How to reach the API server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KubernetesConfig {
    /// A kubeconfig file; `None`: in-cluster, else `KUBECONFIG`, else the home folder's.
    pub kubeconfig: Option<PathBuf>,
    /// A context of it; `None`: the current one.
    pub context: Option<String>,
    /// Whether requests name the caller (`Impersonate-User`), so that the API server's own RBAC and audit log know the human.
    pub impersonate: bool,
}
