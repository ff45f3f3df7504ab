//! The traits at which the libraries meet. Implementations live in the crate that owns the technology; only the binary joins them.
//!
//! Futures are boxed: 50 ns beside a call's 8 µs, and it keeps the traits object-safe. Dropping a future cancels the work behind it,
//! unless its method says otherwise.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::AuditRecord;
use crate::call::{CallContext, CallError, Outcome};
use crate::completion::{Completion, CompletionRequest};
use crate::content::{ResourceContents, ToolOutput};
use crate::egress::{EgressError, EgressReply, EgressRequest};
use crate::finding::Finding;
use crate::grant::Grants;
use crate::jwt::{Expectation, JwtError, Keys, Verified};
use crate::keyvalue::{Entry, KeyValueError, Write};
use crate::kube::{KubeEvent, KubeReply, KubeRequest, KubeStatus, WatchRequest};
use crate::limits::Limits;
use crate::notice::Notice;
use crate::plugin::Descriptor;
use crate::policy::Permit;
use crate::prompt::Expansion;
use crate::resource::ResourcePage;
use crate::secret::Secret;
use crate::strategy::{Attempt, RouteRequest, RouteResponse, Site, Strategy, StrategyError, Verdict};

/// A future that a port returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Turns a component into something callable. Implemented by the sandbox.
pub trait ToolRuntime: Send + Sync {
    /// Compiles (or takes from the cache), links with nothing but the effective grant, and lists what the plugin offers.
    ///
    /// # Errors
    /// Findings on this plugin; other plugins are not affected. Dropping the future stops the load between its steps.
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Loaded, Vec<Finding>>>;
}

/// What a component turned out to be, by its world.
#[derive(Clone)]
pub enum Loaded {
    /// World `portcullis:tool/tool`.
    Tool(Arc<dyn Plugin>),
    /// World `portcullis:auth/authenticator`.
    Authenticator(Arc<dyn Authenticator>),
}

/// What a plugin is loaded from.
#[derive(Debug, Clone)]
pub struct PluginSource {
    /// Where the bytes came from, for findings: a file path or a reference.
    pub origin: String,
    /// The component, with its `plugin.yaml` section.
    pub component: Arc<[u8]>,
    /// What the operator grants; the sandbox intersects it with what the manifest requests.
    pub granted: Grants,
    /// JSON text of the settings, already validated against the manifest's schema, defaults filled in.
    pub settings: String,
    /// Caps of each call.
    pub limits: Limits,
}

/// What came of asking a plugin anew what it offers: one that differs, or `None`; or why it could not say.
pub type Relisted = Result<Option<Arc<dyn Plugin>>, Vec<Finding>>;

impl Loaded {
    /// What it is.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        match self {
            Self::Tool(plugin) => plugin.descriptor(),
            Self::Authenticator(strategy) => strategy.descriptor(),
        }
    }

    /// Whether both are the very same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tool(one), Self::Tool(other)) => Arc::ptr_eq(one, other),
            (Self::Authenticator(one), Self::Authenticator(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The tools' plugin, if it is one.
    #[must_use]
    pub fn tool(&self) -> Option<&Arc<dyn Plugin>> {
        if let Self::Tool(plugin) = self { Some(plugin) } else { None }
    }

    /// The strategy, if it is one.
    #[must_use]
    pub fn authenticator(&self) -> Option<&Arc<dyn Authenticator>> {
        if let Self::Authenticator(strategy) = self { Some(strategy) } else { None }
    }
}

/// A loaded plugin. Each method runs in a fresh instance; dropping its future ends the guest.
pub trait Plugin: Send + Sync {
    /// What it is and what it offers.
    fn descriptor(&self) -> &Descriptor;

    /// The effective grant: request ∩ grant.
    fn grants(&self) -> &Grants;

    /// Returns once a guest said that the lists of what it offers changed. Cancellation safe.
    fn offers_changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Asks anew what it offers, and is a plugin of its own if that differs; `None` if it does not.
    ///
    /// # Errors
    /// Findings; what it offered before is still good.
    fn list_again(&self) -> BoxFuture<'_, Relisted> {
        Box::pin(async { Ok(None) })
    }

    /// Calls the tool that the permit names. `arguments` is JSON text that matches the tool's input schema.
    ///
    /// # Errors
    /// [`CallError`]; only this call is affected.
    fn call_tool<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
        arguments: String,
    ) -> BoxFuture<'a, Result<Outcome<ToolOutput>, CallError>>;

    /// Expands the prompt that the permit names.
    ///
    /// # Errors
    /// [`CallError`]; only this call is affected.
    fn get_prompt<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
        arguments: Vec<(String, String)>,
    ) -> BoxFuture<'a, Result<Outcome<Expansion>, CallError>>;

    /// One page of the resources that this caller sees.
    ///
    /// # Errors
    /// [`CallError`]; only this call is affected.
    fn list_resources<'a>(
        &'a self,
        context: CallContext,
        cursor: Option<String>,
    ) -> BoxFuture<'a, Result<ResourcePage, CallError>>;

    /// Reads the resource that the permit names.
    ///
    /// # Errors
    /// [`CallError`]; only this call is affected.
    fn read_resource<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Outcome<Vec<ResourceContents>>, CallError>>;

    /// Runs the guest's watch on the resource that the permit names; changes arrive at the runtime's [`NoticeSink`]. Runs until the guest
    /// returns, fails, or the future is dropped.
    ///
    /// # Errors
    /// [`CallError`]; the subscriber stays subscribed and the gateway asks again later.
    fn watch_resource<'a>(&'a self, permit: Permit, context: CallContext) -> BoxFuture<'a, Result<(), CallError>>;

    /// Completes an argument.
    ///
    /// # Errors
    /// [`CallError`]; only this call is affected.
    fn complete<'a>(&'a self, context: CallContext, request: CompletionRequest) -> BoxFuture<'a, Result<Completion, CallError>>;
}

/// A loaded auth strategy. Each method runs in a fresh instance; dropping its future ends the guest.
pub trait Authenticator: Send + Sync {
    /// What it is; without tools.
    fn descriptor(&self) -> &Descriptor;

    /// What it says of itself for a site; at most 2 s.
    ///
    /// # Errors
    /// [`StrategyError`]: what was known of it before is still good.
    fn describe(&self, site: Site) -> BoxFuture<'_, Result<Strategy, StrategyError>>;

    /// Judges a credential, within the plugin's deadline and at most `within`.
    ///
    /// # Errors
    /// [`StrategyError`]: nobody is let in.
    fn authenticate(&self, attempt: Attempt, within: Duration) -> BoxFuture<'_, Result<Verdict, StrategyError>>;

    /// Answers a request to one of its routes, within the plugin's deadline.
    ///
    /// # Errors
    /// [`StrategyError`]; the client hears 503 or 500, and no reason.
    fn handle(&self, request: RouteRequest) -> BoxFuture<'_, Result<RouteResponse, StrategyError>>;
}

/// JSON Web Tokens. Implemented by the trust crate, which owns the keys.
pub trait Tokens: Send + Sync {
    /// Verifies. Whether the caller may use these keys, it has decided; `private` lets an issuer have an address that is not the internet's.
    ///
    /// # Errors
    /// [`JwtError`]: the token proves nothing.
    fn verify<'a>(
        &'a self,
        token: &'a str,
        keys: &'a Keys,
        expected: &'a Expectation,
        private: bool,
    ) -> BoxFuture<'a, Result<Verified, JwtError>>;

    /// Signs JSON claims with a ring's active key.
    ///
    /// # Errors
    /// [`JwtError`]: no such ring, or claims that are no JSON object with `exp`.
    fn sign(&self, ring: &str, typ: &str, claims: &str) -> Result<String, JwtError>;

    /// A ring's public keys: JSON text of a JWK Set.
    ///
    /// # Errors
    /// [`JwtError`]: no such ring.
    fn public_keys(&self, ring: &str) -> Result<String, JwtError>;
}

/// Documents of authorization servers. Implemented by the trust crate.
pub trait Discovery: Send + Sync {
    /// The document, from the cache if there is any copy.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    fn fetch<'a>(&'a self, issuer: &'a str, private: bool) -> BoxFuture<'a, Result<Document, DiscoveryError>>;
}

/// A discovery document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// JSON text.
    pub body: Arc<str>,
    /// Older than it should be.
    pub stale: bool,
}

/// Why there is no discovery document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The server does not answer, and there is no copy.
    #[error("`{issuer}` does not answer: {reason}")]
    Unavailable {
        /// The issuer.
        issuer: String,
        /// Why.
        reason: String,
        /// When it is asked again.
        retry_after: Duration,
    },
    /// What came is no discovery document of this issuer.
    #[error("`{issuer}` has no discovery document: {reason}")]
    Invalid {
        /// The issuer.
        issuer: String,
        /// Why.
        reason: String,
    },
}

/// Outgoing HTTP. Implemented by the trust crate: resolves once, refuses addresses, pins, sends; follows no redirect.
pub trait Egress: Send + Sync {
    /// One exchange. Which rule covers it, the caller has decided.
    ///
    /// # Errors
    /// [`EgressError`]. Cancellation safe: dropping the future closes the connection.
    fn send(&self, request: EgressRequest) -> BoxFuture<'_, Result<EgressReply, EgressError>>;
}

/// The operator's secrets. Implemented by the binary.
pub trait SecretSource: Send + Sync {
    /// The value now; `None`: there is no such secret, or it cannot be read.
    fn secret(&self, name: &str) -> Option<Secret>;
}

/// What plugins keep, by the plugin's name. Implemented by the store; every method is atomic over all replicas.
pub trait PluginStore: Send + Sync {
    /// Reads.
    ///
    /// # Errors
    /// [`KeyValueError`].
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>>;

    /// Writes if the condition holds; whether it did.
    ///
    /// # Errors
    /// [`KeyValueError`]: nothing was written.
    fn put<'a>(&'a self, plugin: &'a str, key: &'a str, write: Write) -> BoxFuture<'a, Result<bool, KeyValueError>>;

    /// Reads and deletes in one step.
    ///
    /// # Errors
    /// [`KeyValueError`].
    fn take<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>>;

    /// Notes that verdicts of this grant are void: for [`PluginStore::is_revoked`] at once, on other replicas within a second.
    ///
    /// # Errors
    /// [`KeyValueError`]: nothing was noted.
    fn revoke<'a>(&'a self, plugin: &'a str, grant: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>>;

    /// Whether the grant was revoked; from memory, so that every request can ask.
    fn is_revoked(&self, plugin: &str, grant: &str) -> bool;

    /// Whether [`PluginStore::is_revoked`] can be believed: the revocations of all replicas were read a moment ago. If not, nobody is let in by
    /// a login that could have been ended.
    fn knows_revocations(&self) -> bool;
}

/// Where a running call talks to its client. Implemented by the gateway per request; must not block.
pub trait ClientSink: Send + Sync {
    /// Progress grew.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>);
    /// A log message for the client; `level` is an RFC 5424 name, `data` JSON text.
    fn message(&self, level: &str, logger: Option<&str>, data: &str);
}

/// Where changes are announced. Implemented by the gateway; must not block.
pub trait NoticeSink: Send + Sync {
    /// Tells subscribers.
    fn publish(&self, notice: Notice);
}

/// The API server. Implemented by the cluster crate.
pub trait KubeApi: Send + Sync {
    /// One request, retried only where the API says so (429 and 503 with Retry-After, idempotent verbs) and within its time.
    ///
    /// # Errors
    /// The API's Status, or the host's own in the same form.
    fn send(&self, request: KubeRequest) -> BoxFuture<'_, Result<KubeReply, KubeStatus>>;

    /// Opens a watch.
    ///
    /// # Errors
    /// The API's Status, or the host's own in the same form.
    fn watch(&self, request: WatchRequest) -> BoxFuture<'_, Result<Box<dyn KubeWatch>, KubeStatus>>;

    /// Where a request goes that names no namespace.
    fn default_namespace(&self) -> &str;

    /// Whether the API server answers now (GET /version, `within` this time).
    ///
    /// # Errors
    /// Why not, for `/readyz`.
    fn reachable(&self, within: Duration) -> BoxFuture<'_, Result<(), KubeStatus>>;
}

/// A running watch. Dropping it closes the connection.
pub trait KubeWatch: Send {
    /// The next event; `None` when the server ended the watch in good order. Cancellation safe: an event is not lost when the future is dropped.
    ///
    /// # Errors
    /// A Status ends the watch; 410 means that the caller must list again.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<KubeEvent, KubeStatus>>>;
}

/// The audit trail. Implemented by the store.
pub trait AuditSink: Send + Sync {
    /// Appends. Must not block for longer than a write into the page cache.
    ///
    /// # Errors
    /// The record could not be kept; the caller decides whether to go on, and says so in the log.
    fn record(&self, record: &AuditRecord) -> Result<(), AuditError>;

    /// Whether records can be kept: asked before anything runs that must not go unrecorded. Blocks no longer than [`AuditSink::record`].
    ///
    /// # Errors
    /// Why not; then nothing may run.
    fn ready(&self) -> Result<(), AuditError>;
}

/// Why a record could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the audit trail could not be written: {0}")]
pub struct AuditError(pub String);
