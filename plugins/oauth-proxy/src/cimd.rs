//! Client ID metadata documents: a `client_id` that is a URL at which the client describes itself
//! (draft-ietf-oauth-client-id-metadata-document). The host resolves and pins the name, refuses addresses that are not the internet's, and
//! follows no redirect; which URLs are asked for at all, what a document must say and how long it is kept is decided here.

use std::time::Duration;

use portcullis_plugin::auth::http::{Reply, Request};
use portcullis_plugin::log;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clients::{Client, Origin};
use crate::errors::{Failure, Refusal};
use crate::port::Call;
use crate::rate::{self, Limit};
use crate::secret::digest;
use crate::store::{self, DOCUMENT, MISSING};
use crate::{pinned, registration};

/// Most bytes of a document, and the time for it.
const BYTES_MAX: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest URL.
const URL_MAX: usize = 512;
/// How long a document is fresh in seconds: what its headers say, within these.
const FRESH_MIN: u64 = 60;
const FRESH: u64 = 3_600;
const FRESH_MAX: u64 = 86_400;
/// How long one is kept for when its server is down: after a login with it, and before.
const KEPT: u64 = 30 * 86_400;
const UNUSED: u64 = 3_600;
/// How long a failure is answered without asking again; of documents of which a copy is built in, for longer: claude.ai refuses some clouds always.
const MISSING_SECONDS: u64 = 60;
const MISSING_PINNED_SECONDS: u64 = 3_600;
/// Fetches per hour: each is a request to a server of the caller's choice, and kept for an hour if no login follows.
const LIMIT: Limit = Limit { kind: "document", per_address: 60, in_total: 600, reserve: 1, window: 3_600 };

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    client: Client,
    fresh_until: u64,
    /// Whether somebody logged in with it.
    used: bool,
}

/// Why there is no document.
#[derive(Debug, Serialize, Deserialize)]
struct Missing {
    why: String,
    /// Its owner says that there is none, or what is none: then a copy counts for nothing.
    gone: bool,
}

impl Missing {
    fn away(why: impl Into<String>) -> Self {
        Self { why: why.into(), gone: false }
    }

    fn gone(why: impl Into<String>) -> Self {
        Self { why: why.into(), gone: true }
    }

    fn answer(self, copy: Option<Client>) -> Result<Client, Failure> {
        copy.filter(|_| !self.gone).ok_or_else(|| Refusal::client(self.why).into())
    }
}

/// The client that this URL describes.
///
/// # Errors
/// `invalid_client`: the URL is none to ask for, or the document is not good, or cannot be had and no copy is kept.
pub(crate) fn client(call: Call<'_>, url: &str) -> Result<Client, Failure> {
    check_url(call, url).map_err(|why| Refusal::client(["a client_id that is a URL ", why].concat()))?;
    let id = digest(url);
    let kept = store::get::<Kept>(call, DOCUMENT, &id)?.map(|found| found.record);
    if let Some(kept) = kept.as_ref().filter(|kept| kept.fresh_until > call.now()) {
        return Ok(kept.client.clone());
    }
    let used = kept.as_ref().is_some_and(|kept| kept.used);
    let copy = kept.map(|kept| kept.client).or_else(|| pinned::client(url));
    if let Some(found) = store::get::<Missing>(call, MISSING, &id)? {
        return found.record.answer(copy);
    }
    match (rate::admit(call, &LIMIT), copy.clone()) {
        (Err(Failure::Refused(_)), Some(copy)) => return Ok(copy),
        (admitted, _) => drop(admitted?),
    }
    match fetch(call, url) {
        Ok((client, seconds)) => {
            let kept = Kept { client, fresh_until: call.now() + seconds, used };
            store::set(call, DOCUMENT, &id, &kept, if used { KEPT } else { UNUSED })?;
            Ok(kept.client)
        }
        Err(missing) => missed(call, url, missing, copy),
    }
}

/// Notes that somebody logged in with this document, so that it is kept for longer.
pub(crate) fn touch(call: Call<'_>, url: &str) -> Result<(), Failure> {
    let id = digest(url);
    if let Some(mut found) = store::get::<Kept>(call, DOCUMENT, &id)?.filter(|found| !found.record.used) {
        found.record.used = true;
        // Whoever wrote it meanwhile fetched it anew, and the next login notes it.
        let _ = store::swap(call, DOCUMENT, &id, &found, KEPT)?;
    }
    Ok(())
}

/// Remembers the failure, so that a dead server is asked seldom; a copy helps on.
fn missed(call: Call<'_>, url: &str, missing: Missing, copy: Option<Client>) -> Result<Client, Failure> {
    log::warn(&["a client document could not be had: ", &missing.why].concat());
    let id = digest(url);
    if missing.gone {
        store::delete(call, DOCUMENT, &id)?;
    }
    let pinned = !missing.gone && pinned::client(url).is_some();
    store::set(call, MISSING, &id, &missing, if pinned { MISSING_PINNED_SECONDS } else { MISSING_SECONDS })?;
    missing.answer(copy)
}

/// https, a host name, the default port, a path; nothing that two readers of URLs could take for different things.
fn check_url(call: Call<'_>, url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("https://").ok_or("must begin with https://")?;
    if url.len() > URL_MAX || url.bytes().any(|byte| !byte.is_ascii_graphic() || b"\"'<>\\^`{|}*".contains(&byte)) {
        return Err("must be at most 512 plain characters");
    }
    let (host, path) = rest.split_once('/').ok_or("must have a path")?;
    if path.is_empty()
        || url.contains('#')
        || path
            .split('?')
            .next()
            .unwrap_or_default()
            .split('/')
            .any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
    {
        return Err("must have a path, without fragment and dot segments");
    }
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    // A last label of digits (or 0x…) is an IPv4 address in some notation (WHATWG URL, ends-in-a-number).
    if !host.contains('.') || !host.split('.').all(label) || last.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("must name a host, in small letters, without user, port or IP address");
    }
    let documents = &call.settings.client_documents;
    match documents.enabled && documents.hosts.iter().any(|pattern| covers(pattern, host)) {
        true => Ok(()),
        false => Err("of this host is not trusted here"),
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.len() > suffix.len() && suffix.starts_with('.') && host.ends_with(suffix),
        None => pattern == host,
    }
}

/// The client and for how long it is fresh.
fn fetch(call: Call<'_>, url: &str) -> Result<(Client, u64), Missing> {
    let request = Request::get(url).header("accept", "application/json").timeout(TIMEOUT);
    let reply = call.host.send(request).map_err(|_| Missing::away("the client's document could not be fetched"))?;
    let json = reply.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if reply.status != 200 || !(json == "application/json" || json.ends_with("+json")) {
        let why = ["the client's document was answered with status ", &reply.status.to_string(), ", or is not JSON"].concat();
        // Other answers may be a firewall's.
        return Err(Missing { why, gone: matches!(reply.status, 404 | 410) });
    }
    if reply.body.len() > BYTES_MAX {
        return Err(Missing::gone("the client's document is longer than 64 KiB"));
    }
    let document: Map<String, Value> =
        serde_json::from_slice(&reply.body).map_err(|_| Missing::gone("the client's document is no JSON object"))?;
    Ok((read(call, url, &document).map_err(Missing::gone)?, freshness(&reply)))
}

fn read(call: Call<'_>, url: &str, document: &Map<String, Value>) -> Result<Client, String> {
    if document.get("client_id").and_then(Value::as_str) != Some(url) {
        return Err("the client_id in the client's document is not its URL".to_owned());
    }
    if document.contains_key("client_secret") {
        return Err("the client's document publishes a secret".to_owned());
    }
    let takes_none =
        |member: &str| document.get(member).and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == "none"));
    let method = document.get("token_endpoint_auth_method").and_then(Value::as_str).unwrap_or("none");
    if method != "none" && !takes_none("token_endpoint_auth_methods_supported") {
        return Err("the client insists on authenticating itself, which is not supported here".to_owned());
    }
    let name = registration::name(document.get("client_name")).ok_or("the client's document has no client_name")?;
    let redirect_uris =
        registration::redirect_uris(document, call.settings.custom_schemes).map_err(|refusal| refusal.description)?;
    Ok(Client { id: url.to_owned(), name, redirect_uris, origin: Origin::Document })
}

/// What `Cache-Control: max-age` says, within our bounds (RFC 9111 §5.2.2.1).
fn freshness(reply: &Reply) -> u64 {
    let control = reply.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    let directive = |name: &str| control.split(',').any(|one| one.trim() == name);
    let age = control.split(',').find_map(|one| one.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
    if directive("no-store") || directive("no-cache") { FRESH_MIN } else { age.unwrap_or(FRESH).clamp(FRESH_MIN, FRESH_MAX) }
}
