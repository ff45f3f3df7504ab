//! `private_key_jwt` (OpenID Connect Core 1.0 §9, RFC 7523 §2.2): we prove who we are at the provider with a signature instead of a secret. The
//! host signs with the ring of our access tokens, whose public keys the provider finds at our `/.well-known/jwks.json`. No token is taken for
//! the other: they differ in `typ`, `iss` and `aud`.

use portcullis_plugin::log;
use serde_json::{Value, json};

use crate::port::Call;
use crate::provider::{Trouble, endpoint};
use crate::secret::{decode, name};

/// Value of `client_assertion_type`.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long one is good, in seconds: it is sent at once.
const LASTS: u64 = 60;

/// An assertion for the provider.
///
/// # Errors
/// The host cannot sign, or only with a key that the provider could not check.
pub(crate) fn assertion(call: Call<'_>) -> Result<String, Trouble> {
    let (upstream, ring) = (&call.settings.upstream, &call.settings.ring);
    let audience = match &upstream.assertion_audience {
        Some(audience) => audience.clone(),
        None => endpoint(call, "token_endpoint")?,
    };
    let now = call.now();
    let claims = json!({
        "iss": upstream.client_id,
        "sub": upstream.client_id,
        "aud": audience,
        "jti": name(call),
        "iat": now,
        "exp": now.saturating_add(LASTS),
    });
    let signed = call.host.sign(ring, "JWT", &claims.to_string()).map_err(|problem| {
        log::error(&["`upstream.authentication: privateKey`: ring `", ring, "`: ", &problem.message].concat());
        Trouble::Away
    })?;
    if is_symmetric(&signed) {
        log::error(&symmetric(ring));
        return Err(Trouble::Away);
    }
    Ok(signed)
}

/// What the operator hears of a ring that only this host can check.
pub(crate) fn symmetric(ring: &str) -> String {
    let why = "`upstream.authentication: privateKey` needs a ring with public keys: write `algorithm: ES256` at `rings.";
    [why, ring, "`"].concat()
}

fn is_symmetric(token: &str) -> bool {
    let header = token.split('.').next().and_then(decode).and_then(|header| serde_json::from_slice::<Value>(&header).ok());
    header.is_none_or(|header| header.get("alg").and_then(Value::as_str).is_none_or(|name| name.starts_with("HS")))
}
