//! The strategies of an endpoint, asked in their order: the first that knows the credential decides, and whatever goes wrong is a refusal.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::config::{Endpoint, Listener, StrategyRef};
use portcullis_core::secret::{Secret, TokenHash};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::{Described, resource};
use portcullis_core::strategy::{Attempt, Identity, StrategyError, Verdict};

use super::stranger::Stranger;
use super::tokens;
use super::verdicts::{Case, Kept};
use super::{fingerprint, identity};
use crate::entry::{Caller, Credential};
use crate::gateway::Shared;

/// How long one strategy may take: an introspection over a slow network does; a client waits no longer.
const JUDGING: Duration = Duration::from_secs(5);

/// Where somebody wants in.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) listener: &'a Listener,
    pub(crate) endpoint: &'a Endpoint,
}

/// Asks.
///
/// # Errors
/// [`Stranger`].
pub(crate) async fn ask(shared: &Shared, gate: Gate<'_>, token: &str) -> Result<Caller, Stranger> {
    let hash = TokenHash::of(token);
    // A comparison of hashes comes first wherever it stands: no strategy, and no provider behind one, gets to see a token of ours.
    let asks_tokens = gate.endpoint.guard.asks(&StrategyRef::Tokens);
    if let Some(name) = tokens::find(&gate.snapshot.config, hash).filter(|_| asks_tokens) {
        return Ok(tokens::caller(gate, name, hash));
    }
    for strategy in gate.endpoint.guard.strategies() {
        let StrategyRef::Plugin(name) = strategy else { continue };
        if let Some(caller) = one(shared, gate, name, (token, hash)).await? {
            return Ok(caller);
        }
    }
    Err(Stranger::InvalidToken)
}

/// `None`: not a credential of this strategy.
async fn one(shared: &Shared, gate: Gate<'_>, name: &str, (token, hash): (&str, TokenHash)) -> Result<Option<Caller>, Stranger> {
    let (snapshot, listener) = (gate.snapshot, gate.listener);
    let described = snapshot.strategies.on(&listener.name, name).ok_or(Stranger::Unavailable(None))?;
    if token.is_empty() || !described.strategy.may_know(token) {
        return Ok(None);
    }
    let case = Case {
        generation: snapshot.generation,
        listener: listener.name.as_str().into(),
        resource: resource(listener, &gate.endpoint.path).into(),
        plugin: name.into(),
        hash,
    };
    if let Some(caller) = shared.verdicts.get(&case) {
        return unrevoked(shared, caller).map(Some);
    }
    if let Some(stranger) = shared.verdicts.refusal(&case) {
        return Err(stranger);
    }
    let verdict = match judge(gate, described, &case, token).await? {
        Verdict::Reject(rejection) => Err(Stranger::Rejected(rejection)),
        Verdict::Principal(identity) => identity::check(&identity, gate.endpoint, &case.resource).map(|()| Some(identity)),
        Verdict::NotMine => Ok(None),
    };
    match verdict {
        Ok(None) => Ok(None),
        Err(stranger) => {
            shared.verdicts.refuse(case, &stranger);
            Err(stranger)
        }
        Ok(Some(identity)) => {
            let caller = caller(gate, name, hash, &identity).ok_or(Stranger::Unavailable(None))?;
            let caller = unrevoked(shared, caller)?;
            shared.verdicts.keep(case, Kept::new(caller.clone(), &identity));
            Ok(Some(caller))
        }
    }
}

async fn judge(gate: Gate<'_>, described: &Described, case: &Case, token: &str) -> Result<Verdict, Stranger> {
    let strategy = gate.snapshot.strategies.get(&described.plugin).ok_or(Stranger::Unavailable(None))?;
    let request_id = format!("{:032x}", rand::random::<u128>());
    let attempt = Attempt {
        request_id: request_id.clone(),
        resource: case.resource.to_string(),
        site: described.site.clone(),
        credential: Secret::new(token.to_owned()),
    };
    let judged = tokio::time::timeout(JUDGING, strategy.authenticate(attempt, JUDGING)).await;
    let error = match judged {
        Ok(Ok(verdict)) => return Ok(verdict),
        Ok(Err(error)) => error,
        Err(_) => {
            StrategyError::Fault { unavailable: true, message: format!("no verdict within {JUDGING:?}"), retry_after: None }
        }
    };
    let retry_after = if let StrategyError::Fault { retry_after, .. } = &error { *retry_after } else { None };
    // Its words may be the guest's: quoted, so that no line of the log can be made up.
    let error = error.to_string();
    tracing::warn!(request_id, strategy = described.plugin, error, "a strategy gave no verdict; the caller is refused");
    Err(Stranger::Unavailable(retry_after))
}

/// `None`: the strategy is not loaded.
fn caller(gate: Gate<'_>, plugin: &str, hash: TokenHash, identity: &Identity) -> Option<Caller> {
    let credential = Credential::Strategy {
        listener: gate.listener.name.clone(),
        path: gate.endpoint.path.clone(),
        plugin: plugin.to_owned(),
        grant: identity.grant.clone(),
        expires_at: identity.expires_at,
        hash,
        judged_by: fingerprint::of(gate.snapshot, gate.listener, gate.endpoint, plugin)?,
    };
    Some(Caller { principal: Arc::new(identity::principal(identity)), credential })
}

/// A login may have been ended since the verdict, or while it was made.
fn unrevoked(shared: &Shared, caller: Caller) -> Result<Caller, Stranger> {
    match caller.is_revoked(&shared.revocations) {
        true => Err(Stranger::InvalidToken),
        false if caller.can_be_revoked() && !shared.revocations.are_known() => Err(Stranger::Unavailable(None)),
        false => Ok(caller),
    }
}
