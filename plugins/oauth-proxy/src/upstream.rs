//! The leg to the provider: after consent the browser is sent there with a state, a nonce and a challenge of our own, each random and for this
//! login only (AS-9, W8). The state is not the handle of the request, and only the browser that gave the consent can come back with it.

use portcullis_plugin::auth::routes::Response;
use serde::{Deserialize, Serialize};

use crate::authorize::Pending;
use crate::cookies::Cookie;
use crate::errors::Failure;
use crate::parameters::with_query;
use crate::port::Call;
use crate::provider::{self, Trouble};
use crate::secret::{digest, secret};
use crate::store::{self, LEG};
use crate::{routes, scope};

/// How long a person may take to log in, in seconds.
pub(crate) const LEG_SECONDS: u64 = 600;
/// What the settings cannot replace.
const OWN: [&str; 8] =
    ["response_type", "response_mode", "client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method"];

/// A login that is on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) pending: Pending,
    pub(crate) verifier: String,
    pub(crate) nonce: String,
    /// Hash of this browser's cookie.
    pub(crate) browser: String,
}

/// Sends the browser to the provider; back to the client with an error if there is no provider now.
pub(crate) fn leave(call: Call<'_>, pending: Pending) -> Result<Response, Failure> {
    let endpoint = match provider::endpoint(call, "authorization_endpoint") {
        Ok(endpoint) => endpoint,
        Err(Trouble::Away | Trouble::Refused) => {
            return Ok(pending.refuse(call, "temporarily_unavailable", "the identity provider does not answer"));
        }
    };
    let (state, nonce, verifier, browser) = (secret(call), secret(call), secret(call), secret(call));
    let id = digest(&state);
    let url = url(call, &endpoint, &pending, &[("state", &state), ("nonce", &nonce), ("code_challenge", &digest(&verifier))]);
    let leg = Leg { pending, verifier, nonce, browser: digest(&browser) };
    store::set(call, LEG, &id, &leg, LEG_SECONDS)?;
    let response = Response::redirect(url).header("cache-control", "no-store");
    Ok(Cookie::login(&id).set(call, response, &browser, LEG_SECONDS))
}

fn url(call: Call<'_>, endpoint: &str, pending: &Pending, own: &[(&str, &str)]) -> String {
    let upstream = &call.settings.upstream;
    let (back, scopes) = (call.url(routes::CALLBACK), scope::joined(&upstream.scopes));
    let details = serde_json::to_string(&pending.details).unwrap_or_default();
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", upstream.client_id.as_str()),
        ("redirect_uri", back.as_str()),
        ("scope", scopes.as_str()),
        ("code_challenge_method", "S256"),
    ];
    all.extend(own);
    // The operator's prompt, if there is one, is not the client's to replace.
    let own_prompt = upstream.authorize_parameters.contains_key("prompt");
    all.extend(pending.prompt.as_deref().filter(|_| !own_prompt).map(|prompt| ("prompt", prompt)));
    if call.settings.authorization_details.forward && !pending.details.is_empty() {
        all.push(("authorization_details", &details));
    }
    let extra = upstream.authorize_parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let extra: Vec<_> = extra.filter(|(name, _)| !OWN.contains(name) && !all.iter().any(|(known, _)| known == name)).collect();
    with_query(endpoint, all.into_iter().chain(extra))
}
