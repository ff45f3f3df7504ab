//! What the authorization server says of itself: RFC 8414 and, for clients that only know that one, OpenID Connect Discovery 1.0 §3. The issuer
//! has no path, so that the forms of the URL that clients try come down to these two.

use portcullis_plugin::auth::routes::{Request, Response};
use serde_json::{Value, json};

use crate::errors::Answer;
use crate::port::Call;
use crate::routes;
use crate::secret::digest;

/// How long clients may keep it.
const CACHE: &str = "public, max-age=300";

/// `/.well-known/oauth-authorization-server`
pub(crate) fn oauth(call: Call<'_>, request: &Request) -> Answer {
    Ok(cached(request, &document(call)))
}

/// `/.well-known/openid-configuration`: the same with the members that readers of OpenID documents insist on. We issue no id_token.
pub(crate) fn openid(call: Call<'_>, request: &Request) -> Answer {
    let mut document = document(call);
    if let Some(members) = document.as_object_mut() {
        members.insert("jwks_uri".to_owned(), call.url(routes::KEYS).into());
        members.insert("subject_types_supported".to_owned(), json!(["public"]));
        members.insert("id_token_signing_alg_values_supported".to_owned(), json!(["RS256"]));
    }
    Ok(cached(request, &document))
}

/// Our public keys, for other resource servers; none if the ring is symmetric.
pub(crate) fn keys(call: Call<'_>, request: &Request) -> Answer {
    let keys = call.host.public_keys(&call.settings.ring).map_err(portcullis_plugin::auth::Fault::from)?;
    Ok(tagged(request, keys))
}

fn document(call: Call<'_>) -> Value {
    let settings = call.settings;
    let mut scopes = call.scopes().to_vec();
    // Here, and nowhere else, clients may learn that they can ask for it (RS-4).
    scopes.push("offline_access".to_owned());
    let mut document = json!({
        "issuer": call.issuer(),
        "authorization_endpoint": call.url(routes::AUTHORIZE),
        "token_endpoint": call.url(routes::TOKEN),
        "revocation_endpoint": call.url(routes::REVOKE),
        "jwks_uri": call.url(routes::KEYS),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": settings.client_documents.enabled,
    });
    if let Some(members) = document.as_object_mut() {
        if settings.registration.enabled {
            members.insert("registration_endpoint".to_owned(), call.url(routes::REGISTER).into());
        }
        if settings.introspection_secret.is_some() {
            members.insert("introspection_endpoint".to_owned(), call.url(routes::INTROSPECT).into());
        }
        if !settings.authorization_details.types.is_empty() {
            members.insert("authorization_details_types_supported".to_owned(), json!(settings.authorization_details.types));
        }
    }
    document
}

fn cached(request: &Request, document: &Value) -> Response {
    tagged(request, document.to_string())
}

/// With an entity tag; 304 for who has it already (RFC 9110 §13.1.2).
fn tagged(request: &Request, body: String) -> Response {
    let tag = ["\"", digest(&body).get(..16).unwrap_or_default(), "\""].concat();
    let known = request.headers_named("if-none-match").any(|tags| tags.split(',').any(|one| one.trim() == tag));
    let response = if known { Response::new(304) } else { Response::json(200, body) };
    response.header("etag", tag).header("cache-control", CACHE)
}
