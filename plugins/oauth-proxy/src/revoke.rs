//! `/revoke` (RFC 7009): ends the login that a token belongs to, whether it is an access or a refresh token (W1, W3), for public clients (W2).

use portcullis_plugin::auth::Fault;
use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::log;

use crate::access::{self, Claims};
use crate::errors::{Answer, Refusal};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::token::client_id;
use crate::{clients, grant, refresh};

/// Answers 200 also for a token that is none (§2.2): it is not valid, and that is what was wanted.
///
/// # Errors
/// `invalid_client`; `invalid_grant` for another client's token (§2.1).
pub(crate) fn revoke(call: Call<'_>, request: &Request) -> Answer {
    let parameters = Parameters::of_form(request)?;
    let client = clients::find(call, &client_id(request, &parameters)?)?;
    if let Some((id, owner)) = login(call, parameters.need("token")?)? {
        if owner != client.id {
            return Err(Refusal::grant("the token was issued to another client").into());
        }
        log::info(&["login ", &id, ": its client revokes it"].concat());
        grant::end(call, &id)?;
    }
    Ok(Response::new(200).header("cache-control", "no-store"))
}

/// The login of a token of either kind, and its client.
fn login(call: Call<'_>, token: &str) -> Result<Option<(String, String)>, Fault> {
    if let Some((found, _)) = refresh::login(call, token)? {
        return Ok(Some((found.record.id, found.record.client)));
    }
    let claims = match access::verified(call, token) {
        Ok(claims) => Some(claims),
        Err(problem) if access::is_unjudged(&problem) => return Err(problem.into()),
        // Who logs out late has a token that is over, and a login that perhaps is not (W1).
        Err(problem) if problem.code == "expired" => ended(call, token)?,
        Err(_) => None,
    };
    Ok(claims.map(|claims| (claims.grant, claims.client_id)))
}

/// The claims of a token that is over, if its login is not.
fn ended(call: Call<'_>, token: &str) -> Result<Option<Claims>, Fault> {
    let Some(claims) = access::over(call, token) else { return Ok(None) };
    Ok(grant::find(call, &claims.grant)?.map(|_| claims))
}
