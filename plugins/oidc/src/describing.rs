//! What the strategy says of itself: its issuers, the scopes to ask for, the shapes of its credentials. A network that is down changes nothing
//! but what can be left out.

use portcullis_plugin::auth::{Discovery, Strategy};
use portcullis_plugin::log;
use serde_json::Value;

use crate::claims::scopes;
use crate::settings::{Issuer, Settings};

/// Describes the strategy.
pub(crate) fn describe(host: &impl Discovery, settings: &Settings) -> Strategy {
    let introspecting = settings.issuers.iter().filter_map(|one| one.introspection.as_ref());
    let strategy = settings.issuers.iter().fold(Strategy::new(), |all, one| all.authorization_server(&one.issuer));
    let strategy = strategy.scopes(advertised(host, settings)).shape("jwt");
    introspecting.fold(strategy, |all, how| match &how.prefix {
        Some(prefix) => all.shape(["prefix:", prefix].concat()),
        None => all.shape("opaque"),
    })
}

/// Those of all issuers in the operator's order, each once.
fn advertised(host: &impl Discovery, settings: &Settings) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for scope in settings.issuers.iter().flat_map(|issuer| of_issuer(host, issuer)) {
        if !all.contains(&scope) {
            all.push(scope);
        }
    }
    all
}

/// The operator's, without those that the issuer's document lacks; never one that the operator did not name. Without a document, or with one
/// that lists none, the operator's stand (RFC 8414 §2: servers may leave some out).
fn of_issuer(host: &impl Discovery, issuer: &Issuer) -> Vec<String> {
    if issuer.scopes.is_empty() {
        return Vec::new();
    }
    let document = host.discover(&issuer.issuer).ok().and_then(|document| serde_json::from_str::<Value>(&document.body).ok());
    let Some(supported) = document.as_ref().and_then(|document| document.get("scopes_supported")) else {
        return issuer.scopes.clone();
    };
    let supported = scopes(Some(supported));
    let kept: Vec<String> = issuer.scopes.iter().filter(|one| supported.contains(one)).cloned().collect();
    if kept.is_empty() {
        log::warn(
            &["none of the scopes of issuer ", &issuer.issuer, " is among its scopes_supported: none is advertised"].concat(),
        );
    }
    kept
}
