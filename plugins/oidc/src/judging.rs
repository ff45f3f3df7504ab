//! One credential, one verdict: whose it is, whether its signature and times are good (the host says), whether it is an access token, and
//! who it names.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_plugin::auth::jwt::{Expectation, Keys, Problem, Verified};
use portcullis_plugin::auth::{Clock, Fault, Http, Jwt, Rejection, Verdict};
use serde_json::Value;

use crate::identity;
use crate::introspection;
use crate::kind::impostor;
use crate::settings::{Issuer, Settings};

/// Judges a credential.
///
/// # Errors
/// [`Fault`] if an issuer that must be asked does not answer: nobody is let in, and nobody is sent to log in again either.
pub(crate) fn judge(host: &(impl Jwt + Http + Clock), settings: &Settings, credential: &str) -> Result<Verdict, Fault> {
    match claimed_issuer(credential) {
        Some(name) => settings.issuer(&name).map_or(Ok(Verdict::NotMine), |issuer| of_issuer(host, settings, issuer, credential)),
        None => introspection::judge(host, settings, credential),
    }
}

/// The `iss` that a JWT claims, unverified: good for choosing whom to ask, and for nothing else.
fn claimed_issuer(credential: &str) -> Option<String> {
    let mut parts = credential.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

fn of_issuer(host: &impl Jwt, settings: &Settings, issuer: &Issuer, token: &str) -> Result<Verdict, Fault> {
    let keys = issuer.jwks_uri.clone().map_or_else(|| Keys::Issuer(issuer.issuer.clone()), Keys::KeySet);
    let expected = Expectation {
        algorithms: issuer.algorithms.clone(),
        types: issuer.types.clone(),
        issuer: Some(issuer.issuer.clone()),
        leeway_s: settings.leeway_seconds,
    };
    match host.verify(token, &keys, &expected) {
        Ok(verified) => of_claims(issuer, settings.leeway_seconds, &verified).map_err(|error| Fault::internal(error.to_string())),
        Err(problem) => of_problem(issuer, problem),
    }
}

fn of_claims(issuer: &Issuer, leeway: u32, verified: &Verified) -> serde_json::Result<Verdict> {
    let (header, claims): (Value, Value) = (serde_json::from_str(&verified.header)?, serde_json::from_str(&verified.claims)?);
    if let Some(what) = impostor(&header, &claims) {
        return Ok(Verdict::Reject(Rejection::invalid(["The token is ", what, ", not an access token."].concat())));
    }
    Ok(identity::identity(issuer, leeway, &claims).map_or_else(Verdict::Reject, Verdict::Principal))
}

/// What the host found wrong, in words for the person at the other end; what is not that person's fault is a fault.
fn of_problem(issuer: &Issuer, problem: Problem) -> Result<Verdict, Fault> {
    let refused = match problem.code.as_str() {
        "expired" => Rejection::expired("The token has expired."),
        "immature" => Rejection::invalid("The token is not valid yet."),
        "type" => Rejection::invalid("The token is of a type that is not an access token."),
        "algorithm" => Rejection::invalid("The token is signed with an algorithm that is not accepted."),
        "malformed" | "critical" | "unknown-key" | "signature" | "issuer" => Rejection::invalid("The token is not valid."),
        _ => {
            let message = ["issuer ", &issuer.issuer, ": ", &problem.message].concat();
            return Err(Problem { message, ..problem }.into());
        }
    };
    Ok(Verdict::Reject(refused))
}
