//! Opaque tokens (RFC 7662): the issuer is asked. The host puts the credentials into the request, and keeps the answer until the time that
//! the identity names, so that an issuer is not asked at every call.

use portcullis_plugin::auth::http::Request;
use portcullis_plugin::auth::{Clock, Fault, Http, Rejection, Verdict};
use serde_json::{Map, Value};

use crate::claims::{seconds, text};
use crate::identity;
use crate::settings::{Introspection, Issuer, Settings};

/// How API keys, project tokens and refresh tokens of this host begin.
const OWN: &str = "pcl_";

/// Asks the issuer whose token it may be, and no other: a token is nobody else's business (RS-7). The host's own tokens are nobody's here.
///
/// # Errors
/// [`Fault`] if the issuer did not answer.
pub(crate) fn judge(host: &(impl Http + Clock), settings: &Settings, token: &str) -> Result<Verdict, Fault> {
    let may_know = |how: &&Introspection| how.prefix.as_deref().is_none_or(|prefix| token.starts_with(prefix));
    let asked = settings.issuers.iter().find_map(|issuer| Some((issuer, issuer.introspection.as_ref().filter(may_know)?)));
    let Some((issuer, how)) = asked.filter(|_| !token.starts_with(OWN)) else { return Ok(Verdict::NotMine) };
    match ask(host, how, token) {
        Ok(Some(claims)) => Ok(judged(host, (issuer, how), settings.leeway_seconds, claims)),
        Ok(None) => Ok(Rejection::invalid("The token is not active.").into()),
        Err(message) => Err(Fault::unavailable(["issuer ", &issuer.issuer, ": ", &message].concat())),
    }
}

/// The members of an active token's answer.
fn ask(host: &impl Http, how: &Introspection, token: &str) -> Result<Option<Map<String, Value>>, String> {
    let form = ["token=", &escaped(token), "&token_type_hint=access_token"].concat();
    let request = Request::post(&how.endpoint, "application/x-www-form-urlencoded", form).header("accept", "application/json");
    let reply = host.send(request).map_err(|error| error.to_string())?;
    if matches!(reply.status, 401 | 403) {
        return Err("the introspection endpoint refuses our credentials: check `inject` of the egress rule".to_owned());
    }
    if reply.status == 400 && is_no_token(&reply.body) {
        return Ok(None);
    }
    if reply.status != 200 {
        return Err(["the introspection endpoint answered ", &reply.status.to_string()].concat());
    }
    let answer: Map<String, Value> =
        serde_json::from_slice(&reply.body).map_err(|_| "the introspection endpoint answered no JSON object".to_owned())?;
    Ok((answer.get("active") == Some(&Value::Bool(true))).then_some(answer))
}

/// Whether a refusal is about the token, e.g. one that is encrypted for somebody else, and not about the request. RFC 7662 names no code for it;
/// RFC 7009 §2.2.1 and RFC 6750 §3.1 have these.
fn is_no_token(body: &[u8]) -> bool {
    let refusal: Value = serde_json::from_slice(body).unwrap_or_default();
    matches!(text(&refusal, "error"), Some("unsupported_token_type" | "invalid_token"))
}

fn judged(host: &impl Clock, (issuer, how): (&Issuer, &Introspection), leeway: u32, mut claims: Map<String, Value>) -> Verdict {
    let now = host.now();
    let until = now.saturating_add(how.keep_seconds);
    if !claims.contains_key("exp") {
        claims.insert("exp".to_owned(), until.into()); // RFC 7662 §2.2: `exp` is optional
    }
    let claims = Value::Object(claims);
    if text(&claims, "iss").is_some_and(|named| named != issuer.issuer) {
        return Verdict::Reject(Rejection::invalid("The token is another issuer's."));
    }
    if seconds(&claims, "exp").is_some_and(|ends| ends.saturating_add(leeway.into()) <= now) {
        return Verdict::Reject(Rejection::expired("The token has expired."));
    }
    match identity::identity(issuer, leeway, &claims) {
        Ok(mut identity) => {
            identity.expires_at = identity.expires_at.min(until);
            Verdict::Principal(identity)
        }
        Err(rejection) => Verdict::Reject(rejection),
    }
}

/// For `application/x-www-form-urlencoded`: everything but letters, digits and `-._~` as `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15]
                    .iter()
                    .filter_map(|&half| char::from_digit(u32::from(half), 16))
                    .map(|c| c.to_ascii_uppercase()),
            );
        }
    }
    out
}
