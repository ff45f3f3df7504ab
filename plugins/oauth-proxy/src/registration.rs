//! `POST /register`: dynamic client registration (RFC 7591). Deprecated in MCP and still what most clients do. What they ask for beyond
//! what they can have is replaced, as §3.2.1 allows, rather than refused.

use portcullis_plugin::auth::routes::{Request, Response};
use serde_json::{Map, Value, json};

use crate::clients::{Client, Origin, UNUSED_SECONDS};
use crate::errors::{Answer, Refusal};
use crate::port::Call;
use crate::rate::{self, Limit};
use crate::store::{self, CLIENT};
use crate::{redirect, scope, secret};

/// Most bytes of a registration: Cursor's with three URIs has 600.
const BYTES_MAX: usize = 16 << 10;
const URIS_MAX: usize = 10;
/// Longest name in characters: it is shown on the consent page.
pub(crate) const NAME_MAX: usize = 100;
/// Window of the rate limit in seconds.
const HOUR: u64 = 3_600;
/// Registrations per hour from everywhere, and then from each part of it: with a day to live unused ones take less than a third of the store.
const IN_TOTAL: u32 = 1_000;
const RESERVE: u32 = 1;

/// Registers a client.
///
/// # Errors
/// `invalid_redirect_uri`, `invalid_client_metadata`, or 429.
pub(crate) fn register(call: Call<'_>, request: &Request) -> Answer {
    if !call.settings.registration.enabled {
        return Err(Refusal { status: 403, ..Refusal::other("access_denied", "registration is switched off here") }.into());
    }
    let asked = read(&request.body)?;
    let redirect_uris = redirect_uris(&asked, call.settings.custom_schemes)?;
    let per_address = call.settings.registration.per_hour;
    let limit = Limit { kind: "register", per_address, in_total: IN_TOTAL, reserve: RESERVE, window: HOUR };
    let counted = rate::admit(call, &limit)?;
    let id = secret::name(call);
    let name = name(asked.get("client_name")).unwrap_or_else(|| ["client ", id.get(..6).unwrap_or_default()].concat());
    let origin = Origin::Registered { counted, touched: call.now() };
    let client = Client { id, name, redirect_uris, origin };
    store::set(call, CLIENT, &client.id, &client, UNUSED_SECONDS)?;
    Ok(Response::json(201, description(call, &client, &asked).to_string()).header("cache-control", "no-store"))
}

fn read(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.len() > BYTES_MAX {
        return Err(Refusal { status: 413, ..metadata("the registration is longer than 16 KiB") });
    }
    let asked: Map<String, Value> = serde_json::from_slice(body).map_err(|_| metadata("the body is no JSON object"))?;
    let lacks = |member: &str, value: &str| {
        asked.get(member).and_then(Value::as_array).is_some_and(|all| !all.is_empty() && !all.iter().any(|one| one == value))
    };
    if lacks("grant_types", "authorization_code") || lacks("response_types", "code") {
        return Err(metadata("only the grant type `authorization_code` with the response type `code` is served here"));
    }
    Ok(asked)
}

/// Those of a registration or a client document.
///
/// # Errors
/// `invalid_redirect_uri` with the reason.
pub(crate) fn redirect_uris(asked: &Map<String, Value>, custom_schemes: bool) -> Result<Vec<String>, Refusal> {
    let refused = |why: &str| Refusal::other("invalid_redirect_uri", why);
    let all = asked.get("redirect_uris").and_then(Value::as_array).filter(|all| !all.is_empty());
    let all = all.ok_or_else(|| refused("`redirect_uris` is missing"))?;
    if all.len() > URIS_MAX {
        return Err(refused("there are more than 10 `redirect_uris`"));
    }
    let check = |one: &Value| {
        let uri = one.as_str().ok_or_else(|| refused("a redirect URI is no string"))?;
        redirect::check(uri, custom_schemes).map_err(|why| refused(&["a redirect URI ", why].concat()))?;
        Ok(uri.to_owned())
    };
    all.iter().map(check).collect()
}

/// A name for people: one line, of what can be read. Marks that turn the direction of writing around could hide the rest of the page.
pub(crate) fn name(value: Option<&Value>) -> Option<String> {
    let turns = |c: char| matches!(c, '\u{ad}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let text: String = value?.as_str()?.chars().filter(|c| !c.is_control() && !turns(*c)).take(NAME_MAX).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Every member present, none null or empty: Cursor, Claude Code and LM Studio check that.
fn description(call: Call<'_>, client: &Client, asked: &Map<String, Value>) -> Value {
    let mut answer = json!({
        "client_id": client.id,
        "client_id_issued_at": call.now(),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let scopes = scope::at_login(call, asked.get("scope").and_then(Value::as_str));
    let application = asked.get("application_type").and_then(Value::as_str).filter(|kind| matches!(*kind, "web" | "native"));
    if let Some(members) = answer.as_object_mut() {
        if !scopes.is_empty() {
            members.insert("scope".to_owned(), scope::joined(&scopes).into());
        }
        if let Some(kind) = application {
            members.insert("application_type".to_owned(), kind.into());
        }
    }
    answer
}

fn metadata(why: &str) -> Refusal {
    Refusal::other("invalid_client_metadata", why)
}
