//! The provider's id_token: who logged in (OpenID Connect Core 1.0 §3.1.3.7). Signature, algorithm, `iss`, `exp` and `iat` are the host's
//! check; audience, authorized party, nonce and the binding to the access token are here (W8).

use portcullis_plugin::auth::Fault;
use portcullis_plugin::auth::jwt::{Expectation, Keys};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::port::Call;
use crate::secret::{encode, same};

/// Longest subject in bytes (OpenID Connect Core 1.0 §2 says 255 characters).
const SUBJECT_MAX: usize = 255;

/// Who it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    pub(crate) subject: String,
    pub(crate) name: Option<String>,
    pub(crate) groups: Vec<String>,
    /// When the person last proved who it is, seconds since 1970.
    pub(crate) auth_time: Option<u64>,
}

/// Why there is nobody.
#[derive(Debug)]
pub(crate) enum Doubt {
    /// The token proves nothing; for the log.
    Bad(&'static str),
    /// The provider's keys cannot be had now.
    Away,
    /// A defect, or a grant that is missing.
    Fault(Fault),
}

/// Validates an id_token. `nonce` is that of the login; at a refresh there is none (§12.2).
///
/// # Errors
/// [`Doubt`].
pub(crate) fn person(call: Call<'_>, token: &str, nonce: Option<&str>, access: &str) -> Result<Person, Doubt> {
    let upstream = &call.settings.upstream;
    let expected = Expectation {
        algorithms: upstream.algorithms.clone(),
        types: vec![String::new(), "jwt".to_owned()],
        issuer: Some(upstream.issuer.clone()),
        leeway_s: call.settings.leeway_seconds,
    };
    let verified = call.host.verify(token, &Keys::Issuer(upstream.issuer.clone()), &expected);
    let verified = verified.map_err(|problem| match problem.code.as_str() {
        "unavailable" => Doubt::Away,
        "denied" | "internal" => Doubt::Fault(problem.into()),
        _ => Doubt::Bad("its signature, times, type or issuer are not good"),
    })?;
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| Doubt::Bad("it holds no JSON object"));
    let (header, claims) = (read(&verified.header)?, read(&verified.claims)?);
    check(call, &header, &claims, nonce, access).map_err(Doubt::Bad)?;
    let subject =
        text(&claims, "sub").filter(|subject| subject.len() <= SUBJECT_MAX).ok_or(Doubt::Bad("it has no usable `sub`"))?;
    Ok(Person {
        subject: subject.to_owned(),
        name: ["name", "preferred_username", "email"]
            .iter()
            .find_map(|claim| text(&claims, claim))
            .map(|name| name.chars().take(200).collect()),
        groups: upstream.groups_claim.as_deref().map(|claim| groups(&claims, claim)).unwrap_or_default(),
        auth_time: claims.get("auth_time").and_then(Value::as_u64),
    })
}

fn check(call: Call<'_>, header: &Value, claims: &Value, nonce: Option<&str>, access: &str) -> Result<(), &'static str> {
    let own = call.settings.upstream.client_id.as_str();
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    };
    if !audiences.contains(&own) {
        return Err("it is for another client (`aud`)");
    }
    match text(claims, "azp") {
        Some(party) if party != own => return Err("it is for another client (`azp`)"),
        None if audiences.len() > 1 => return Err("it is for several clients and does not say which one is meant"),
        _ => {}
    }
    let fits = |nonce: &str| text(claims, "nonce").is_some_and(|found| same(found, nonce));
    if nonce.is_some_and(|nonce| !fits(nonce)) {
        return Err("its nonce is not the one of this login");
    }
    match text(claims, "at_hash") {
        Some(hash) if left_half(text(header, "alg").unwrap_or_default(), access).is_none_or(|half| half != hash) => {
            Err("it belongs to another access token (`at_hash`)")
        }
        _ => Ok(()),
    }
}

/// The left half of the access token's hash, by the hash of the signature's algorithm (§3.1.3.6). Ed25519 has SHA-512.
fn left_half(algorithm: &str, access: &str) -> Option<String> {
    let hash = match algorithm.get(2..) {
        Some("256") => Sha256::digest(access).to_vec(),
        Some("384") => Sha384::digest(access).to_vec(),
        Some("512") => Sha512::digest(access).to_vec(),
        _ if algorithm == "EdDSA" => Sha512::digest(access).to_vec(),
        _ => return None,
    };
    hash.get(..hash.len() / 2).map(encode)
}

fn text<'a>(claims: &'a Value, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Names in this claim, or at this JSON pointer.
fn groups(claims: &Value, claim: &str) -> Vec<String> {
    let found = if claim.starts_with('/') { claims.pointer(claim) } else { claims.get(claim) };
    match found {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
