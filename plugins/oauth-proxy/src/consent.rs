//! `/consent`: the person in front of the browser sees who asks for what, before anything goes to the provider (AS-9; GHSA-c2jp-c369-7pvx).
//! The answer counts only from the browser in which the request began, with the token of a page that was rendered for it (#3519), once.

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::log;

use crate::authorize::Pending;
use crate::cookies::Cookie;
use crate::errors::{Answer, Failure, Refusal};
use crate::page::{escaped, filled, page};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::secret::{digest, same, secret};
use crate::store::{self, Found, PENDING};
use crate::{redirect, scope, upstream};

/// Pages of one request that are good at the same time: each render has a token of its own, so that one does not end another (#4818).
const RENDERS_MAX: usize = 8;
/// Tries to note a render against others.
const TRIES: u32 = 4;

const TEMPLATE: &str = include_str!("consent.html");

/// The page.
///
/// # Errors
/// The request is over, or began in another browser.
pub(crate) fn show(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_query(request)?;
    let handle = parameters.need("request")?;
    let id = digest(handle);
    let csrf = secret(call);
    for _ in 0..TRIES {
        let mut found = pending(call, request, &id)?;
        if found.record.csrf.len() >= RENDERS_MAX {
            found.record.csrf.remove(0);
        }
        found.record.csrf.push(digest(&csrf));
        if store::swap(call, PENDING, &id, &found, found.record.ends.saturating_sub(call.now()).max(1))? {
            return Ok(rendered(call, &found.record, handle, &csrf));
        }
    }
    Err(Refusal::away("the page could not be prepared").into())
}

/// The answer.
///
/// # Errors
/// It comes from elsewhere, or late.
pub(crate) fn answer(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_form(request)?;
    let id = digest(parameters.need("request")?);
    check_origin(call, request)?;
    let found = pending(call, request, &id)?;
    let csrf = digest(parameters.need("csrf")?);
    if !found.record.csrf.iter().any(|known| same(known, &csrf)) {
        log::warn("an answer to a consent page that was not rendered for this request was refused");
        return Err(forbidden("the page is not the one that was shown for this login").into());
    }
    let approved = is_approved(&parameters)?;
    // Of several answers one counts.
    let pending: Pending = store::take(call, PENDING, &id)?.ok_or_else(over)?;
    let response = match approved {
        true => upstream::leave(call, pending)?,
        false => pending.refuse(call, "access_denied", "the user refused"),
    };
    Ok(Cookie::request(&id).clear(call, response))
}

/// Which button it was.
///
/// # Errors
/// None of ours.
pub(crate) fn is_approved(parameters: &Parameters) -> Result<bool, Refusal> {
    match parameters.need("answer")? {
        "approve" => Ok(true),
        "deny" => Ok(false),
        _ => Err(Refusal::request("`answer` is neither approve nor deny")),
    }
}

/// The request, if it is this browser's.
fn pending(call: Call<'_>, request: &Request, id: &str) -> Result<Found<Pending>, Failure> {
    let found = store::get::<Pending>(call, PENDING, id)?.filter(|found| found.record.ends > call.now()).ok_or_else(over)?;
    if !Cookie::request(id).is_with(call, request, &found.record.browser) {
        return Err(forbidden("this login began in another browser, or cookies are switched off").into());
    }
    Ok(found)
}

/// Browsers say where a form comes from. With our referrer policy its origin is "null".
///
/// # Errors
/// From elsewhere.
pub(crate) fn check_origin(call: Call<'_>, request: &Request) -> Result<(), Refusal> {
    let site = request.header("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let origin = request.header("origin").is_none_or(|origin| origin == "null" || origin == call.site.origin);
    if site && origin { Ok(()) } else { Err(forbidden("the answer comes from another site")) }
}

fn over() -> Refusal {
    Refusal::request("this login is over, or was answered already")
}

pub(crate) fn forbidden(why: &str) -> Refusal {
    Refusal { status: 403, ..Refusal::other("access_denied", why) }
}

fn rendered(call: Call<'_>, pending: &Pending, handle: &str, csrf: &str) -> Response {
    let provider = redirect::destination(&call.settings.upstream.issuer);
    let (destination, resources) = (redirect::destination(&pending.redirect_uri), pending.resources.join(", "));
    let identified = match pending.is_document {
        true => ["Its description comes from ", &redirect::destination(&pending.client)].concat(),
        false => "Nobody checked that name.".to_owned(),
    };
    let values = [
        ("client", pending.client_name.as_str()),
        ("identified", &identified),
        ("resource", &resources),
        ("provider", &provider),
        ("destination", &destination),
        ("redirect", &pending.redirect_uri),
        ("html:warning", warning(pending)),
        ("html:scopes", &scopes(call, &pending.scopes)),
        ("html:details", &details(pending)),
        ("upstream", &scope::joined(&call.settings.upstream.scopes)),
        ("request", handle),
        ("csrf", csrf),
    ];
    page(200, "Allow access?", &filled(TEMPLATE, &values))
}

fn warning(pending: &Pending) -> &'static str {
    if redirect::is_local(&pending.redirect_uri) {
        "<p class=\"warning\">The application runs on this computer. Go on only if you have just started it yourself.</p>"
    } else {
        ""
    }
}

fn scopes(call: Call<'_>, all: &[String]) -> String {
    let entry = |one: &String| {
        let meaning = if call.logins_scope() == Some(one) { ": see and end all of your logins here" } else { "" };
        ["<li><code>", &escaped(one), "</code>", meaning, "</li>"].concat()
    };
    match all {
        [] => "<li>know who you are</li>".to_owned(),
        all => all.iter().map(entry).collect(),
    }
}

fn details(pending: &Pending) -> String {
    let entry = |one| ["<pre>", &escaped(&plain(&serde_json::to_string_pretty(one).unwrap_or_default())), "</pre>"].concat();
    match pending.details.as_slice() {
        [] => String::new(),
        all => ["<dt>In particular</dt><dd>", &all.iter().map(entry).collect::<String>(), "</dd>"].concat(),
    }
}

/// Text with everything but plain ASCII escaped: marks that turn writing around could show another value than the one that is granted.
pub(crate) fn plain(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' | '\n' => out.push(c),
            c => out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    out
}
