//! The host's services as plugins reach them, by hand: they remember what they were asked. For tests of the sandbox, with and without guests.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use portcullis_core::jwt::{Expectation, JwtError, Keys, Verified};
use portcullis_core::keyvalue::{Entry, KeyValueError, When, Write};
use portcullis_core::ports::{BoxFuture, Discovery, DiscoveryError, Document, Egress, PluginStore, SecretSource, Tokens};
use portcullis_core::secret::Secret;

/// Verifies every token.
#[derive(Default)]
pub struct FakeTokens {
    /// Leeway in seconds, and whether private addresses are allowed.
    pub verified: Mutex<Vec<(u64, bool)>>,
}

impl Tokens for FakeTokens {
    fn verify<'a>(
        &'a self,
        _: &'a str,
        _: &'a Keys,
        expected: &'a Expectation,
        private: bool,
    ) -> BoxFuture<'a, Result<Verified, JwtError>> {
        self.verified.lock().push((expected.leeway.as_secs(), private));
        Box::pin(async { Ok(Verified { header: "{}".into(), claims: "{}".into() }) })
    }

    fn sign(&self, ring: &str, typ: &str, _: &str) -> Result<String, JwtError> {
        Ok(format!("{ring}/{typ}"))
    }

    fn public_keys(&self, _: &str) -> Result<String, JwtError> {
        Ok(r#"{"keys":[]}"#.into())
    }
}

/// Has a stale document of every issuer but `https://down`; `https://hangs` never answers.
pub struct FakeDiscovery;

impl Discovery for FakeDiscovery {
    fn fetch<'a>(&'a self, issuer: &'a str, private: bool) -> BoxFuture<'a, Result<Document, DiscoveryError>> {
        Box::pin(async move {
            if issuer == "https://hangs" {
                return std::future::pending().await;
            }
            if issuer == "https://down" {
                let (reason, retry_after) = ("silence".into(), Duration::from_secs(3));
                return Err(DiscoveryError::Unavailable { issuer: issuer.into(), reason, retry_after });
            }
            let body = format!("{issuer}{}", if private { " private" } else { "" });
            Ok(Document { body: body.into(), stale: true })
        })
    }
}

/// Has every secret but `absent`.
pub struct FakeSecrets;

impl SecretSource for FakeSecrets {
    fn secret(&self, name: &str) -> Option<Secret> {
        (name != "absent").then(|| Secret::new(format!("value of {name}")))
    }
}

/// Keeps entries in memory, for ever.
#[derive(Default)]
pub struct FakeStore {
    entries: Mutex<BTreeMap<(String, String), Entry>>,
    /// In seconds, of every write that was tried.
    pub ttls: Mutex<Vec<Option<u64>>>,
    /// Plugin and grant.
    pub revoked: Mutex<Vec<(String, String)>>,
    /// Answers nothing any more.
    pub down: Mutex<bool>,
}

fn key(plugin: &str, key: &str) -> (String, String) {
    (plugin.to_owned(), key.to_owned())
}

impl FakeStore {
    fn up(&self) -> Result<(), KeyValueError> {
        if *self.down.lock() { Err(KeyValueError::Unavailable("connect to db.internal:5432".into())) } else { Ok(()) }
    }

    fn put(&self, plugin: &str, name: &str, write: Write) -> bool {
        self.ttls.lock().push(write.ttl.map(|ttl| ttl.as_secs()));
        let mut entries = self.entries.lock();
        let version = entries.get(&key(plugin, name)).map(|entry| entry.version);
        let holds = match write.when {
            When::Always => true,
            When::Absent => version.is_none(),
            When::Version(wanted) => version == Some(wanted),
        };
        if holds {
            entries.insert(key(plugin, name), Entry { value: write.value, version: version.unwrap_or(0) + 1 });
        }
        holds
    }
}

impl PluginStore for FakeStore {
    fn get<'a>(&'a self, plugin: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async move { self.up().map(|()| self.entries.lock().get(&key(plugin, name)).cloned()) })
    }

    fn put<'a>(&'a self, plugin: &'a str, name: &'a str, write: Write) -> BoxFuture<'a, Result<bool, KeyValueError>> {
        Box::pin(async move { self.up().map(|()| Self::put(self, plugin, name, write)) })
    }

    fn take<'a>(&'a self, plugin: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async move { self.up().map(|()| self.entries.lock().remove(&key(plugin, name))) })
    }

    fn revoke<'a>(&'a self, plugin: &'a str, grant: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move { self.up().map(|()| self.revoked.lock().push(key(plugin, grant))) })
    }

    fn is_revoked(&self, plugin: &str, grant: &str) -> bool {
        self.revoked.lock().contains(&key(plugin, grant))
    }

    fn knows_revocations(&self) -> bool {
        true
    }
}

/// Answers "hello", or what it was told to.
#[derive(Default)]
pub struct FakeEgress {
    /// What was sent.
    pub sent: Mutex<Vec<EgressRequest>>,
    /// Never answers.
    pub silent: Mutex<bool>,
    answer: Mutex<Option<Result<Vec<u8>, EgressError>>>,
}

impl FakeEgress {
    /// The body of the next reply, or why there is none.
    pub fn answer(&self, answer: Result<Vec<u8>, EgressError>) {
        *self.answer.lock() = Some(answer);
    }
}

impl Egress for FakeEgress {
    fn send(&self, request: EgressRequest) -> BoxFuture<'_, Result<EgressReply, EgressError>> {
        Box::pin(async move {
            self.sent.lock().push(request);
            if *self.silent.lock() {
                return std::future::pending().await;
            }
            let body = self.answer.lock().take().unwrap_or_else(|| Ok(b"hello".to_vec()))?;
            Ok(EgressReply { status: 200, headers: vec![("x-echo".into(), "yes".into())], body })
        })
    }
}
