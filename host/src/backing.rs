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
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinHandle;

use crate::master;
use crate::secrets::SecretFiles;

/// When something that could not be made is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// How long a snapshot waits for the store: opening one that answers takes less.
const OPENING: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Backing {
    config: Config,
    secrets: Arc<SecretFiles>,
    trust: std::sync::OnceLock<Arc<Trust>>,
    store: OnceCell<Arc<PluginKeyValue>>,
    /// An attempt to open the store that is under way.
    opening: Mutex<Option<JoinHandle<anyhow::Result<()>>>>,
}

impl Backing {
    /// Of the configuration that the host began with.
    pub(crate) fn new(config: &Config, secrets: Arc<SecretFiles>) -> Arc<Self> {
        let (trust, store, opening) = (std::sync::OnceLock::new(), OnceCell::new(), Mutex::default());
        Arc::new(Self { config: config.clone(), secrets, trust, store, opening })
    }

    /// Makes what a configuration's plugins may use, and finds what cannot be made. A store that does not answer is waited for elsewhere: the
    /// snapshot may be the one that takes a token away.
    pub(crate) async fn prepare(self: &Arc<Self>, config: &Config) -> Vec<Finding> {
        let mut findings = Vec::new();
        let grants = || config.plugins.values().filter(|plugin| plugin.enabled).map(|plugin| &plugin.grants);
        let finding = |key: &str, error: &anyhow::Error| {
            Finding::error(key, format!("{error:#}")).hint("auth strategies that need it refuse everybody until it is mended")
        };
        if grants().any(|it| it.jwt.is_some() || it.discovery.is_some() || it.http.is_some()) {
            findings.extend(self.trust().err().map(|error| finding("keys", &error)));
        }
        if self.lacks_store(config) {
            findings.extend(self.opened().await.err().map(|error| finding("store", &error)));
        }
        findings
    }

    /// Whether a plugin may use the store, and it is not open.
    pub(crate) fn lacks_store(&self, config: &Config) -> bool {
        let mut plugins = config.plugins.values().filter(|plugin| plugin.enabled);
        self.store.get().is_none() && plugins.any(|plugin| plugin.grants.keyvalue)
    }

    /// Opens the store, and goes on with it in the background if that takes long.
    async fn opened(self: &Arc<Self>) -> anyhow::Result<()> {
        let mut opening = self.opening.lock().await;
        let running = opening.get_or_insert_with(|| {
            let backing = Arc::clone(self);
            tokio::spawn(async move { backing.store().await.map(drop) })
        });
        let Ok(ended) = tokio::time::timeout(OPENING, running).await else { anyhow::bail!("the store does not answer yet") };
        *opening = None;
        ended?
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::Arc;

    use portcullis_core::config::{Config, Surroundings};

    use super::Backing;
    use crate::secrets::SecretFiles;

    #[tokio::test]
    async fn a_snapshot_does_not_wait_for_a_database_that_is_silent() {
        let (folder, database) = (tempfile::tempdir().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let here = folder.path();
        let url = format!("postgres://u:p@{}/d?sslmode=disable", database.local_addr().unwrap());
        std::fs::write(here.join("url"), url).unwrap();
        std::fs::write(here.join("key"), "k".repeat(64)).unwrap();
        let text = "secrets: {url: {file: url}, key: {file: key}}\nkeys: [{id: a, secret: key}]\nstore: {postgres: url}\nplugins: {p: {grants: {keyvalue: true}}}\n";
        let around = Surroundings { file: "f", base: here, cache: here, state: here, scopes: None, guarded: false };
        let (config, _) = Config::parse(text, around).unwrap();
        let secrets = Arc::new(SecretFiles::default());
        secrets.follow(&config.secrets);
        let backing = Backing::new(&config, secrets);
        // The second time, the first attempt is still under way.
        for _ in 0..2 {
            let findings = backing.prepare(&config).await;
            let words: Vec<String> = findings.iter().map(ToString::to_string).collect();
            assert!(words.concat().contains("does not answer yet"), "{words:?}");
            assert!(backing.lacks_store(&config));
        }
    }
}
