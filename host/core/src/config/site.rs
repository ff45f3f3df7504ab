//! How clients see a listener: its public URL, and of each endpoint the audiences and scopes.

use std::net::{IpAddr, SocketAddr};

use super::Guard;
use super::path::KeyPath;
use super::raw::{RawDetails, RawEndpoint, RawListener};
use super::report::Report;
use super::{Endpoint, StrategyRef};
use crate::tool::is_scope;

/// Scopes that one endpoint may advertise: a challenge must fit into a header that every proxy passes.
const SCOPES_MAX: usize = 64;

/// Reads `publicUrl`: scheme, host and port, in lower case and without a slash at the end (RS-10).
pub(crate) fn public_url(raw: &RawListener, path: &KeyPath, report: &mut Report<'_>) -> Option<String> {
    let text = raw.public_url.as_deref()?;
    let url = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let hint = || Some("scheme, host and port alone, e.g. https://mcp.example.com; endpoints add their paths".to_owned());
    let (secure, authority) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(authority), _) => (true, authority),
        (_, Some(authority)) => (false, authority),
        _ => (true, ""),
    };
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ', '*', '"', '\\']) || !authority.is_ascii() {
        report.hinted(&path.key("publicUrl"), format!("`{text}` is not the URL of a host"), hint());
        return None;
    }
    if !secure && !is_loopback(authority) {
        let message = format!("`{text}` sends credentials in the clear");
        report.hinted(&path.key("publicUrl"), message, Some("https, or a loopback name with http".to_owned()));
    }
    Some(url)
}

/// Whether a public URL is this machine's own.
pub(crate) fn is_own(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, authority)| is_loopback(&authority.trim_end_matches('/').to_ascii_lowercase()))
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Strategies of plugins tell clients absolute URLs: behind an address that is not this machine's they must be known.
pub(crate) fn check(url: Option<&str>, address: SocketAddr, endpoints: &[Endpoint], path: &KeyPath, report: &mut Report<'_>) {
    let asks = |endpoint: &Endpoint| matches!(&endpoint.guard, Guard::Strategies(all) if all.iter().any(|one| *one != StrategyRef::Tokens));
    let unknown = !address.ip().is_loopback() || address.port() == 0;
    if url.is_none() && unknown && endpoints.iter().any(asks) {
        let message = "an auth strategy tells clients absolute URLs, and this listener does not know its own".to_owned();
        let hint = "the one that clients use:\n    publicUrl: https://mcp.example.com".to_owned();
        report.hinted(&path.key("publicUrl"), message, Some(hint));
    }
}

/// Checks what an endpoint says of audiences and scopes.
pub(crate) fn check_endpoint(raw: &RawEndpoint, path: &KeyPath, report: &mut Report<'_>) {
    for (index, audience) in raw.audiences.iter().enumerate().filter(|(_, audience)| audience.trim().is_empty()) {
        report.error(&path.key("audiences").index(index), format!("`{audience}` is no audience"));
    }
    if raw.scopes.len() > SCOPES_MAX {
        report.error(&path.key("scopes"), format!("has {} scopes, but at most {SCOPES_MAX}", raw.scopes.len()));
    }
    check_scopes(&raw.scopes, &path.key("scopes"), report);
}

/// What only strategies of plugins give a meaning would be accepted and ignored at other endpoints.
pub(crate) fn check_meaning(raw: &RawEndpoint, guard: &Guard, path: &KeyPath, report: &mut Report<'_>) {
    if guard.strategies().iter().any(|one| *one != StrategyRef::Tokens) {
        return;
    }
    let fields = [
        ("audiences", !raw.audiences.is_empty()),
        ("scopes", !raw.scopes.is_empty()),
        ("authorizationDetails", raw.authorization_details == RawDetails::Ignore),
    ];
    for (key, _) in fields.into_iter().filter(|(_, there)| *there) {
        let message = "means nothing here: no auth strategy of a plugin guards this endpoint".to_owned();
        report.hinted(&path.key(key), message, Some("remove it, or name a strategy:\n    guard: [tokens, oidc]".to_owned()));
    }
}

/// RFC 6749 §3.3.
pub(crate) fn check_scopes(scopes: &[String], path: &KeyPath, report: &mut Report<'_>) {
    for (index, scope) in scopes.iter().enumerate().filter(|(_, scope)| !is_scope(scope)) {
        report.error(&path.index(index), format!("`{}` is no OAuth scope (RFC 6749 §3.3)", scope.escape_default()));
    }
}
