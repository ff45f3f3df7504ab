//! What auth strategies need of the host: keys, other parties' documents, the store. Made when a plugin first needs it, so that a host without
//! strategies opens no database and no TLS client; made once, for all snapshots.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use portcullis_core::config::{Config, StoreConfig};
use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use portcullis_core::finding::Finding;
use portcullis_core::jwt::{Expectation, JwtCode, JwtError, Keys, Verified};
use portcullis_core::keyvalue::{Entry, KeyValueError, Write};
use portcullis_core::ports::{BoxFuture, Discovery, DiscoveryError, Document, Egress, PluginStore, Tokens};
use portcullis_store::{PluginKeyValue, StoreLocation, StoreOptions};
use portcullis_trust::{Trust, TrustOptions};
use tokio::sync::OnceCell;

use crate::master;
use crate::secrets::SecretFiles;

/// When something that could not be made is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct Backing {
    config: Config,
    secrets: Arc<SecretFiles>,
    trust: std::sync::OnceLock<Arc<Trust>>,
    store: OnceCell<Arc<PluginKeyValue>>,
}

impl Backing {
    /// Of the configuration that the host began with.
    pub(crate) fn new(config: &Config, secrets: Arc<SecretFiles>) -> Arc<Self> {
        Arc::new(Self { config: config.clone(), secrets, trust: std::sync::OnceLock::new(), store: OnceCell::new() })
    }

    /// Makes what a configuration's plugins may use, and finds what cannot be made.
    pub(crate) async fn prepare(&self, config: &Config) -> Vec<Finding> {
        let mut findings = Vec::new();
        let grants = || config.plugins.values().filter(|plugin| plugin.enabled).map(|plugin| &plugin.grants);
        let finding = |key: &str, error: &anyhow::Error| {
            Finding::error(key, format!("{error:#}")).hint("auth strategies that need it refuse everybody until it is mended")
        };
        if grants().any(|it| it.jwt.is_some() || it.discovery.is_some() || it.http.is_some()) {
            findings.extend(self.trust().err().map(|error| finding("keys", &error)));
        }
        if grants().any(|it| it.keyvalue) {
            findings.extend(self.store().await.err().map(|error| finding("store", &error)));
        }
        findings
    }

    fn trust(&self) -> anyhow::Result<&Arc<Trust>> {
        if let Some(trust) = self.trust.get() {
            return Ok(trust);
        }
        // Rings need a key; without rings none is made.
        let keys = if self.config.rings.is_empty() { None } else { Some(master::ring(&self.config, &self.secrets)?) };
        let rings = self.config.rings.iter().map(|(name, algorithm)| (name.clone(), *algorithm)).collect();
        let trust = Trust::new(TrustOptions { rings, keys, ..TrustOptions::default() })?;
        Ok(self.trust.get_or_init(|| trust))
    }

    async fn store(&self) -> anyhow::Result<&Arc<PluginKeyValue>> {
        self.store.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> anyhow::Result<Arc<PluginKeyValue>> {
        let location = match &self.config.store {
            StoreConfig::Sqlite(path) => {
                let folder = path.parent().unwrap_or(path);
                tokio::fs::create_dir_all(folder).await.with_context(|| format!("{} cannot be made", folder.display()))?;
                StoreLocation::Sqlite(path.clone())
            }
            StoreConfig::Postgres { secret } => StoreLocation::Postgres(self.secrets.read(secret).map_err(anyhow::Error::msg)?),
        };
        Ok(PluginKeyValue::open(StoreOptions { location, keys: master::ring(&self.config, &self.secrets)? }).await?)
    }
}

fn unmade(error: &anyhow::Error) -> JwtError {
    tracing::warn!(error = format!("{error:#}"), "tokens cannot be verified or signed");
    JwtError { code: JwtCode::Internal, message: "the host's keys are not usable".to_owned(), retry_after: Some(AGAIN) }
}

impl Tokens for Backing {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        keys: &'a Keys,
        expected: &'a Expectation,
        private: bool,
    ) -> BoxFuture<'a, Result<Verified, JwtError>> {
        Box::pin(async move { self.trust().map_err(|error| unmade(&error))?.verify(token, keys, expected, private).await })
    }

    fn sign(&self, ring: &str, typ: &str, claims: &str) -> Result<String, JwtError> {
        self.trust().map_err(|error| unmade(&error))?.sign(ring, typ, claims)
    }

    fn public_keys(&self, ring: &str) -> Result<String, JwtError> {
        self.trust().map_err(|error| unmade(&error))?.public_keys(ring)
    }
}

impl Discovery for Backing {
    fn fetch<'a>(&'a self, issuer: &'a str, private: bool) -> BoxFuture<'a, Result<Document, DiscoveryError>> {
        Box::pin(async move {
            let trust = self.trust().map_err(|error| DiscoveryError::Unavailable {
                issuer: issuer.to_owned(),
                reason: format!("{error:#}"),
                retry_after: AGAIN,
            })?;
            trust.fetch(issuer, private).await
        })
    }
}

impl Egress for Backing {
    fn send(&self, request: EgressRequest) -> BoxFuture<'_, Result<EgressReply, EgressError>> {
        Box::pin(async move {
            let trust = self
                .trust()
                .map_err(|error| EgressError::Unreachable { host: "(any)".to_owned(), reason: format!("{error:#}") })?;
            trust.send(request).await
        })
    }
}

/// The store, or why there is none.
macro_rules! store {
    ($self:ident) => {
        $self.store().await.map_err(|error| KeyValueError::Unavailable(format!("{error:#}")))?
    };
}

impl PluginStore for Backing {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async move { store!(self).get(plugin, key).await })
    }

    fn put<'a>(&'a self, plugin: &'a str, key: &'a str, write: Write) -> BoxFuture<'a, Result<bool, KeyValueError>> {
        Box::pin(async move { store!(self).put(plugin, key, write).await })
    }

    fn take<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async move { store!(self).take(plugin, key).await })
    }

    fn revoke<'a>(&'a self, plugin: &'a str, grant: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move { store!(self).revoke(plugin, grant).await })
    }

    fn is_revoked(&self, plugin: &str, grant: &str) -> bool {
        self.store.get().is_some_and(|store| store.is_revoked(plugin, grant))
    }

    /// Not before the store is open; an attempt to open it is made by whoever needs it next.
    fn knows_revocations(&self) -> bool {
        self.store.get().is_some_and(|store| store.knows_revocations())
    }
}
