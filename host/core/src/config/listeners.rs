//! Sockets and their endpoints: addresses that parse, paths that are free, and no unguarded endpoint beyond this machine.

use std::net::SocketAddr;

use super::guards::{self, Known};
use super::path::KeyPath;
use super::raw::{RawDetails, RawEndpoint, RawListener};
use super::report::Report;
use super::{Endpoint, Guard, Listener, Network, StrategyRef, site};

/// Where the host listens unless configured.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4204);

/// The MCP endpoint unless configured.
const DEFAULT_PATH: &str = "/mcp";

/// Bytes of a request body unless configured: tool arguments are text that a model wrote.
const MAX_BODY: u64 = 4 << 20;

/// Paths that the host answers itself.
const RESERVED: [&str; 3] = ["/livez", "/readyz", "/.well-known"];

/// Resolves all listeners.
pub(crate) fn resolve(raw: &[RawListener], known: Known<'_>, report: &mut Report<'_>) -> Vec<Listener> {
    if raw.is_empty() {
        let path = KeyPath::root().key("listeners");
        guards::check(&known.default_guard(), DEFAULT_ADDRESS, known.tokens, &path, report);
        return vec![default_listener(known)];
    }
    let mut listeners: Vec<Listener> = Vec::new();
    for (index, listener) in raw.iter().enumerate().filter(|(_, listener)| listener.enabled.unwrap_or(true)) {
        let path = KeyPath::root().key("listeners").index(index);
        let Some(next) = one(listener, &path, known, report) else { continue };
        if listeners.iter().any(|other| other.name == next.name) {
            report.error(&path.key("name"), format!("`{}` is taken by another listener", next.name));
        }
        if let Some(other) = listeners.iter().find(|other| other.address == next.address && next.address.port() != 0) {
            report.error(&path.key("address"), format!("`{}` is taken by listener `{}`", next.address, other.name));
        }
        listeners.push(next);
    }
    if listeners.is_empty() && !report.has_errors() {
        report.error(&KeyPath::root().key("listeners"), "none is enabled: nothing would be served".to_owned());
    }
    listeners
}

fn default_listener(known: Known<'_>) -> Listener {
    Listener {
        name: "main".to_owned(),
        address: DEFAULT_ADDRESS,
        public_url: None,
        trusted_proxies: Vec::new(),
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        max_body: usize::try_from(MAX_BODY).unwrap_or(usize::MAX),
        endpoints: vec![Endpoint::new(DEFAULT_PATH, known.default_guard())],
    }
}

fn one(raw: &RawListener, path: &KeyPath, known: Known<'_>, report: &mut Report<'_>) -> Option<Listener> {
    check_lists(raw, path, report);
    let max_body = raw.max_body.map_or(MAX_BODY, |size| size.0);
    super::resolve::within(&path.key("maxBody"), max_body, (1 << 10, 64 << 20), report);
    let public_url = site::public_url(raw, path, report);
    let address = read_address(&raw.address, &path.key("address"), report)?;
    let endpoints = endpoints(raw, path, address, known, report);
    site::check(raw.public_url.as_deref(), address, &endpoints, path, report);
    Some(Listener {
        name: raw.name.clone(),
        address,
        public_url,
        trusted_proxies: proxies(raw, path, report),
        allowed_hosts: raw.allowed_hosts.clone(),
        allowed_origins: raw.allowed_origins.clone(),
        max_body: usize::try_from(max_body).unwrap_or(usize::MAX),
        endpoints,
    })
}

fn read_address(text: &str, path: &KeyPath, report: &mut Report<'_>) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(DEFAULT_ADDRESS.port());
        let hint = format!("  address: 127.0.0.1:{port}      # this machine only; 0.0.0.0:{port} is every interface");
        report.hinted(path, format!("`{text}` is not an IP address with a port"), Some(hint));
    }
    address
}

fn proxies(raw: &RawListener, path: &KeyPath, report: &mut Report<'_>) -> Vec<Network> {
    let mut networks = Vec::new();
    for (index, text) in raw.trusted_proxies.iter().enumerate() {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(()) => {
                let hint = "an address or a network, e.g. 10.0.0.0/8".to_owned();
                report.hinted(&path.key("trustedProxies").index(index), format!("`{text}` is no IP network"), Some(hint));
            }
        }
    }
    networks
}

fn check_lists(raw: &RawListener, path: &KeyPath, report: &mut Report<'_>) {
    for (index, host) in raw.allowed_hosts.iter().enumerate() {
        if host.is_empty() || host.contains(['/', '*', ' ', '@']) {
            let hint = "a host name with or without a port, e.g. mcp.example.com".to_owned();
            report.hinted(&path.key("allowedHosts").index(index), format!("`{host}` is not a host name"), Some(hint));
        }
    }
    for (index, origin) in raw.allowed_origins.iter().enumerate() {
        let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")).unwrap_or_default();
        if rest.is_empty() || rest.contains(['/', '*', ' ', '@']) {
            let hint = "scheme and host without a path, e.g. https://app.example.com".to_owned();
            report.hinted(&path.key("allowedOrigins").index(index), format!("`{origin}` is not an origin"), Some(hint));
        }
    }
}

fn endpoints(raw: &RawListener, path: &KeyPath, address: SocketAddr, known: Known<'_>, report: &mut Report<'_>) -> Vec<Endpoint> {
    let implied = [RawEndpoint { path: DEFAULT_PATH.to_owned(), ..RawEndpoint::default() }];
    let wanted = if raw.endpoints.is_empty() { &implied[..] } else { &raw.endpoints[..] };
    let path = path.key("endpoints");
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (index, endpoint) in wanted.iter().enumerate().filter(|(_, endpoint)| endpoint.enabled.unwrap_or(true)) {
        let here = path.index(index);
        check_path(&endpoint.path, &here.key("path"), report);
        if endpoints.iter().any(|other| other.path == endpoint.path) {
            report.error(&here.key("path"), format!("`{}` is taken by another endpoint of this listener", endpoint.path));
        }
        site::check_endpoint(endpoint, &here, report);
        let guard = guards::resolve(&endpoint.guard, &here.key("guard"), known, report);
        guards::check(&guard, address, known.tokens, &here.key("guard"), report);
        site::check_meaning(endpoint, &guard, &here, report);
        if guard == Guard::None
            && (!raw.allowed_hosts.is_empty() || raw.public_url.as_deref().is_some_and(|url| !site::is_own(url)))
        {
            guards::opened(&here.key("guard"), report);
        }
        let instead = known.scopes.filter(|_| guard.strategies().iter().any(|one| *one != StrategyRef::Tokens));
        endpoints.push(Endpoint {
            path: endpoint.path.clone(),
            guard,
            audiences: endpoint.audiences.clone(),
            ignores_authorization_details: endpoint.authorization_details == RawDetails::Ignore,
            scopes: instead.map_or_else(|| endpoint.scopes.clone(), <[String]>::to_vec),
        });
    }
    if endpoints.is_empty() {
        report.error(
            &path,
            format!("listener `{}` has no enabled endpoint; set `enabled: false` on the listener itself", raw.name),
        );
    }
    endpoints
}

fn check_path(text: &str, path: &KeyPath, report: &mut Report<'_>) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    if !text.starts_with('/') || text.len() < 2 || text.ends_with('/') || text.contains("//") || !text.bytes().all(plain) {
        let hint = "begins with `/`, does not end with it; letters, digits and -_.~ between, e.g. /mcp".to_owned();
        report.hinted(path, format!("`{text}` cannot be an endpoint's path"), Some(hint));
    }
    if RESERVED.iter().any(|taken| text == *taken || text.starts_with(&format!("{taken}/"))) {
        report.error(path, format!("`{text}` is answered by the host itself; choose another, e.g. {DEFAULT_PATH}"));
    }
}
