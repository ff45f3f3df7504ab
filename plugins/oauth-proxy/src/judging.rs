//! One credential, one verdict. Only our access tokens are ours: refresh tokens and codes are no JWTs, and the provider's tokens have another
//! issuer (RS-7).

use portcullis_plugin::auth::{Attempt, Fault, Rejection, Verdict};
use serde_json::Value;

use crate::access::{self, Claims};
use crate::grant;
use crate::port::Call;
use crate::secret::decode;

/// Judges a credential.
///
/// # Errors
/// [`Fault`] if the host cannot verify it now.
pub(crate) fn judge(call: Call<'_>, attempt: &Attempt) -> Result<Verdict, Fault> {
    if claimed_issuer(&attempt.credential).as_deref() != Some(call.issuer()) {
        return Ok(Verdict::NotMine);
    }
    let claims = match access::verified(call, &attempt.credential) {
        Ok(claims) => claims,
        Err(problem) if access::is_unjudged(&problem) => return Err(problem.into()),
        Err(problem) if problem.code == "expired" => {
            return Ok(Rejection::expired("The token has expired: refresh it.").into());
        }
        Err(_) => return Ok(Rejection::invalid("The token is not valid.").into()),
    };
    if !claims.aud.contains(&attempt.resource) {
        return Ok(Rejection::audience("The token was issued for another resource.").into());
    }
    with_groups(call, claims)
}

/// Of a person in very many groups they are in the login's record.
fn with_groups(call: Call<'_>, mut claims: Claims) -> Result<Verdict, Fault> {
    let groups = match claims.groups.take() {
        Some(groups) => groups,
        None => match grant::find(call, &claims.grant)? {
            Some(found) => found.record.groups,
            None => return Ok(Rejection::revoked("The login is over.").into()),
        },
    };
    Ok(claims.identity(call, groups).into())
}

/// The `iss` that a JWT claims, unverified: good for knowing whose it is, and for nothing else.
fn claimed_issuer(credential: &str) -> Option<String> {
    let mut parts = credential.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: Value = serde_json::from_slice(&decode(payload)?).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}
