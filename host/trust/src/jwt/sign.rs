//! Writing a token of one of this host's own rings.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::jwt::{JwtCode, JwtError};

use super::expect::date;
use super::{TOKEN_MAX, error};
use crate::json;
use crate::keys::{Ring, RingKey};

/// Signs claims with the ring's first key. Claims that a verifier here would refuse are not signed.
pub(crate) fn sign(ring: &Ring, typ: &str, claims: &str) -> Result<String, JwtError> {
    let members = json::object(claims).map_err(|reason| error(JwtCode::Malformed, reason))?;
    if date(&members, "exp")?.is_none() {
        return Err(error(JwtCode::Malformed, "the claims have no `exp`"));
    }
    let header = header(ring, ring.first(), typ);
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature =
        ring.first().sign(signed.as_bytes()).ok_or_else(|| error(JwtCode::Internal, "this machine has no randomness"))?;
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    if token.len() > TOKEN_MAX {
        return Err(error(JwtCode::Malformed, "the claims are too long: a token has at most 16 KiB"));
    }
    Ok(token)
}

fn header(ring: &Ring, key: &RingKey, typ: &str) -> String {
    serde_json::json!({ "alg": ring.algorithm_name(), "kid": key.id(), "typ": typ }).to_string()
}
