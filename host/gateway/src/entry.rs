//! What a request carries from the door to the guest: one snapshot, one caller. Taken once, at entry.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::config::{Config, Endpoint, Guard, Listener, StrategyRef};
use portcullis_core::principal::Principal;
use portcullis_core::secret::TokenHash;
use portcullis_core::snapshot::Snapshot;

use crate::auth;
use crate::cache::WireCatalogue;
use crate::gateway::Shared;
use crate::revocations::Revocations;

/// How a caller proved who it is; kept so that long-lived streams can ask again after a reload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Credential {
    /// The process at the other end of stdio.
    Stdio,
    /// An endpoint that asks nobody.
    Unguarded {
        /// The listener's name.
        listener: String,
        /// The endpoint's path.
        path: String,
    },
    /// A bearer token of the configuration.
    Token {
        /// The listener's name.
        listener: String,
        /// The endpoint's path.
        path: String,
        /// Its name.
        name: String,
        /// Its hash.
        hash: TokenHash,
    },
    /// What an auth strategy vouches for.
    Strategy {
        /// The listener's name.
        listener: String,
        /// The endpoint's path.
        path: String,
        /// The strategy's name.
        plugin: String,
        /// The login that it belongs to, by which it can be revoked.
        grant: Option<String>,
        /// Seconds since 1970.
        expires_at: u64,
        /// Of the credential.
        hash: TokenHash,
        /// What judged it (`auth/fingerprint.rs`).
        judged_by: [u8; 32],
    },
}

/// How often a stream looks whether its caller's login was ended: a look is one in a map, and a revocation should act within a second.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// Who calls, and how it was proved.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    pub(crate) credential: Credential,
}

impl Caller {
    /// Over stdio.
    pub(crate) fn local() -> Self {
        Self { principal: Arc::new(Principal::local()), credential: Credential::Stdio }
    }

    /// Whether the proof still holds under another snapshot, or later.
    pub(crate) fn is_still_valid(&self, snapshot: &Snapshot, revocations: &Revocations) -> bool {
        let config = &snapshot.config;
        match &self.credential {
            Credential::Stdio => true,
            Credential::Unguarded { listener, path } => {
                find_endpoint(config, listener, path).is_some_and(|(_, endpoint)| endpoint.guard == Guard::None)
            }
            Credential::Token { listener, path, name, hash } => {
                let asked = find_endpoint(config, listener, path).is_some_and(|(_, it)| it.guard.asks(&StrategyRef::Tokens));
                asked && config.tokens.get(name).is_some_and(|token| token.hash.matches(hash))
            }
            Credential::Strategy { listener, path, plugin, expires_at, judged_by, .. } => {
                let alike = find_endpoint(config, listener, path).is_some_and(|(listener, endpoint)| {
                    let asks = endpoint.guard.asks(&StrategyRef::Plugin(plugin.clone()));
                    asks && auth::fingerprint::of(snapshot, listener, endpoint, plugin) == Some(*judged_by)
                });
                alike && *expires_at > auth::now() && !self.is_over(revocations)
            }
        }
    }

    /// Seconds since 1970 at which the credential ends; the greatest for one that does not.
    pub(crate) fn ends(&self) -> u64 {
        if let Credential::Strategy { expires_at, .. } = &self.credential { *expires_at } else { u64::MAX }
    }

    /// Returns when the credential ends, or within about a second after its login was ended or is not known to go on; never for one that does
    /// neither. Cancellation safe.
    pub(crate) async fn ended(&self, revocations: &Revocations) {
        let Credential::Strategy { expires_at, .. } = &self.credential else { return std::future::pending().await };
        loop {
            let left = Duration::from_secs(expires_at.saturating_sub(auth::now()));
            if left.is_zero() || self.is_over(revocations) {
                return;
            }
            tokio::time::sleep(if self.can_be_revoked() { left.min(LOOK) } else { left }).await;
        }
    }

    /// Whether the credential belongs to a login that can be ended before it ends itself.
    pub(crate) fn can_be_revoked(&self) -> bool {
        matches!(&self.credential, Credential::Strategy { grant: Some(_), .. })
    }

    /// Whether the login that it came with was ended.
    pub(crate) fn is_revoked(&self, revocations: &Revocations) -> bool {
        match &self.credential {
            Credential::Strategy { plugin, grant: Some(grant), .. } => revocations.ended(plugin, grant),
            _ => false,
        }
    }

    /// The same, or that nobody could tell for too long: nothing runs on for such a caller.
    pub(crate) fn is_over(&self, revocations: &Revocations) -> bool {
        self.can_be_revoked() && (self.is_revoked(revocations) || revocations.are_lost())
    }

    /// Whether what this caller sees is what every caller of the same endpoint sees.
    pub(crate) fn is_everybody(&self) -> bool {
        matches!(self.credential, Credential::Stdio | Credential::Unguarded { .. })
    }
}

/// The listener of that name and its endpoint at `path`; a trailing slash makes no difference, so that nobody needs a redirect.
pub(crate) fn find_endpoint<'a>(config: &'a Config, listener: &str, path: &str) -> Option<(&'a Listener, &'a Endpoint)> {
    let listener = config.listeners.iter().find(|one| one.name == listener)?;
    let bare = path.strip_suffix('/').unwrap_or(path);
    let endpoint = listener.endpoints.iter().find(|one| one.path == bare)?;
    Some((listener, endpoint))
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) wire: Arc<WireCatalogue>,
    pub(crate) caller: Caller,
}

impl Entry {
    pub(crate) fn principal(&self) -> &Arc<Principal> {
        &self.caller.principal
    }
}

/// A request's entry, held for as long as the request needs it. Streams outlive snapshots: they let go of theirs, so that a plugin that was
/// replaced is really gone, and look at the newest one when they need to.
pub(crate) struct Visit {
    caller: Caller,
    entry: Mutex<Option<Entry>>,
}

impl Visit {
    pub(crate) fn new(entry: Entry) -> Arc<Self> {
        Arc::new(Self { caller: entry.caller.clone(), entry: Mutex::new(Some(entry)) })
    }

    /// The entry; once let go, one on the newest snapshot for the same caller.
    pub(crate) fn entry(&self, shared: &Shared) -> Entry {
        let held = self.entry.lock().clone();
        held.unwrap_or_else(|| shared.enter(shared.snapshot(), self.caller.clone()))
    }

    /// Lets the snapshot go.
    pub(crate) fn release(&self) {
        self.entry.lock().take();
    }
}
