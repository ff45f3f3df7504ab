//! From claims to an identity: who, in which groups, with which scopes, for whom, until when. The signature is behind us; what the issuer
//! said is checked against what the operator expects of this issuer. The end is that of the claims and the leeway: the host lets nobody in
//! after it, and its clock is one of those that may differ (W15).

use portcullis_plugin::auth::{Identity, Rejection};
use serde_json::Value;

use crate::claims::{find, scopes, seconds, text, texts};
use crate::settings::Issuer;

/// Where a name for people may be, best first.
const NAMES: [&str; 3] = ["name", "preferred_username", "email"];

/// Who the claims name, until `exp` and so many seconds.
///
/// # Errors
/// Why the token is refused. Too few scopes are no reason: the host knows what a call needs, and answers 403.
pub(crate) fn identity(issuer: &Issuer, leeway: u32, claims: &Value) -> Result<Identity, Rejection> {
    let subject = text(claims, "sub").ok_or_else(|| Rejection::invalid("The token names no subject."))?;
    let client = text(claims, "client_id").or_else(|| text(claims, "azp"));
    if !issuer.clients.is_empty() && !client.is_some_and(|client| issuer.clients.iter().any(|one| one == client)) {
        return Err(Rejection::invalid("The token was issued to a client that is not accepted here."));
    }
    let audience = texts(claims.get("aud"));
    if audience.is_empty() || (!issuer.audiences.is_empty() && !audience.iter().any(|one| issuer.audiences.contains(one))) {
        return Err(Rejection::audience("The token was issued for another resource."));
    }
    let expires_at = seconds(claims, "exp").ok_or_else(|| Rejection::invalid("The token says not when it ends."))?;
    Ok(Identity {
        subject: subject.to_owned(),
        issuer: issuer.issuer.clone(),
        name: name(issuer, claims),
        groups: issuer.groups_claim.as_deref().map(|claim| texts(find(claims, claim))).unwrap_or_default(),
        scopes: granted(issuer, claims),
        audience,
        expires_at: expires_at.saturating_add(leeway.into()),
        client: client.map(str::to_owned),
        grant: None,
        authorization_details: claims.get("authorization_details").filter(|details| details.is_array()).map(Value::to_string),
    })
}

fn name(issuer: &Issuer, claims: &Value) -> Option<String> {
    match &issuer.name_claim {
        Some(claim) => text(claims, claim),
        None => NAMES.iter().find_map(|claim| text(claims, claim)),
    }
    .map(str::to_owned)
}

fn granted(issuer: &Issuer, claims: &Value) -> Vec<String> {
    match &issuer.scope_claim {
        Some(claim) => scopes(find(claims, claim)),
        None => scopes(claims.get("scope").or_else(|| claims.get("scp"))),
    }
}
