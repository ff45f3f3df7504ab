//! `/logins`: a person sees the logins that they have here and ends them, with the access token of any of them; the operator those of anybody,
//! with a secret of its own, which no resource server has (W20).

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::log;
use serde_json::{Value, json};

use crate::access;
use crate::bearer::{bearer, is_secret};
use crate::errors::{Answer, Failure, Refusal};
use crate::grant::{self, Grant};
use crate::index;
use crate::parameters::Parameters;
use crate::port::Call;

/// Instead of a login's id: all of them. Ids are longer.
const ALL: &str = "all";

/// Whose logins, and who asks.
struct Asked {
    provider: String,
    subject: String,
    /// The login whose token was sent; none if the operator asks.
    with: Option<String>,
}

/// `GET`: the logins as JSON, the oldest first.
///
/// # Errors
/// 401 without a token that is good, 403 for somebody else's logins.
pub(crate) fn list(call: Call<'_>, request: &Request) -> Answer {
    let asked = asked(call, request, &Parameters::of_query(request)?)?;
    let logins = index::of(call, &asked.provider, &asked.subject)?;
    let logins: Vec<Value> = logins.iter().map(|grant| described(grant, &asked)).collect();
    let body = json!({"issuer": asked.provider, "subject": asked.subject, "logins": logins});
    Ok(Response::json(200, body.to_string()).header("cache-control", "no-store"))
}

/// `POST`: ends the one that `login` names, or all.
///
/// # Errors
/// As [`list`]; 404 if the person has no such login.
pub(crate) fn end(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_form(request)?;
    let asked = asked(call, request, &parameters)?;
    let named = parameters.need("login")?;
    let mut ids: Vec<String> = index::of(call, &asked.provider, &asked.subject)?.into_iter().map(|grant| grant.id).collect();
    ids.retain(|id| named == ALL || id == named);
    if ids.is_empty() && named != ALL {
        return Err(Refusal { status: 404, ..Refusal::request("this person has no such login: GET the list first") }.into());
    }
    let by = if asked.with.is_some() { "the person" } else { "the operator" };
    ids.iter().for_each(|id| log::info(&["login ", id, ": ", by, " ends it"].concat()));
    grant::end_all(call, &ids)?;
    Ok(Response::json(200, json!({"ended": ids}).to_string()).header("cache-control", "no-store"))
}

fn asked(call: Call<'_>, request: &Request, parameters: &Parameters) -> Result<Asked, Failure> {
    let sent = bearer(request).ok_or_else(|| unknown("Bearer"))?;
    let subject = parameters.one("subject")?;
    if is_secret(call, call.settings.operator_secret.as_deref(), sent) {
        let subject = subject.ok_or_else(|| Refusal::request("`subject` is missing: whose logins?"))?;
        return Ok(Asked { provider: call.settings.upstream.issuer.clone(), subject: subject.to_owned(), with: None });
    }
    let claims = match access::verified(call, sent) {
        Ok(claims) => claims,
        Err(problem) if access::is_unjudged(&problem) => return Err(Failure::Fault(problem.into())),
        Err(_) => return Err(unknown("Bearer error=\"invalid_token\"").into()),
    };
    if grant::find(call, &claims.grant)?.is_none() {
        return Err(unknown("Bearer error=\"invalid_token\"").into());
    }
    if subject.is_some_and(|subject| subject != claims.sub) {
        let why = "only the operator may name somebody else";
        return Err(Refusal { status: 403, ..Refusal::other("access_denied", why) }.into());
    }
    Ok(Asked { provider: claims.idp, subject: claims.sub, with: Some(claims.grant) })
}

fn unknown(challenge: &'static str) -> Refusal {
    let why = "an access token of this server is needed, of a login that is not over";
    Refusal { status: 401, challenge: Some(challenge), ..Refusal::other("invalid_token", why) }
}

fn described(grant: &Grant, asked: &Asked) -> Value {
    json!({
        "id": grant.id,
        "client_id": grant.client,
        "client_name": grant.client_name,
        "resources": grant.resources,
        "scopes": grant.scopes,
        "since": grant.begun,
        "last_used": grant.replaced.last().copied().unwrap_or(grant.begun),
        "ends": grant.ends,
        "current": asked.with.as_deref() == Some(grant.id.as_str()),
    })
}
