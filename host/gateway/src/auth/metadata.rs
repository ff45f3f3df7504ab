//! Protected resource metadata (RFC 9728 §2, §3): where a client finds the authorization server of an endpoint. Served to anybody, from the
//! snapshot alone: no network is waited for.

use std::collections::BTreeSet;

use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Response, StatusCode};
use portcullis_core::config::{Endpoint, Listener};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::{DETAILS, resource};
use serde_json::{Map, Value, json};

use super::scopes;
use crate::entry::find_endpoint;
use crate::respond::{Body, json_response};

/// The well-known name (RFC 9728 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// How long clients may keep the document: they ask at each login, and an operator's change should not take an hour.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The document at a path, if the path is one of an endpoint that has an authorization server. The root form is the first such endpoint's:
/// clients fall back to it with the URL of their endpoint in hand, and compare.
pub(crate) fn at(snapshot: &Snapshot, listener: &Listener, path: &str) -> Option<Response<Body>> {
    let rest = path.strip_prefix(WELL_KNOWN)?;
    let document = match rest {
        "" | "/" => listener.endpoints.iter().find_map(|endpoint| document(snapshot, listener, endpoint))?,
        below => document(snapshot, listener, find_endpoint(&snapshot.config, &listener.name, below)?.1)?,
    };
    let mut response = json_response(StatusCode::OK, &Value::Object(document));
    response.headers_mut().insert(CACHE_CONTROL, CACHED);
    Some(response)
}

fn document(snapshot: &Snapshot, listener: &Listener, endpoint: &Endpoint) -> Option<Map<String, Value>> {
    let (mut servers, mut seen, mut document) = (Vec::new(), BTreeSet::new(), Map::new());
    for described in snapshot.strategies.of(&listener.name, &endpoint.guard) {
        servers.extend(described.strategy.authorization_servers.iter().filter(|server| seen.insert(server.as_str())));
        let more = described.strategy.metadata.as_deref().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
        // Who asked for details here would get tokens that this endpoint refuses.
        let fits = |key: &String| endpoint.ignores_authorization_details || key != DETAILS;
        for (key, value) in more.unwrap_or_default().into_iter().filter(|(key, _)| fits(key)) {
            document.entry(key).or_insert(value);
        }
    }
    if servers.is_empty() {
        return None;
    }
    document.insert("resource".to_owned(), json!(resource(listener, &endpoint.path)));
    document.insert("authorization_servers".to_owned(), json!(servers));
    document.insert("bearer_methods_supported".to_owned(), json!(["header"]));
    document.insert("resource_name".to_owned(), json!("Portcullis"));
    // Even when it is empty: a client that finds no list asks for everything that the server has.
    document.insert("scopes_supported".to_owned(), json!(scopes::advertised(snapshot, listener, endpoint)));
    Some(document)
}
