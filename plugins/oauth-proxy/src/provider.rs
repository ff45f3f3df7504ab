//! Requests to the OpenID Connect provider: its endpoints by discovery, its token endpoint, its revocation. The host injects the client's
//! credentials, or the secret that the settings name goes into the form. What the provider says stays here: clients hear categories.

use std::time::Duration;

use portcullis_plugin::auth::http::Request;
use portcullis_plugin::log;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::assertion;
use crate::parameters::encoded;
use crate::port::Call;
use crate::settings::Authentication;

/// Time for one exchange. Clients wait for 30 s at a refresh, some for 10 s at a login.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Most bytes of a token in an answer: with all of them a login fits into one record.
const TOKEN_MAX: usize = 16 << 10;
/// For how long the provider is not asked again at most, in seconds, though its token may last for days: who is locked out there is locked out
/// here by then. Also for answers that do not say it (RFC 6749 §5.1 only recommends that).
const UNSAID_SECONDS: u64 = 3_600;

/// Why the provider gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It does not answer, or not in good order: the same may succeed later.
    Away,
    /// It refuses the code or the refresh token: the login is over.
    Refused,
}

/// What the provider gave. Tokens are opaque here, whether JWS, JWE or anything else.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    /// Seconds since 1970.
    pub(crate) ends: u64,
}

/// An answer of the token endpoint.
pub(crate) struct Granted {
    pub(crate) tokens: Tokens,
    pub(crate) id_token: Option<String>,
    pub(crate) details: Option<Value>,
}

/// An endpoint of the provider's discovery document, which the host fetched, checked and keeps.
///
/// # Errors
/// There is no document, or no such endpoint, or one that TLS does not protect while the issuer is protected.
pub(crate) fn endpoint(call: Call<'_>, name: &str) -> Result<String, Trouble> {
    let document = document(call)?;
    let url = document.get(name).and_then(Value::as_str).unwrap_or_default();
    let plain = call.settings.upstream.issuer.starts_with("http://") && url.starts_with("http://");
    if url.starts_with("https://") || plain {
        return Ok(url.to_owned());
    }
    log::error(&["the provider's discovery document has no usable `", name, "`"].concat());
    Err(Trouble::Away)
}

/// Whether the provider says that its answers carry `iss` (RFC 9207 §3).
pub(crate) fn says_iss(call: Call<'_>) -> Result<bool, Trouble> {
    Ok(document(call)?.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)))
}

fn document(call: Call<'_>) -> Result<Map<String, Value>, Trouble> {
    let found = call.host.discover(&call.settings.upstream.issuer);
    let document = found.map_err(|problem| log::error(&["discovery of the provider: ", &problem.message].concat()));
    document.ok().and_then(|document| serde_json::from_str(&document.body).ok()).ok_or(Trouble::Away)
}

/// Exchanges an authorization code.
pub(crate) fn redeem(call: Call<'_>, code: &str, verifier: &str, redirect_uri: &str) -> Result<Granted, Trouble> {
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri), ("code_verifier", verifier)];
    token(call, &form)
}

/// Exchanges a refresh token. The old one stands where the answer has none (RFC 6749 §6).
pub(crate) fn refresh(call: Call<'_>, refresh: &str) -> Result<Granted, Trouble> {
    let mut granted = token(call, &[("grant_type", "refresh_token"), ("refresh_token", refresh)])?;
    granted.tokens.refresh.get_or_insert_with(|| refresh.to_owned());
    Ok(granted)
}

/// Revokes a token (RFC 7009), as well as that goes: our own login ends whatever comes of it. Only the provider's token ever goes there (#5120).
pub(crate) fn revoke(call: Call<'_>, tokens: &Tokens) {
    let Ok(document) = document(call) else { return };
    if document.get("revocation_endpoint").is_none() {
        return;
    }
    let (token, hint) = match &tokens.refresh {
        Some(refresh) => (refresh, "refresh_token"),
        None => (&tokens.access, "access_token"),
    };
    let sent =
        endpoint(call, "revocation_endpoint").and_then(|url| post(call, &url, &[("token", token), ("token_type_hint", hint)]));
    if sent.is_err() {
        log::warn("the provider's token could not be revoked there; the login is over here");
    }
}

fn token(call: Call<'_>, form: &[(&str, &str)]) -> Result<Granted, Trouble> {
    let upstream = &call.settings.upstream;
    let extra = upstream.token_parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let extra = extra.filter(|(name, _)| !form.iter().any(|(own, _)| own == name));
    let all: Vec<_> = form.iter().copied().chain(extra).collect();
    let answer = post(call, &endpoint(call, "token_endpoint")?, &all)?;
    read(call, &answer).ok_or_else(|| {
        log::error("the provider's token endpoint answered without a usable access token");
        Trouble::Away
    })
}

fn read(call: Call<'_>, answer: &Map<String, Value>) -> Option<Granted> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= TOKEN_MAX);
    let seconds = answer.get("expires_in").and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let ends = call.now().saturating_add(seconds.unwrap_or(UNSAID_SECONDS).min(UNSAID_SECONDS));
    let tokens = Tokens { access: text("access_token")?.to_owned(), refresh: text("refresh_token").map(str::to_owned), ends };
    Some(Granted { tokens, id_token: text("id_token").map(str::to_owned), details: answer.get("authorization_details").cloned() })
}

/// Sends a form with our credentials. 2xx is the answer's JSON object, empty if there is none.
fn post(call: Call<'_>, url: &str, form: &[(&str, &str)]) -> Result<Map<String, Value>, Trouble> {
    let upstream = &call.settings.upstream;
    let secret = upstream.client_secret.as_ref().and_then(|name| call.host.secret(name));
    if upstream.client_secret.is_some() && secret.is_none() {
        log::error("`upstream.clientSecret` names a secret that is not granted or does not exist");
        return Err(Trouble::Away);
    }
    let assertion = match upstream.authentication {
        Authentication::PrivateKey => Some(assertion::assertion(call)?),
        Authentication::Secret => None,
    };
    let proof = assertion.iter().flat_map(|it| [("client_assertion_type", assertion::TYPE), ("client_assertion", it.as_str())]);
    let secret = secret.as_deref().map(|secret| ("client_secret", secret));
    let credentials = [("client_id", upstream.client_id.as_str())].into_iter().chain(secret).chain(proof);
    let body = encoded(form.iter().copied().chain(credentials));
    let request =
        Request::post(url, "application/x-www-form-urlencoded", body).header("accept", "application/json").timeout(TIMEOUT);
    let reply = call.host.send(request).map_err(|error| {
        log::error(&["the provider: ", &error.to_string()].concat());
        Trouble::Away
    })?;
    let answer: Map<String, Value> = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.is_success() {
        return Ok(answer);
    }
    Err(refused(reply.status, answer.get("error").and_then(Value::as_str)))
}

/// What ends a login: the refresh token is void, or the person may not or must come again (Auth0 and Entra say it like that). The code
/// is of a closed list, so that a log line can hold it.
fn refused(status: u16, error: Option<&str>) -> Trouble {
    let over = ["invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required"];
    let known = ["invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "unsupported_grant_type"];
    if let Some(error) = error.and_then(|error| over.iter().find(|over| **over == error)) {
        log::info(&["the provider refuses: ", error].concat());
        return Trouble::Refused;
    }
    let error = error.and_then(|error| known.iter().find(|known| **known == error)).copied();
    log::error(&["the provider answered ", &status.to_string(), " ", error.unwrap_or("without a known error")].concat());
    Trouble::Away
}
