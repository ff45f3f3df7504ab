//! `/introspect` (RFC 7662): for resource servers that hold the secret of `introspectionSecret`. Served only if the settings name one.

use portcullis_plugin::auth::routes::{Request, Response};
use serde_json::{Value, json};

use crate::access::{self, Claims};
use crate::bearer::{bearer, is_secret};
use crate::errors::{Answer, Refusal};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::{grant, refresh, scope};

/// What a token is worth now.
///
/// # Errors
/// 401 without the secret.
pub(crate) fn introspect(call: Call<'_>, request: &Request) -> Answer {
    authorize(call, request)?;
    let parameters = Parameters::of_form(request)?;
    let token = parameters.need("token")?;
    let answer = match access::verified(call, token) {
        Ok(claims) => of_access(call, claims)?,
        Err(_) => of_refresh(call, token)?,
    };
    Ok(Response::json(200, answer.to_string()).header("cache-control", "no-store"))
}

fn authorize(call: Call<'_>, request: &Request) -> Result<(), Refusal> {
    let name = call.settings.introspection_secret.as_deref();
    match bearer(request).is_some_and(|sent| is_secret(call, name, sent)) {
        true => Ok(()),
        false => Err(Refusal {
            challenge: Some("Bearer"),
            ..Refusal::client("introspection needs the resource server's secret as a bearer token")
        }),
    }
}

fn of_access(call: Call<'_>, claims: Claims) -> Result<Value, portcullis_plugin::auth::Fault> {
    if grant::find(call, &claims.grant)?.is_none() {
        return Ok(inactive());
    }
    let mut answer = serde_json::to_value(&claims).unwrap_or_default();
    if let Some(members) = answer.as_object_mut() {
        members.remove("groups");
        members.remove("grant");
        members.insert("active".to_owned(), true.into());
        members.insert("token_type".to_owned(), "Bearer".into());
    }
    Ok(answer)
}

fn of_refresh(call: Call<'_>, token: &str) -> Result<Value, portcullis_plugin::auth::Fault> {
    Ok(match refresh::login(call, token)? {
        Some((found, number)) if found.record.generation == number && number > 0 => json!({
            "active": true,
            "iss": call.issuer(),
            "sub": found.record.subject,
            "client_id": found.record.client,
            "scope": scope::joined(&found.record.scopes),
            "exp": found.record.ends,
        }),
        _ => inactive(),
    })
}

fn inactive() -> Value {
    json!({"active": false})
}
