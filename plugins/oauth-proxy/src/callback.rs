//! `/auth/callback`: the provider's answer. Only the browser that gave the consent may bring it (CVE-2026-27124), only once, and only from
//! the provider that was asked (RFC 9207). What went wrong there is told to the client in categories, never in the provider's words (W7).

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::log;

use crate::authorize::Pending;
use crate::cookies::Cookie;
use crate::errors::{Answer, Failure, Refusal};
use crate::grant::{self, Grant};
use crate::id_token::{self, Doubt, Person};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::provider::{self, Granted, Trouble};
use crate::secret::digest;
use crate::store::{self, LEG};
use crate::upstream::Leg;
use crate::{code, confirm, details, routes};

/// Errors of the provider that clients may hear as they are; others become `server_error`.
const PASSED: [&str; 6] = [
    "access_denied",
    "login_required",
    "consent_required",
    "interaction_required",
    "account_selection_required",
    "temporarily_unavailable",
];

/// Why the client gets an error.
struct Sorry(&'static str, &'static str);

/// Ends the leg and sends the browser back to the client.
///
/// # Errors
/// The login is over, or was begun in another browser: then the client is not told anything.
pub(crate) fn callback(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_query(request)?;
    let id = digest(parameters.need("state")?);
    let over = || Refusal::request("this login is over, or was finished already");
    let found = store::get::<Leg>(call, LEG, &id)?.ok_or_else(over)?;
    let cookie = Cookie::login(&id);
    if !cookie.is_with(call, request, &found.record.browser) {
        log::warn("a provider's answer in a browser that gave no consent was refused");
        return Err(Refusal { status: 403, ..Refusal::other("access_denied", "this login began in another browser") }.into());
    }
    let leg: Leg = store::take(call, LEG, &id)?.ok_or_else(over)?;
    let response = match finish(call, &parameters, &leg)? {
        Ok(response) => response,
        Err(Sorry(code, description)) => leg.pending.refuse(call, code, description),
    };
    Ok(cookie.clear(call, response))
}

fn finish(call: Call<'_>, parameters: &Parameters, leg: &Leg) -> Result<Result<Response, Sorry>, Failure> {
    let granted = match check_iss(call, parameters).and_then(|()| exchange(call, parameters, leg)) {
        Ok(granted) => granted,
        Err(sorry) => return Ok(Err(sorry)),
    };
    let person = match person(call, &granted, leg)? {
        Ok(person) => person,
        Err(sorry) => return Ok(Err(sorry)),
    };
    let Ok(details) = details::granted(call, leg.pending.details.clone(), granted.details.as_ref()) else {
        log::error("the provider granted no authorization_details, or too many, or of a type that the settings do not name");
        return Ok(Err(Sorry("server_error", "the identity provider granted what cannot be carried")));
    };
    let pending = Pending { details, ..leg.pending.clone() };
    let grant = Grant::begin(call, &pending, person, &granted.tokens);
    if !grant::keep(call, &grant, &granted.tokens)? {
        return Ok(Err(Sorry("temporarily_unavailable", "too many logins of this person begin at once")));
    }
    if call.settings.confirm {
        return Ok(Ok(confirm::ask(call, pending, &grant)?));
    }
    let code = code::issue(call, &pending, &grant)?;
    Ok(Ok(pending.answer(call, &[("code", &code)])))
}

/// Mix-up: an answer of another provider, or of one that should say who it is and does not.
fn check_iss(call: Call<'_>, parameters: &Parameters) -> Result<(), Sorry> {
    let wrong = || {
        log::warn("an answer whose `iss` is not the provider's was refused");
        Sorry("server_error", "the answer is not the identity provider's")
    };
    match parameters.one("iss").map_err(|_| wrong())? {
        Some(iss) if iss == call.settings.upstream.issuer => Ok(()),
        Some(_) => Err(wrong()),
        None if provider::says_iss(call).map_err(away)? => Err(wrong()),
        None => Ok(()),
    }
}

fn exchange(call: Call<'_>, parameters: &Parameters, leg: &Leg) -> Result<Granted, Sorry> {
    let malformed = |_| Sorry("server_error", "the identity provider's answer is malformed");
    if let Some(error) = parameters.one("error").map_err(malformed)? {
        let code = PASSED.iter().find(|known| **known == error).copied().unwrap_or("server_error");
        return Err(Sorry(code, "the identity provider did not log the user in"));
    }
    let code = parameters.need("code").map_err(malformed)?;
    provider::redeem(call, code, &leg.verifier, &call.url(routes::CALLBACK)).map_err(away)
}

fn person(call: Call<'_>, granted: &Granted, leg: &Leg) -> Result<Result<Person, Sorry>, Failure> {
    let Some(token) = &granted.id_token else {
        log::error("the provider gave no id_token: is `openid` among `upstream.scopes`?");
        return Ok(Err(Sorry("server_error", "the identity provider did not say who logged in")));
    };
    match id_token::person(call, token, Some(&leg.nonce), &granted.tokens.access) {
        Ok(person) => Ok(Ok(person)),
        Err(Doubt::Away) => Ok(Err(away(Trouble::Away))),
        Err(Doubt::Fault(fault)) => Err(fault.into()),
        Err(Doubt::Bad(why)) => {
            log::error(&["the provider's id_token was refused: ", why].concat());
            Ok(Err(Sorry("server_error", "the identity provider did not prove who logged in")))
        }
    }
}

fn away(trouble: Trouble) -> Sorry {
    match trouble {
        Trouble::Away => Sorry("temporarily_unavailable", "the identity provider does not answer"),
        Trouble::Refused => Sorry("server_error", "the identity provider refused the login"),
    }
}
