//! What the strategy says of itself: its issuers, the scopes to ask for, the shapes of its credentials. A network that is down changes nothing
//! but what can be left out. Scopes only ever become fewer: the host reads an empty list as "not known" and advertises what the operator
//! curated, so that "none of them" must be said otherwise (contract 3.4).

use portcullis_plugin::auth::{Discovery, Strategy};
use portcullis_plugin::log;
use serde_json::Value;

use crate::claims::scopes;
use crate::settings::{Issuer, Settings};

/// What clients may always ask an OpenID provider for (OpenID Connect Core 1.0 §3.1.2.1); no right of a resource.
const BASELINE: &str = "openid";
/// Stands for "none": it asks for a refresh token, and the host advertises it for no resource.
const NONE: &str = "offline_access";

/// Describes the strategy for a site whose operator curated these scopes.
pub(crate) fn describe(host: &impl Discovery, settings: &Settings, curated: &[String]) -> Strategy {
    let introspecting = settings.issuers.iter().filter_map(|one| one.introspection.as_ref());
    let strategy = settings.issuers.iter().fold(Strategy::new(), |all, one| all.authorization_server(&one.issuer));
    let strategy = strategy.scopes(advertised(host, settings, curated)).shape("jwt");
    introspecting.fold(strategy, |all, how| match &how.prefix {
        Some(prefix) => all.shape(["prefix:", prefix].concat()),
        None => all.shape("opaque"),
    })
}

/// Those of all issuers in the operator's order, each once.
fn advertised(host: &impl Discovery, settings: &Settings, curated: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for scope in settings.issuers.iter().flat_map(|issuer| of_issuer(host, issuer, curated)) {
        if !all.contains(&scope) {
            all.push(scope);
        }
    }
    all
}

/// The issuer's in the settings, else the site's, without those that the issuer's document lacks; never one that the operator named nowhere.
/// Without a document, or with one that lists none, the operator's stand; so they do where the operator says that its list is not complete, as those
/// of many providers that list OpenID's own scopes and none of an API (RFC 8414 §2: servers may leave some out).
fn of_issuer(host: &impl Discovery, issuer: &Issuer, curated: &[String]) -> Vec<String> {
    let wanted = if issuer.scopes.is_empty() { curated } else { &issuer.scopes };
    if wanted.is_empty() || !issuer.lists_all_scopes {
        return wanted.to_vec();
    }
    let Some(supported) = supported(host, issuer) else { return wanted.to_vec() };
    let kept: Vec<String> = wanted.iter().filter(|one| supported.contains(one)).cloned().collect();
    if !kept.is_empty() {
        return kept;
    }
    let instead = if supported.iter().any(|one| one == BASELINE) { BASELINE } else { NONE };
    let none = "none of the scopes that the operator named is among the scopes_supported of issuer ";
    let hint = "` is advertised; correct `scopes` of the endpoint or of the issuer, or write `listsAllScopes: false` at the issuer if it grants more \
                than it lists";
    log::warn(&[none, &issuer.issuer, ": at most `", BASELINE, hint].concat());
    vec![instead.to_owned()]
}

/// What the issuer's document lists.
fn supported(host: &impl Discovery, issuer: &Issuer) -> Option<Vec<String>> {
    let document: Value = serde_json::from_str(&host.discover(&issuer.issuer).ok()?.body).ok()?;
    Some(scopes(document.get("scopes_supported"))).filter(|all| !all.is_empty())
}
