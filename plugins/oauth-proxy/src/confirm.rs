//! `/confirm`, if the settings ask for it: after the login at the provider, and before there is a code, people see as whom they are signed in
//! (W14). Whoever was signed in there under another account, or by somebody else, finds out before an application works under it.

use portcullis_plugin::auth::Fault;
use portcullis_plugin::auth::routes::{Request, Response};
use serde::{Deserialize, Serialize};

use crate::authorize::Pending;
use crate::consent::{check_origin, forbidden, is_approved, plain};
use crate::cookies::Cookie;
use crate::errors::{Answer, Refusal};
use crate::grant::{self, Grant};
use crate::page::{filled, page};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::secret::{digest, secret};
use crate::store::{self, CONFIRM};
use crate::{code, redirect, registration};

/// How long a person may think, in seconds: with a code's longest time it is what a login waits for.
const CONFIRM_SECONDS: u64 = 300;

const TEMPLATE: &str = include_str!("confirm.html");

/// A login that waits for its person.
#[derive(Serialize, Deserialize)]
struct Waiting {
    pending: Pending,
    grant: String,
    /// Hash of this browser's cookie.
    browser: String,
}

/// The page. Its handle is nowhere but in its form, so that it also shows that the answer comes from there.
pub(crate) fn ask(call: Call<'_>, pending: Pending, grant: &Grant) -> Result<Response, Fault> {
    let (handle, browser) = (secret(call), secret(call));
    let id = digest(&handle);
    let response = rendered(&pending, grant, &handle);
    let waiting = Waiting { pending, grant: grant.id.clone(), browser: digest(&browser) };
    store::set(call, CONFIRM, &id, &waiting, CONFIRM_SECONDS)?;
    Ok(Cookie::confirm(&id).set(call, response, &browser, CONFIRM_SECONDS))
}

/// The answer: a code, or the end of the login.
///
/// # Errors
/// It comes from another browser or site, or late.
pub(crate) fn answer(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_form(request)?;
    let id = digest(parameters.need("login")?);
    check_origin(call, request)?;
    let found = store::get::<Waiting>(call, CONFIRM, &id)?.ok_or_else(over)?;
    let cookie = Cookie::confirm(&id);
    if !cookie.is_with(call, request, &found.record.browser) {
        return Err(forbidden("this login was made in another browser, or cookies are switched off").into());
    }
    let approved = is_approved(&parameters)?;
    // Of several answers one counts.
    let waiting: Waiting = store::take(call, CONFIRM, &id)?.ok_or_else(over)?;
    let response = match approved {
        true => {
            let grant = grant::find(call, &waiting.grant)?.ok_or_else(over)?;
            let code = code::issue(call, &waiting.pending, &grant.record)?;
            waiting.pending.answer(call, &[("code", &code)])
        }
        false => {
            grant::end(call, &waiting.grant)?;
            waiting.pending.refuse(call, "access_denied", "the user refused")
        }
    };
    Ok(cookie.clear(call, response))
}

fn over() -> Refusal {
    Refusal::request("this login is over, or was answered already")
}

fn rendered(pending: &Pending, grant: &Grant, handle: &str) -> Response {
    let provider = redirect::destination(&grant.provider);
    let subject = plain(&grant.subject);
    let name = grant.name.as_ref().and_then(|name| registration::name(Some(&name.as_str().into())));
    let destination = redirect::destination(&pending.redirect_uri);
    let values = [
        ("name", name.as_ref().unwrap_or(&subject).as_str()),
        ("provider", &provider),
        ("client", &pending.client_name),
        ("subject", &subject),
        ("destination", &destination),
        ("redirect", &pending.redirect_uri),
        ("login", handle),
    ];
    page(200, "Is that you?", &filled(TEMPLATE, &values))
}
