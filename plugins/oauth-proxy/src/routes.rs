//! The paths that this strategy serves, at the root of the listener: there clients look for them. `/auth/callback` is what
//! operators of FastMCP's proxy have registered with their provider.

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::auth::{Fault, Strategy};
use serde_json::json;

use crate::errors::{Refusal, told};
use crate::page::shown;
use crate::port::Call;
use crate::{authorize, callback, confirm, consent, findings, introspection, logins, metadata, registration, revoke, token};

pub(crate) const OAUTH: &str = "/.well-known/oauth-authorization-server";
pub(crate) const OPENID: &str = "/.well-known/openid-configuration";
pub(crate) const KEYS: &str = "/.well-known/jwks.json";
pub(crate) const REGISTER: &str = "/register";
pub(crate) const AUTHORIZE: &str = "/authorize";
pub(crate) const CONSENT: &str = "/consent";
pub(crate) const CALLBACK: &str = "/auth/callback";
pub(crate) const CONFIRM: &str = "/confirm";
pub(crate) const TOKEN: &str = "/token";
pub(crate) const REVOKE: &str = "/revoke";
pub(crate) const INTROSPECT: &str = "/introspect";
pub(crate) const LOGINS: &str = "/logins";
pub(crate) const END_LOGINS: &str = "/logins/end";

/// What the strategy says of itself, and to the operator of its settings. Needs no network.
pub(crate) fn describe(call: Call<'_>) -> Strategy {
    findings::tell(call);
    let strategy = Strategy::new().authorization_server(call.issuer()).scopes(call.scopes()).shape("jwt");
    let strategy = [OAUTH, OPENID, KEYS].iter().fold(strategy, |all, path| all.open_route("GET", *path));
    let strategy = [REGISTER, TOKEN, REVOKE].iter().fold(strategy, |all, path| all.open_route("POST", *path));
    let strategy = [AUTHORIZE, CONSENT].iter().fold(strategy, |all, path| all.route("GET", *path).route("POST", *path));
    let strategy = strategy.route("GET", CALLBACK).route("GET", LOGINS).route("POST", END_LOGINS);
    let strategy = if call.settings.introspection_secret.is_some() { strategy.route("POST", INTROSPECT) } else { strategy };
    let strategy = if call.settings.confirm { strategy.route("POST", CONFIRM) } else { strategy };
    match &call.settings.authorization_details.types {
        types if types.is_empty() => strategy,
        types => strategy.metadata(json!({"authorization_details_types_supported": types})),
    }
}

/// One request.
///
/// # Errors
/// The store or the host fails.
pub(crate) fn handle(call: Call<'_>, request: &Request) -> Result<Response, Fault> {
    // HEAD comes with GET: the host leaves the body out.
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    match (method, request.path.as_str()) {
        ("GET", OAUTH) => told(metadata::oauth(call, request)),
        ("GET", OPENID) => told(metadata::openid(call, request)),
        ("GET", KEYS) => told(metadata::keys(call, request)),
        ("POST", REGISTER) => told(registration::register(call, request)),
        ("GET" | "POST", AUTHORIZE) => shown(request, authorize::authorize(call, request)),
        ("GET", CONSENT) => shown(request, consent::show(call, request)),
        ("POST", CONSENT) => shown(request, consent::answer(call, request)),
        ("POST", CONFIRM) => shown(request, confirm::answer(call, request)),
        ("GET", CALLBACK) => shown(request, callback::callback(call, request)),
        ("POST", TOKEN) => told(token::token(call, request)),
        ("POST", REVOKE) => told(revoke::revoke(call, request)),
        ("GET", LOGINS) => told(logins::list(call, request)),
        ("POST", END_LOGINS) => told(logins::end(call, request)),
        ("POST", INTROSPECT) => told(introspection::introspect(call, request)),
        _ => Ok(Refusal { status: 404, ..Refusal::request("there is nothing here") }.response()),
    }
}
