//! `/token` (OAuth 2.1 §3.2): codes and refresh tokens for access tokens. Clients are public; who they are is their `client_id`.

use portcullis_plugin::auth::Fault;
use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::log;
use serde_json::{Value, json};

use crate::access::{self, Extent};
use crate::clients;
use crate::errors::{Answer, Failure, Refusal};
use crate::grant::{self, Grant};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::{code, details, refresh, resource, scope};

/// Answers a token request.
///
/// # Errors
/// RFC 6749 §5.2.
pub(crate) fn token(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_form(request)?;
    let id = client_id(request, &parameters)?;
    match parameters.need("grant_type")? {
        "authorization_code" => first(call, &id, &parameters),
        "refresh_token" => refresh::refresh(call, &id, &parameters).map_err(|why| refused(call, &parameters, why)),
        _ => Err(Refusal::other("unsupported_grant_type", "only authorization_code and refresh_token are served here").into()),
    }
}

/// Says whose refresh was refused. Of a token that is none, or whose login is over by now, there is nothing to say that strangers could not make up.
fn refused(call: Call<'_>, parameters: &Parameters, why: Failure) -> Failure {
    let token = parameters.one("refresh_token").ok().flatten();
    let login = token.and_then(|token| refresh::login(call, token).ok().flatten()).map(|(found, _)| found.record);
    if let (Failure::Refused(why), Some(grant)) = (&why, login) {
        let what = ["login ", &grant.id, " of ", &grant.subject, " is not refreshed, with client ", &grant.client];
        log::info(&[&what.concat(), ": ", why.code, ", ", &why.description].concat());
    }
    why
}

/// Of the form. Public clients have no password, so that a header with one is a misunderstanding that must be heard of.
///
/// # Errors
/// It is missing, or the client tries to authenticate itself.
pub(crate) fn client_id(request: &Request, parameters: &Parameters) -> Result<String, Refusal> {
    if request.header("authorization").is_some() {
        let why = "clients do not authenticate themselves here: send `client_id` in the form, without Authorization";
        return Err(Refusal { challenge: Some("Basic realm=\"none\""), ..Refusal::client(why) });
    }
    parameters.need("client_id").map(str::to_owned)
}

/// The first tokens of a login.
fn first(call: Call<'_>, id: &str, parameters: &Parameters) -> Answer {
    let client = clients::find(call, id)?;
    let mut found = code::redeem(call, &client.id, parameters)?;
    let extent = extent(call, &found.record, parameters)?;
    found.record.generation = 1;
    if !grant::advance(call, &found)? {
        return Err(Refusal::grant("the login is over: log in again").into());
    }
    log::info(&["login ", &found.record.id, " of ", &found.record.subject, " begins, with client ", &client.id].concat());
    client.touch(call)?;
    Ok(issued(call, &found.record, &extent)?)
}

/// What is asked for of what the login has: never more (W5).
///
/// # Errors
/// `invalid_scope`, `invalid_target`, `invalid_authorization_details`.
pub(crate) fn extent(call: Call<'_>, grant: &Grant, parameters: &Parameters) -> Result<Extent, Failure> {
    let asked = parameters.one("scope")?;
    // What the operator took away since the login is gone.
    let known: Vec<String> = grant.scopes.iter().filter(|one| call.has_scope(one)).cloned().collect();
    let served: Vec<String> = grant.resources.iter().filter(|one| call.site.resources.contains(one)).cloned().collect();
    if served.is_empty() {
        return Err(Refusal::grant("what the login was for is no longer served: log in again").into());
    }
    let scopes = scope::granted(asked, &known);
    if asked.is_some() && scopes.is_empty() && !known.is_empty() {
        return Err(Refusal::other("invalid_scope", "the login has none of these scopes").into());
    }
    let resources = resource::narrowed(call, parameters, &served)?;
    Ok(Extent { scopes, resources, details: details::narrowed(parameters.one("authorization_details")?, &grant.details)? })
}

/// The answer (RFC 6749 §5.1, RFC 9396 §7).
///
/// # Errors
/// The host cannot sign.
pub(crate) fn issued(call: Call<'_>, grant: &Grant, extent: &Extent) -> Result<Response, Fault> {
    let (access, lasts) = access::issue(call, grant, extent)?;
    let mut answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": lasts,
        "refresh_token": refresh::token(grant).ok_or_else(|| Fault::internal("a login without a key"))?,
        "scope": scope::joined(&extent.scopes),
    });
    if let (false, Some(members)) = (extent.details.is_empty(), answer.as_object_mut()) {
        members.insert("authorization_details".to_owned(), Value::Array(extent.details.clone()));
    }
    Ok(Response::json(200, answer.to_string()).header("cache-control", "no-store"))
}
