//! Verdicts that are kept for a while, by the SHA-256 of the credential: never past the credential's end, never past a revocation, and never
//! into another snapshot, whose strategies or settings may judge otherwise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use portcullis_core::secret::TokenHash;
use portcullis_core::strategy::Identity;

use super::identity::now;
use crate::entry::Caller;

/// How long a verdict is kept at most: a minute bounds what an identity provider may change without a revocation.
const KEPT: Duration = Duration::from_secs(60);

/// Verdicts that are kept. Each has about 1 KiB: 10 MiB.
const VERDICTS_MAX: u64 = 10_000;

/// What a verdict is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Case {
    /// Of the snapshot.
    pub(crate) generation: u64,
    /// The listener's name: two may have one public URL and differ in the audiences that they take.
    pub(crate) listener: Arc<str>,
    /// Canonical URL of the endpoint.
    pub(crate) resource: Arc<str>,
    /// Which strategy judged.
    pub(crate) plugin: Arc<str>,
    /// Of the credential.
    pub(crate) hash: TokenHash,
}

/// A verdict that let somebody in.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) caller: Caller,
    expires_at: u64,
}

impl Kept {
    pub(crate) fn new(caller: Caller, identity: &Identity) -> Self {
        Self { caller, expires_at: identity.expires_at }
    }
}

/// See the module.
pub(crate) struct Verdicts(Cache<Case, Kept>);

struct Ends;

impl Expiry<Case, Kept> for Ends {
    fn expire_after_create(&self, _: &Case, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(Duration::from_secs(kept.expires_at.saturating_sub(now())).min(KEPT))
    }
}

impl Verdicts {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(VERDICTS_MAX).expire_after(Ends).build())
    }

    /// A verdict that still holds. Whether its login was revoked, the caller of this asks.
    pub(crate) fn get(&self, case: &Case) -> Option<Caller> {
        let kept = self.0.get(case)?;
        (kept.expires_at > now()).then_some(kept.caller)
    }

    pub(crate) fn keep(&self, case: Case, kept: Kept) {
        self.0.insert(case, kept);
    }
}
