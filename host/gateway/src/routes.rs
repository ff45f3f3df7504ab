//! What a listener serves besides its endpoints: protected resource metadata, and the routes of its auth strategies. A strategy sees few headers
//! of a request, and few of its answer's reach the client; what protects pages in browsers, the host adds whatever the strategy says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use portcullis_core::call::CallError;
use portcullis_core::config::Listener;
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::{Described, origin as site_origin};
use portcullis_core::strategy::{Route, RouteRequest, RouteResponse, StrategyError};

use crate::auth::metadata;
use crate::origin;
use crate::respond::{self, Body, Refusal, empty};
use crate::route::collect;
use crate::steps::{Steps, Unfinished};

/// Bytes of a request's body (`portcullis:auth/routes`): forms and registrations are small.
const BODY_MAX: usize = 64 << 10;

/// Headers that a strategy sees.
const SEEN: [&str; 8] =
    ["accept", "accept-language", "authorization", "content-type", "cookie", "if-none-match", "origin", "user-agent"];

/// Headers of an answer that reach the client.
const SENT: [&str; 9] = [
    "cache-control",
    "content-security-policy",
    "content-type",
    "etag",
    "link",
    "location",
    "retry-after",
    "set-cookie",
    "www-authenticate",
];

/// Bytes of one header's value that a strategy may send: a redirect with a long state has 2 KiB.
const VALUE_MAX: usize = 8 << 10;

const ANYBODY: HeaderValue = HeaderValue::from_static("*");
const NOTHING_LOADS: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// Answers a request to a path that is no endpoint's.
pub(crate) async fn answer(
    steps: &Steps,
    snapshot: &Snapshot,
    listener: &Listener,
    (bound, peer): (SocketAddr, IpAddr),
    request: Request<Incoming>,
) -> Response<Body> {
    if listener.address.ip() != bound.ip() {
        return respond::http(&Refusal::Moved);
    }
    if let Err(elsewhere) = origin::check_host(listener, bound, request.uri(), request.headers()) {
        tracing::info!(listener = listener.name, reason = %elsewhere, "request refused");
        return respond::http(&elsewhere.into());
    }
    if let Some(mut document) = metadata::at(snapshot, listener, request.uri().path()) {
        document.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
        return match *request.method() {
            Method::GET | Method::HEAD => document,
            Method::OPTIONS => preflight("GET"),
            _ => method_not_allowed("GET"),
        };
    }
    let path = request.uri().path().to_owned();
    let Some((described, routes)) = snapshot.strategies.route(&listener.name, &path) else {
        return respond::http(&Refusal::NoEndpoint);
    };
    served(steps, snapshot, listener, (described, &routes), (peer, request)).await
}

async fn served(
    steps: &Steps,
    snapshot: &Snapshot,
    listener: &Listener,
    (described, routes): (&Described, &[&Route]),
    (peer, request): (IpAddr, Request<Incoming>),
) -> Response<Body> {
    let methods = routes.iter().map(|route| route.method.as_str()).collect::<Vec<_>>().join(", ");
    let any_page = routes.iter().all(|route| route.cors);
    if request.method() == Method::OPTIONS && any_page {
        return preflight(&methods);
    }
    let wanted = if request.method() == Method::HEAD { "GET" } else { request.method().as_str() };
    let Some(route) = routes.iter().find(|route| route.method == wanted) else {
        return method_not_allowed(&methods);
    };
    if !route.cors && !from_own_page(listener, request.headers()) {
        let from = request.headers().get(ORIGIN).and_then(|it| it.to_str().ok()).unwrap_or("(not text)").to_owned();
        return respond::http(&origin::Elsewhere::Origin(from).into());
    }
    let mut response = match ask(steps, snapshot, listener, described, (peer, request)).await {
        Ok(answer) => dressed(answer),
        Err(refusal) => respond::http(&refusal),
    };
    if route.cors {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    }
    response
}

/// A page of this very site, or one that a strict referrer policy keeps silent (`null`, Fetch standard, "append a request `Origin` header"):
/// whether a form was ours, the strategy proves by other means.
fn from_own_page(listener: &Listener, headers: &HeaderMap) -> bool {
    let Some(page) = headers.get(ORIGIN) else { return true };
    page == "null" || page.as_bytes().eq_ignore_ascii_case(site_origin(listener).as_bytes())
}

async fn ask(
    steps: &Steps,
    snapshot: &Snapshot,
    listener: &Listener,
    described: &Described,
    (peer, request): (IpAddr, Request<Incoming>),
) -> Result<RouteResponse, Refusal> {
    let failed = |unavailable| Refusal::Route { unavailable, retry_after: None };
    let strategy = Arc::clone(snapshot.strategies.get(&described.plugin).ok_or_else(|| failed(true))?);
    let (parts, body) = request.into_parts();
    let body = collect(body, BODY_MAX).await?;
    let request_id = format!("{:032x}", rand::random::<u128>());
    let request = RouteRequest {
        request_id: request_id.clone(),
        site: described.site.clone(),
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: seen(&parts.headers),
        body: body.to_vec(),
        client: client(listener, peer, &parts.headers).to_string(),
    };
    // In a task of its own: a client that hangs up must not cut the strategy off between two writes.
    let answered = steps.run(async move { strategy.handle(request).await }).await;
    answered.map_err(|why| failed(why == Unfinished::Full))?.map_err(|error| {
        let words = error.to_string();
        tracing::warn!(
            request_id,
            strategy = described.plugin,
            path = parts.uri.path(),
            error = words,
            "a strategy did not answer"
        );
        match error {
            StrategyError::Fault { unavailable, retry_after, .. } => Refusal::Route { unavailable, retry_after },
            StrategyError::Call(CallError::Overloaded { retry_after }) => {
                Refusal::Route { unavailable: true, retry_after: Some(retry_after) }
            }
            StrategyError::Call(_) => failed(false),
        }
    })
}

/// Who is behind the proxies: the last address that none of them has (RFC 7239 §7.4 says why the first is worth nothing).
fn client(listener: &Listener, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address: IpAddr| listener.trusted_proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return peer;
    }
    let named = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).collect();
    let addresses = named.iter().rev().map_while(|text| text.trim().parse().ok());
    addresses.map(|address: IpAddr| address.to_canonical()).find(|address| !trusted(*address)).unwrap_or(peer)
}

/// The headers that a strategy may see, as text.
fn seen(headers: &HeaderMap) -> Vec<(String, String)> {
    let may = |name: &HeaderName| SEEN.contains(&name.as_str()) || name.as_str().starts_with("sec-fetch-");
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    headers.iter().filter(|(name, _)| may(name)).filter_map(text).collect()
}

/// A strategy's answer, as a client may get it.
fn dressed(answer: RouteResponse) -> Response<Body> {
    let mut response = Response::new(Full::new(answer.body.into()).boxed());
    *response.status_mut() = StatusCode::from_u16(answer.status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, NOTHING_LOADS);
    let mut first = std::collections::BTreeSet::new();
    for (name, value) in answer.headers {
        let name = name.to_ascii_lowercase();
        let Some(known) = SENT.into_iter().find(|sent| *sent == name) else { continue };
        let Ok(value) = HeaderValue::from_str(&value) else { continue };
        if value.len() > VALUE_MAX {
            continue;
        }
        // What the strategy sets takes the place of the host's default; several cookies stay several.
        if first.insert(known) {
            headers.insert(HeaderName::from_static(known), value);
        } else {
            headers.append(HeaderName::from_static(known), value);
        }
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

fn preflight(methods: &str) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    if let Ok(methods) = HeaderValue::from_str(methods) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type, MCP-Protocol-Version"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}

fn method_not_allowed(methods: &str) -> Response<Body> {
    let mut response = respond::http(&Refusal::Method);
    if let Ok(methods) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use http::{HeaderMap, HeaderValue};
    use portcullis_core::config::Listener;
    use portcullis_core::strategy::RouteResponse;

    use super::{client, dressed, seen};

    fn answer(status: u16, headers: &[(&str, &str)]) -> http::Response<crate::respond::Body> {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        dressed(RouteResponse { status, headers, body: Vec::new() })
    }

    #[test]
    fn what_protects_a_page_is_there_whatever_the_strategy_says() {
        let plain = answer(200, &[("x-powered-by", "me"), ("X-Frame-Options", "ALLOWALL"), ("server", "s")]);
        let header = |name: &str| plain.headers().get(name).map(|it| it.to_str().unwrap());
        assert_eq!(header("x-frame-options"), Some("DENY"));
        assert_eq!((header("x-content-type-options"), header("referrer-policy")), (Some("nosniff"), Some("no-referrer")));
        assert_eq!(header("cache-control"), Some("no-store"));
        assert!(header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert_eq!((header("x-powered-by"), header("server")), (None, None));
    }

    #[test]
    fn cookies_stay_several_and_broken_headers_are_left_out() {
        let own = answer(
            302,
            &[
                ("Set-Cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("location", "/x\r\nSet-Cookie: c=3"),
                ("cache-control", "max-age=9"),
            ],
        );
        assert_eq!(own.headers().get_all("set-cookie").iter().count(), 2);
        assert!(!own.headers().contains_key("location"));
        assert_eq!(own.headers()["cache-control"], "max-age=9");
        assert_eq!(answer(199, &[]).status(), 500);
        assert_eq!(answer(700, &[]).status(), 500);
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let listener = |proxies: &[&str]| Listener {
            name: "main".into(),
            address: "10.1.2.3:4204".parse().unwrap(),
            public_url: None,
            trusted_proxies: proxies.iter().map(|it| it.parse().unwrap()).collect(),
            allowed_hosts: vec![],
            allowed_origins: vec![],
            max_body: 1,
            endpoints: vec![],
        };
        let said = |proxies: &[&str], peer: &str, forwarded: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_str(forwarded).unwrap());
            client(&listener(proxies), peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(said(&[], "10.0.0.1", "8.8.8.8"), "10.0.0.1", "nobody is believed");
        assert_eq!(said(&["10.0.0.0/8"], "9.9.9.9", "8.8.8.8"), "9.9.9.9", "a stranger is not believed");
        assert_eq!(said(&["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 8.8.8.8, 10.0.0.2"), "8.8.8.8", "nor what a client made up");
        assert_eq!(said(&["10.0.0.0/8"], "10.0.0.1", "8.8.8.8, nonsense"), "10.0.0.1");
    }

    #[test]
    fn a_strategy_sees_only_headers_that_it_may_need() {
        let mut headers = HeaderMap::new();
        for name in ["cookie", "x-forwarded-for", "sec-fetch-site", "x-secret"] {
            headers.insert(name, HeaderValue::from_static("v"));
        }
        let mut names: Vec<_> = seen(&headers).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["cookie", "sec-fetch-site"]);
    }
}
