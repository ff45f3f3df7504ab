//! Which egress rule decides a request. The URL that is sent is made of the very parts that were decided on, so that no two parsers can disagree.

use std::fmt;

use http::Uri;
use portcullis_core::authgrant::HttpGrant;
use portcullis_core::egress::{EgressRule, Scheme};
use wasmtime_wasi_http::Error;

use crate::state::Shared;

/// Bytes of a host name (RFC 1035 §2.3.4).
const HOST_MAX: usize = 253;

/// A request that may be sent.
pub(super) struct Decided {
    pub(super) url: String,
    pub(super) rule: EgressRule,
}

/// Why a request may not be sent.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The URL is none.
    Url,
    /// No rule covers it: what to add, and where.
    Uncovered(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("a plugin's request has a URL whose host or port makes no sense"),
            Self::Uncovered(finding) => f.write_str(finding),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Url => Self::HttpRequestUriInvalid,
            Refusal::Uncovered(_) => Self::HttpRequestDenied,
        }
    }
}

/// The first rule that covers the request.
pub(super) fn decide(shared: &Shared, method: &str, uri: &Uri) -> Result<Decided, Refusal> {
    let target = Target::read(uri).ok_or(Refusal::Url)?;
    match rule(shared.grants.http.as_ref(), method, &target) {
        Some(rule) => Ok(Decided { url: target.url(), rule: rule.clone() }),
        None => Err(Refusal::Uncovered(uncovered(shared, method, &target))),
    }
}

fn rule<'a>(grant: Option<&'a HttpGrant>, method: &str, target: &Target) -> Option<&'a EgressRule> {
    let host = target.host.trim_matches(['[', ']']);
    grant?.rules.iter().find(|rule| rule.covers(method, target.scheme, host, target.port))
}

/// Names the file that must change: the operator's, or the plugin's own.
fn uncovered(shared: &Shared, method: &str, target: &Target) -> String {
    let name = &shared.name;
    let ports = if target.port == target.scheme.port() { Vec::new() } else { vec![target.port] };
    let wanted = EgressRule {
        scheme: target.scheme,
        host: target.host.trim_matches(['[', ']']).to_owned(),
        ports,
        methods: vec![method.to_owned()],
        private: false,
        inject: None,
    };
    let wanted = serde_json::to_string(&wanted).unwrap_or_default();
    let what = format!("no egress rule of plugin `{name}` covers {method} {}", target.origin());
    if rule(shared.requests.http.as_ref(), method, target).is_some() {
        format!("{what}; to allow it, add under plugins.{name}.grants.http.rules:\n- {wanted}")
    } else {
        format!("{what}, and its plugin.yaml does not request it; its author adds under requests.http.rules:\n- {wanted}")
    }
}

/// The parts of a URL that decide.
struct Target {
    scheme: Scheme,
    /// Lower-case; an IPv6 address in brackets.
    host: String,
    port: u16,
    path: String,
}

impl Target {
    fn read(uri: &Uri) -> Option<Self> {
        let scheme = match uri.scheme_str()? {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return None,
        };
        let host = uri.host()?;
        // What is left of the authority is the port; user names and passwords are refused.
        let port = match uri.authority()?.as_str().strip_prefix(host)? {
            "" => scheme.port(),
            rest => rest.strip_prefix(':')?.parse().ok()?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        is_host(host).then(|| Self { scheme, host: host.to_ascii_lowercase(), port, path })
    }

    fn origin(&self) -> String {
        let port = if self.port == self.scheme.port() { String::new() } else { format!(":{}", self.port) };
        format!("{}://{}{port}", self.scheme.word(), self.host)
    }

    fn url(&self) -> String {
        format!("{}{}", self.origin(), self.path)
    }
}

/// A name without percent signs and other things that parsers read differently, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (1..=HOST_MAX).contains(&host.len()) && host.bytes().all(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use portcullis_core::authgrant::HttpGrant;

    use super::{Refusal, Target, decide};
    use crate::state::Shared;
    use crate::testing;

    fn grant(rules: &str) -> HttpGrant {
        serde_json::from_str(&format!(r#"{{"rules": {rules}}}"#)).unwrap()
    }

    fn shared(rules: &str) -> Shared {
        let mut shared = testing::shared();
        shared.grants.http = Some(grant(rules));
        shared
    }

    fn decided(shared: &Shared, method: &str, url: &str) -> Result<String, Refusal> {
        decide(shared, method, &url.parse().unwrap()).map(|decided| decided.url)
    }

    #[test]
    fn what_is_decided_on_is_what_is_sent() {
        let shared =
            shared(r#"[{"host": "id.example", "methods": ["GET"]}, {"scheme": "http", "host": "::1", "ports": [8080]}]"#);
        assert_eq!(decided(&shared, "GET", "https://ID.example:443/a?b=c").unwrap(), "https://id.example/a?b=c");
        assert_eq!(decided(&shared, "GET", "https://id.example").unwrap(), "https://id.example/");
        assert_eq!(decided(&shared, "GET", "http://[::1]:8080/").unwrap(), "http://[::1]:8080/");
        for (method, url) in [
            ("POST", "https://id.example/"),
            ("GET", "http://id.example/"),
            ("GET", "https://id.example:8443/"),
            ("GET", "https://id.example./"),
        ] {
            assert!(matches!(decided(&shared, method, url), Err(Refusal::Uncovered(_))), "{method} {url}");
        }
    }

    #[test]
    fn the_first_rule_that_covers_a_request_decides_it() {
        let rules = r#"[{"host": "id.example", "inject": {"secret": "s"}}, {"host": "*", "private": true}]"#;
        let rule = |url: &str| decide(&shared(rules), "GET", &url.parse().unwrap()).unwrap().rule;
        assert!(rule("https://id.example/").inject.is_some_and(|one| one.secret == "s"));
        assert!(rule("https://other.example/").private);
    }

    #[test]
    fn a_url_that_two_parsers_may_read_differently_is_none() {
        for url in [
            "https://user@id.example/",
            "https://user:id.example@evil.example/",
            "https://id%2Eexample/",
            "https://id.example:/",
            "https://id.example:99999/",
            "ftp://id.example/",
            "https://[::g]/",
        ] {
            let Ok(uri) = url.parse() else { continue };
            assert!(Target::read(&uri).is_none(), "{url}");
        }
        assert!(Target::read(&"/relative".parse().unwrap()).is_none());
    }

    #[test]
    fn a_refusal_names_the_file_and_the_rule_to_add() {
        let mut shared = shared("[]");
        let said =
            |shared: &Shared| decided(shared, "POST", "https://id.example:8443/token?code=secret").unwrap_err().to_string();
        let authors = said(&shared);
        assert!(
            authors.contains("requests.http.rules") && authors.contains(r#""host":"id.example","ports":[8443]"#),
            "{authors}"
        );
        assert!(!authors.contains("secret"), "{authors}");
        shared.requests.http = Some(grant(r#"[{"host": "*", "ports": [8443], "methods": ["POST"]}]"#));
        assert!(said(&shared).contains("plugins.p.grants.http.rules:\n- {"), "{}", said(&shared));
    }
}
