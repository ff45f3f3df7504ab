//! Verdicts that are kept for a while, by the SHA-256 of the credential: never past the credential's end, never past a revocation, and never
//! into another snapshot, whose strategies or settings may judge otherwise. Refusals are kept for a moment, too, so that who sends the same
//! worthless credential again and again does not make an identity provider answer for each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use portcullis_core::secret::TokenHash;
use portcullis_core::strategy::Identity;

use super::identity::now;
use super::stranger::Stranger;
use crate::entry::Caller;

/// How long a verdict is kept at most: a minute bounds what an identity provider may change without a revocation.
const KEPT: Duration = Duration::from_secs(60);

/// Verdicts that are kept. Each has about 1 KiB: 10 MiB.
const VERDICTS_MAX: u64 = 10_000;

/// How long a refusal is kept: a provider may need a moment until all of it knows a token that it has just issued.
const REFUSED: Duration = Duration::from_secs(5);

/// Refusals that are kept, apart from the verdicts: anybody can cause them, and they must displace no one who is let in. Each has at most
/// 1.5 KiB, most of it words of the strategy: 6 MiB.
const REFUSALS_MAX: u64 = 4_096;

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
pub(crate) struct Verdicts {
    let_in: Cache<Case, Kept>,
    refused: Cache<Case, Stranger>,
}

struct Ends;

impl Expiry<Case, Kept> for Ends {
    fn expire_after_create(&self, _: &Case, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(Duration::from_secs(kept.expires_at.saturating_sub(now())).min(KEPT))
    }
}

impl Verdicts {
    pub(crate) fn new() -> Self {
        Self {
            let_in: Cache::builder().max_capacity(VERDICTS_MAX).expire_after(Ends).build(),
            refused: Cache::builder().max_capacity(REFUSALS_MAX).time_to_live(REFUSED).build(),
        }
    }

    /// A verdict that still holds. Whether its login was revoked, the caller of this asks.
    pub(crate) fn get(&self, case: &Case) -> Option<Caller> {
        let kept = self.let_in.get(case)?;
        (kept.expires_at > now()).then_some(kept.caller)
    }

    pub(crate) fn keep(&self, case: Case, kept: Kept) {
        self.let_in.insert(case, kept);
    }

    /// Why the credential was refused a moment ago.
    pub(crate) fn refusal(&self, case: &Case) -> Option<Stranger> {
        self.refused.get(case)
    }

    /// Keeps why a credential is refused, if that says something about the credential. That nobody could judge it says nothing.
    pub(crate) fn refuse(&self, case: Case, stranger: &Stranger) {
        if matches!(stranger, Stranger::Rejected(_) | Stranger::Audience(_)) {
            self.refused.insert(case, stranger.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::secret::TokenHash;

    use super::{Case, REFUSALS_MAX, REFUSED, Stranger, Verdicts};

    fn case(token: &str) -> Case {
        Case { generation: 1, listener: "l".into(), resource: "r".into(), plugin: "p".into(), hash: TokenHash::of(token) }
    }

    #[test]
    fn refusals_of_a_flood_are_kept_in_bounds_and_for_seconds() {
        let verdicts = Verdicts::new();
        for n in 0..REFUSALS_MAX * 2 {
            verdicts.refuse(case(&n.to_string()), &Stranger::Audience("r".into()));
        }
        verdicts.refused.run_pending_tasks();
        assert!((1..=REFUSALS_MAX).contains(&verdicts.refused.entry_count()));
        assert_eq!(verdicts.refused.policy().time_to_live(), Some(REFUSED));
    }

    #[test]
    fn what_says_nothing_about_a_credential_is_not_kept() {
        let verdicts = Verdicts::new();
        for (n, stranger) in [Stranger::Unavailable(None), Stranger::InvalidToken, Stranger::Malformed].iter().enumerate() {
            verdicts.refuse(case(&n.to_string()), stranger);
            assert_eq!(verdicts.refusal(&case(&n.to_string())), None);
        }
        verdicts.refuse(case("a"), &Stranger::Audience("r".into()));
        assert!(verdicts.refusal(&case("a")).is_some() && verdicts.refusal(&case("b")).is_none());
    }
}
