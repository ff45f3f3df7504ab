//! DNS rebinding and cross-origin checks (MCP 2026-07-28, basic/transports/streamable-http, Security Warning: T-2).
//!
//! rmcp has the same checks, but fixed when its service is made and logged as warnings: these read the snapshot, so that a reload changes them.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri, uri::Authority};
use portcullis_core::config::Listener;

/// Why a request is not for us, or comes from a page that may not call us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Elsewhere {
    /// No Host, or one that does not parse.
    #[error("the Host header is missing or malformed")]
    NoHost,
    /// Not a name of ours.
    #[error("the host `{0}` is not served here: add it to `allowedHosts` of this listener")]
    Host(String),
    /// A page from somewhere else.
    #[error("the origin `{0}` may not call this endpoint: add it to `allowedOrigins` of this listener")]
    Origin(String),
}

/// Checks Host and, if one was sent, Origin.
///
/// # Errors
/// [`Elsewhere`]; the answer is 400 or 403.
pub(crate) fn check(listener: &Listener, bound: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Elsewhere> {
    check_host(listener, bound, uri, headers)?;
    let Some(value) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = value.to_str().map_err(|_| Elsewhere::Origin("(not text)".to_owned()))?;
    if origin_is_allowed(listener, origin) { Ok(()) } else { Err(Elsewhere::Origin(origin.to_owned())) }
}

/// Checks Host alone: what a strategy serves to pages of any origin.
///
/// # Errors
/// [`Elsewhere`].
pub(crate) fn check_host(listener: &Listener, bound: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Elsewhere> {
    let host = host(uri, headers).ok_or(Elsewhere::NoHost)?;
    if host_is_ours(listener, bound, &host) { Ok(()) } else { Err(Elsewhere::Host(host.to_string())) }
}

fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    match headers.get(HOST) {
        Some(value) => Authority::try_from(value.as_bytes()).ok(),
        None => uri.authority().cloned(),
    }
}

/// A loopback name, the address we listen on, or one of the operator's: without a port it means any port.
fn host_is_ours(listener: &Listener, bound: SocketAddr, host: &Authority) -> bool {
    if is_loopback(host.host()) {
        return true;
    }
    if ip(host.host()).is_some_and(|ip| ip == bound.ip() || ip == listener.address.ip()) {
        return true;
    }
    let public = listener.public_url.as_deref().and_then(|url| Uri::try_from(url).ok()).and_then(|url| url.authority().cloned());
    if public.is_some_and(|public| public.host().eq_ignore_ascii_case(host.host())) {
        return true;
    }
    listener.allowed_hosts.iter().filter_map(|allowed| Authority::try_from(allowed.as_str()).ok()).any(|allowed| {
        allowed.host().eq_ignore_ascii_case(host.host()) && allowed.port_u16().is_none_or(|port| host.port_u16() == Some(port))
    })
}

/// A page on this machine, or one of the operator's: scheme, host and port (RFC 6454); `:*` stands for any port.
fn origin_is_allowed(listener: &Listener, origin: &str) -> bool {
    let Some((scheme, host, port)) = origin_parts(origin) else { return false };
    if is_loopback(&host) && (scheme == "http" || scheme == "https") {
        return true;
    }
    let public = listener.public_url.as_deref().and_then(origin_parts);
    if public.is_some_and(|own| own == (scheme.clone(), host.clone(), port)) {
        return true;
    }
    listener.allowed_origins.iter().any(|allowed| match allowed.strip_suffix(":*") {
        Some(base) => origin_parts(base).is_some_and(|(s, h, _)| s == scheme && h == host),
        None => origin_parts(allowed).is_some_and(|parts| parts == (scheme.clone(), host.clone(), port)),
    })
}

fn origin_parts(origin: &str) -> Option<(String, String, u16)> {
    let uri = Uri::try_from(origin).ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?;
    let default = if scheme == "https" { 443 } else { 80 };
    Some((scheme, authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(default)))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || ip(host).is_some_and(|ip| ip.is_loopback())
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Elsewhere, check};
    use http::{HeaderMap, Uri};
    use portcullis_core::config::Listener;

    fn verdict(host: &str, origin: Option<&str>) -> Result<(), Elsewhere> {
        let listener = Listener {
            name: "main".into(),
            address: "10.1.2.3:4204".parse().unwrap(),
            public_url: None,
            trusted_proxies: vec![],
            allowed_hosts: vec!["mcp.example.com".into(), "alt.example.com:8443".into()],
            allowed_origins: vec!["https://app.example.com".into(), "http://dev.example.com:*".into()],
            max_body: 1,
            endpoints: vec![],
        };
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        check(&listener, listener.address, &Uri::from_static("/mcp"), &headers)
    }

    #[test]
    fn hosts_are_ours_or_refused() {
        for ours in [
            "localhost",
            "127.0.0.1:4204",
            "[::1]:1",
            "10.1.2.3:4204",
            "mcp.example.com",
            "MCP.example.com:99",
            "alt.example.com:8443",
        ] {
            assert_eq!(verdict(ours, None), Ok(()), "{ours}");
        }
        for foreign in ["evil.example", "alt.example.com", "mcp.example.com.evil.example", "10.1.2.4", "localhost.evil.example"] {
            assert_eq!(verdict(foreign, None), Err(Elsewhere::Host(foreign.into())), "{foreign}");
        }
        assert_eq!(verdict("a b", None), Err(Elsewhere::NoHost));
    }

    #[test]
    fn origins_are_allowed_or_refused() {
        for fine in
            ["http://localhost:6274", "https://app.example.com", "https://app.example.com:443", "http://dev.example.com:1"]
        {
            assert_eq!(verdict("localhost", Some(fine)), Ok(()), "{fine}");
        }
        for evil in [
            "https://evil.example",
            "http://app.example.com",
            "https://app.example.com:8443",
            "null",
            "http://localhost.evil.example",
        ] {
            assert_eq!(verdict("localhost", Some(evil)), Err(Elsewhere::Origin(evil.into())), "{evil}");
        }
    }
}
