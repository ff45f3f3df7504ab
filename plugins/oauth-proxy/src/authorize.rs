//! `/authorize` (OAuth 2.1 §4.1.1): checks the request and keeps it until the person in front of this browser has answered. Errors before that
//! are pages: anybody can register a client, and a redirect would make this host one that sends people wherever a stranger likes (RFC 9700
//! §4.11.2). Only clients that the operator named, and well-known ones, hear of them at once.

use portcullis_plugin::auth::routes::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clients::{self, Client, Origin};
use crate::cookies::Cookie;
use crate::errors::{Answer, Failure, Refusal};
use crate::parameters::{Parameters, encoded, with_query};
use crate::port::Call;
use crate::rate::{self, Limit};
use crate::secret::{digest, is_challenge, secret};
use crate::store::{self, PENDING};
use crate::{details, page, pinned, redirect, resource, routes, scope};

/// How long a person may think, in seconds.
pub(crate) const PENDING_SECONDS: u64 = 900;
/// Longest `state` in bytes: it is kept, and goes back in a URL.
const STATE_MAX: usize = 4_096;
/// Authorization requests per minute: each is kept for a quarter of an hour, and after consent for ten minutes more, so that together they take
/// less than two fifths of the store.
const LIMIT: Limit = Limit { kind: "authorize", per_address: 60, in_total: 1_000, reserve: 2, window: 60 };

/// A request as it was validated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) client: String,
    pub(crate) client_name: String,
    pub(crate) is_document: bool,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) details: Vec<Value>,
    /// Passed on to the provider: "login" or "select_account".
    pub(crate) prompt: Option<String>,
    /// Hash of this browser's cookie.
    pub(crate) browser: String,
    /// Hashes of the CSRF tokens of the pages that were rendered, the newest last.
    pub(crate) csrf: Vec<String>,
    /// Seconds since 1970, however often the page is rendered.
    pub(crate) ends: u64,
}

impl Pending {
    /// Back to the client with these parameters, `state` and `iss` (RFC 9207).
    pub(crate) fn answer(&self, call: Call<'_>, pairs: &[(&str, &str)]) -> Response {
        let url = back_url(call, &self.redirect_uri, self.state.as_deref(), pairs);
        Response::redirect(url).header("cache-control", "no-store")
    }

    /// Back to the client with an error.
    pub(crate) fn refuse(&self, call: Call<'_>, code: &str, description: &str) -> Response {
        self.answer(call, &[("error", code), ("error_description", description)])
    }
}

fn back_url(call: Call<'_>, redirect_uri: &str, state: Option<&str>, pairs: &[(&str, &str)]) -> String {
    let state = state.map(|state| ("state", state));
    let all = pairs.iter().copied().chain(state).chain([("iss", call.issuer())]);
    with_query(redirect_uri, all)
}

/// Whether people may be sent to this client without being asked: not to apps, which get what is in the URL.
fn is_trusted(client: &Client, redirect_uri: &str) -> bool {
    let known = client.origin == Origin::Configured || pinned::client(&client.id).is_some();
    known && (redirect_uri.starts_with("https:") || redirect::is_local(redirect_uri))
}

/// GET or POST.
///
/// # Errors
/// What is wrong with client or redirect URI.
pub(crate) fn authorize(call: Call<'_>, request: &Request) -> Answer {
    let parameters = if request.method == "POST" { Parameters::of_form(request)? } else { Parameters::of_query(request)? };
    let client = clients::find(call, parameters.need("client_id")?)?;
    let redirect_uri = redirect_uri(&client, &parameters)?;
    match validated(call, &client, &redirect_uri, &parameters) {
        Ok(pending) => begin(call, pending),
        Err(Failure::Refused(refusal)) => {
            let state = parameters.one("state").ok().flatten().filter(|state| fits(state));
            let pairs = [("error", refusal.code), ("error_description", refusal.description.as_str())];
            let url = back_url(call, &redirect_uri, state, &pairs);
            if is_trusted(&client, &redirect_uri) {
                return Ok(Response::redirect(url).header("cache-control", "no-store"));
            }
            Ok(page::offered(request, &refusal, &redirect::destination(&redirect_uri), &url))
        }
        Err(fault) => Err(fault),
    }
}

/// The one that is asked for, if it is registered; the only one that is, if none is asked for (RFC 6749 §3.1.2.3).
fn redirect_uri(client: &Client, parameters: &Parameters) -> Result<String, Refusal> {
    match (parameters.one("redirect_uri")?, client.redirect_uris.as_slice()) {
        (Some(asked), _) if client.redirects_to(asked) => Ok(asked.to_owned()),
        (Some(_), _) => Err(Refusal::request("the application did not register this `redirect_uri`")),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Refusal::request("`redirect_uri` is missing")),
    }
}

fn validated(call: Call<'_>, client: &Client, redirect_uri: &str, parameters: &Parameters) -> Result<Pending, Failure> {
    check_type(parameters)?;
    let challenge = challenge(parameters)?;
    let prompt = prompt(parameters)?;
    let state = parameters.one("state")?;
    if state.is_some_and(|state| !fits(state)) {
        return Err(Refusal::request("`state` is longer than 4096 bytes in a URL").into());
    }
    Ok(Pending {
        client: client.id.clone(),
        client_name: client.name.clone(),
        is_document: client.origin == Origin::Document,
        redirect_uri: redirect_uri.to_owned(),
        state: state.map(str::to_owned),
        challenge,
        scopes: scope::at_login(call, parameters.one("scope")?),
        resources: resources(call, parameters)?,
        details: details::asked(call, parameters.one("authorization_details")?)?,
        prompt,
        browser: String::new(),
        csrf: Vec::new(),
        ends: call.now().saturating_add(PENDING_SECONDS),
    })
}

/// Escaped, as it goes back: a `Location` has an end, too.
fn fits(state: &str) -> bool {
    encoded([("", state)]).len() <= STATE_MAX
}

fn check_type(parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.need("response_type")? != "code" {
        return Err(Refusal::other("unsupported_response_type", "only `code` is served here"));
    }
    for (name, code) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
        if parameters.one(name)?.is_some() {
            return Err(Refusal::other(code, ["`", name, "` is not supported"].concat()));
        }
    }
    match parameters.one("response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err(Refusal::request("`response_mode` must be `query`")),
    }
}

/// S256 and nothing else; a method that is left out would mean plain (RFC 7636 §4.3).
fn challenge(parameters: &Parameters) -> Result<String, Refusal> {
    let challenge = parameters.need("code_challenge")?;
    if parameters.one("code_challenge_method")? != Some("S256") {
        return Err(Refusal::request("`code_challenge_method` must be S256"));
    }
    match is_challenge(challenge) {
        true => Ok(challenge.to_owned()),
        false => Err(Refusal::request("`code_challenge` is no SHA-256 in base64url")),
    }
}

/// Without a person nothing is granted here.
fn prompt(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    let words: Vec<&str> = parameters.one("prompt")?.unwrap_or_default().split(' ').collect();
    if words.contains(&"none") {
        return Err(Refusal::other("consent_required", "this server always asks the user"));
    }
    Ok(words.into_iter().find(|word| matches!(*word, "login" | "select_account")).map(str::to_owned))
}

fn resources(call: Call<'_>, parameters: &Parameters) -> Result<Vec<String>, Refusal> {
    let asked = resource::asked(call, parameters)?;
    match asked.is_empty() {
        false => Ok(asked),
        true if call.settings.require_resource => Err(Refusal::other("invalid_target", "`resource` is missing")),
        true if call.site.resources.len() > 1 => {
            Err(Refusal::other("invalid_target", "there are several: `resource` must say which"))
        }
        true => Ok(call.site.resources.clone()),
    }
}

/// Keeps the request under a handle that only this browser can use, and sends it to the consent page.
fn begin(call: Call<'_>, pending: Pending) -> Answer {
    rate::admit(call, &LIMIT)?;
    let (handle, browser) = (secret(call), secret(call));
    let id = digest(&handle);
    store::set(call, PENDING, &id, &Pending { browser: digest(&browser), ..pending }, PENDING_SECONDS)?;
    let url = [routes::CONSENT, "?", &encoded([("request", handle.as_str())])].concat();
    let response = Response::redirect(call.url(&url)).header("cache-control", "no-store");
    Ok(Cookie::request(&id).set(call, response, &browser, PENDING_SECONDS))
}
