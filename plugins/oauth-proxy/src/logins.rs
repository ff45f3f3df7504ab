//! `/logins`: the logins that a person has here, and their end. A token shows and ends its own login, and with the scope `loginsScope` all of its
//! person: applications hold tokens, too, and are not the person. The operator's secret, which no resource server has, does it for anybody (W20).

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
use crate::scope;

/// Instead of a login's id: all of them. Ids are longer.
const ALL: &str = "all";

/// Whose logins, and who asks.
struct Asked {
    provider: String,
    subject: String,
    who: Who,
}

/// Who asks.
enum Who {
    Operator,
    /// Somebody with a token of this login that has the scope for all of them.
    Person(String),
    /// Somebody with another token of this login: perhaps an application that was never meant to hear of the person's others.
    Client(String),
}

impl Asked {
    /// The login whose token was sent.
    fn with(&self) -> Option<&str> {
        match &self.who {
            Who::Operator => None,
            Who::Person(login) | Who::Client(login) => Some(login),
        }
    }

    /// Whether that is a login that may be seen and ended.
    fn reaches(&self, id: &str) -> bool {
        !matches!(&self.who, Who::Client(own) if own != id)
    }
}

/// `GET`: the logins as JSON, the oldest first.
///
/// # Errors
/// 401 without a token that is good, 403 for somebody else's logins.
pub(crate) fn list(call: Call<'_>, request: &Request) -> Answer {
    let asked = asked(call, request, &Parameters::of_query(request)?)?;
    let logins = index::of(call, &asked.provider, &asked.subject)?;
    // Before its code is redeemed there is nothing of a login to see.
    let seen = logins.iter().filter(|grant| grant.generation > 0 && asked.reaches(&grant.id));
    let logins: Vec<Value> = seen.map(|grant| described(grant, &asked)).collect();
    let body = json!({"issuer": asked.provider, "subject": asked.subject, "logins": logins});
    Ok(Response::json(200, body.to_string()).header("cache-control", "no-store"))
}

/// `POST`: ends the one that `login` names, or all, those as well that are about to begin.
///
/// # Errors
/// As [`list`]; 403 for another login than the token's without the scope for that; 404 if the person has no such login.
pub(crate) fn end(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_form(request)?;
    let asked = asked(call, request, &parameters)?;
    let named = parameters.need("login")?;
    if !asked.reaches(named) {
        return Err(out_of_reach(call).into());
    }
    let mut ids: Vec<String> = index::of(call, &asked.provider, &asked.subject)?.into_iter().map(|grant| grant.id).collect();
    ids.retain(|id| named == ALL || id == named);
    if ids.is_empty() && named != ALL {
        return Err(Refusal { status: 404, ..Refusal::request("this person has no such login: GET the list first") }.into());
    }
    let by = match asked.who {
        Who::Operator => "the operator",
        Who::Person(_) => "the person",
        Who::Client(_) => "its client",
    };
    ids.iter().for_each(|id| log::info(&["login ", id, ": ", by, " ends it"].concat()));
    grant::end_all(call, &ids)?;
    Ok(Response::json(200, json!({"ended": ids}).to_string()).header("cache-control", "no-store"))
}

fn asked(call: Call<'_>, request: &Request, parameters: &Parameters) -> Result<Asked, Failure> {
    let sent = bearer(request).ok_or_else(|| unknown("Bearer"))?;
    let subject = parameters.one("subject")?;
    if is_secret(call, call.settings.operator_secret.as_deref(), sent) {
        let subject = subject.ok_or_else(|| Refusal::request("`subject` is missing: whose logins?"))?;
        return Ok(Asked { provider: call.settings.upstream.issuer.clone(), subject: subject.to_owned(), who: Who::Operator });
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
    let all = call.logins_scope().is_some_and(|scope| scope::words(&claims.scope).contains(scope));
    let who = if all { Who::Person(claims.grant) } else { Who::Client(claims.grant) };
    Ok(Asked { provider: claims.idp, subject: claims.sub, who })
}

/// RFC 6750 §3.1.
fn out_of_reach(call: Call<'_>) -> Refusal {
    let why = match call.logins_scope() {
        Some(scope) => ["this token ends its own login only: log in with the scope `", scope, "` to end others"].concat(),
        None => "this token ends its own login only; others, the operator ends".to_owned(),
    };
    Refusal { status: 403, challenge: Some("Bearer error=\"insufficient_scope\""), ..Refusal::other("insufficient_scope", why) }
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
        "current": asked.with() == Some(grant.id.as_str()),
    })
}
