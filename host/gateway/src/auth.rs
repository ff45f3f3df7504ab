//! Who calls over HTTP: the credential in, the caller out. The strategies of an endpoint are asked in `chain`; what a refusal tells is in
//! `challenge` and `metadata`.

mod bearer;
mod chain;
mod challenge;
pub(crate) mod fingerprint;
mod identity;
pub(crate) mod metadata;
mod scopes;
pub(crate) mod step_up;
mod stranger;
mod tokens;
mod verdicts;

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use portcullis_core::config::{Config, Guard};
use portcullis_core::principal::Principal;
use portcullis_core::secret::TokenHash;

pub(crate) use chain::Gate;
pub(crate) use challenge::Challenge;
pub(crate) use identity::now;
pub(crate) use stranger::Stranger;
pub(crate) use verdicts::Verdicts;

use crate::entry::{Caller, Credential};
use crate::gateway::Shared;

/// Establishes the caller of an endpoint whose listener is bound to this address.
///
/// # Errors
/// [`Stranger`]: the request goes no further.
pub(crate) async fn identify(
    shared: &Shared,
    gate: Gate<'_>,
    bound: SocketAddr,
    headers: &HeaderMap,
) -> Result<Caller, Stranger> {
    match &gate.endpoint.guard {
        // Resolve refuses such a configuration; the door does not rely on it.
        Guard::None if !bound.ip().is_loopback() => Err(Stranger::Exposed),
        Guard::None => Ok(Caller {
            principal: Arc::new(Principal::local()),
            credential: Credential::Unguarded { listener: gate.listener.name.clone(), path: gate.endpoint.path.clone() },
        }),
        Guard::Strategies(_) => chain::ask(shared, gate, bearer::bearer(headers)?).await,
    }
}

/// Whether a request proves its caller with one of the tokens: for what is not an endpoint.
pub(crate) fn is_known(config: &Config, headers: &HeaderMap) -> bool {
    bearer::bearer(headers).is_ok_and(|token| tokens::find(config, TokenHash::of(token)).is_some())
}
