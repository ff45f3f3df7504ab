//! HTTP requests that plugins send out: the rules that decide, and the nouns. Resolving, pinning and sending are in `portcullis-trust`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::glob;
use crate::secret::Secret;

/// Where a plugin may send requests. Without a rule that covers it, a request is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EgressRule {
    /// `https` or `http`. Default: `https`.
    #[serde(default)]
    pub scheme: Scheme,
    /// A host name; `*.example.com` covers every name below it, `*` every name. IP addresses are written out.
    pub host: String,
    /// Ports. Default: the scheme's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<u64>")]
    pub ports: Vec<u16>,
    /// Methods in capitals. Default: `GET`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Whether the name may resolve to loopback, private, link-local and other addresses that are not the internet's. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// A secret that the host puts into the requests that this rule covers. Only in the operator's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject: Option<Injection>,
}

/// URL schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline, extend("enum" = ["https", "http"], "type" = "string"), transform = crate::jwt::without_alternatives)]
pub enum Scheme {
    /// TLS.
    #[default]
    Https,
    /// Plain; for this machine.
    Http,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The port when a URL names none.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// Credentials that the host adds to a request as its `Authorization` header; the guest never sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Injection {
    /// The name of a secret under `secrets`.
    pub secret: String,
    /// With it, `Basic` with this user name (RFC 6749 §2.3.1: both parts form-encoded); without, `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

impl EgressRule {
    /// Whether a request is covered. `host` is lower-case; of a URL's IPv6 address without the brackets.
    #[must_use]
    pub fn covers(&self, method: &str, scheme: Scheme, host: &str, port: u16) -> bool {
        let ports = if self.ports.is_empty() { port == scheme.port() } else { self.ports.contains(&port) };
        let methods = if self.methods.is_empty() { method == "GET" } else { self.methods.iter().any(|one| one == method) };
        self.scheme == scheme && ports && methods && covers_host(&self.host, host)
    }

    /// Whether every request that `other` covers is covered; `private` and `inject` are the operator's alone. Ports that a request leaves
    /// open are the operator's choice.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let ports = |rule: &Self| if rule.ports.is_empty() { vec![rule.scheme.port()] } else { rule.ports.clone() };
        let methods = |rule: &Self| if rule.methods.is_empty() { vec!["GET".to_owned()] } else { rule.methods.clone() };
        let (own_ports, own_methods) = (ports(self), methods(self));
        (self.scheme == other.scheme || self.private)
            && covers_host(&self.host, &other.host)
            && (other.ports.is_empty() || other.ports.iter().all(|port| own_ports.contains(port)))
            && methods(other).iter().all(|method| own_methods.contains(method))
    }

    /// The rule that both sides agree on: the narrower of two that name the same place; `None` if they name different ones.
    #[must_use]
    pub fn meet(requested: &Self, granted: &Self) -> Option<Self> {
        let host = if covers_host(&requested.host, &granted.host) {
            &granted.host
        } else if covers_host(&granted.host, &requested.host) {
            &requested.host
        } else {
            return None;
        };
        let both = |own: &Self| if own.methods.is_empty() { vec!["GET".to_owned()] } else { own.methods.clone() };
        let ports = |own: &Self| if own.ports.is_empty() { vec![own.scheme.port()] } else { own.ports.clone() };
        let (wanted, given) = (both(requested), both(granted));
        let methods: Vec<String> = given.into_iter().filter(|one| wanted.contains(one)).collect();
        // A request that names no port leaves the choice to the operator.
        let ports: Vec<u16> = if requested.ports.is_empty() {
            ports(granted)
        } else {
            ports(granted).into_iter().filter(|one| requested.ports.contains(one)).collect()
        };
        let scheme = granted.scheme;
        let fits = (requested.scheme == scheme || granted.private) && !methods.is_empty() && !ports.is_empty();
        fits.then(|| Self {
            scheme,
            host: host.clone(),
            ports,
            methods,
            private: granted.private,
            inject: granted.inject.clone(),
        })
    }
}

/// `*` alone covers every name; `*.` covers names below, not the name itself.
fn covers_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|below| below.ends_with('.') && below.len() > 1),
        None => glob(pattern, host) && (pattern == "*" || !pattern.contains('*')),
    }
}

/// A request on its way out; decided by `rule`. It may hold codes and a login's secrets, so that it does not print them.
#[derive(Clone)]
pub struct EgressRequest {
    /// In capitals.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Without those that belong to the connection.
    pub headers: Vec<(String, String)>,
    /// Whole.
    pub body: Vec<u8>,
    /// What the host adds as `Authorization`, whole.
    pub authorization: Option<Secret>,
    /// Whether addresses that are not the internet's may be reached.
    pub private: bool,
    /// From the beginning to the last byte.
    pub within: Duration,
    /// Most bytes of the answer's body.
    pub max_reply: usize,
}

impl std::fmt::Debug for EgressRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        // Before the host, a URL may have a name and a password.
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        let (headers, bytes) = (self.headers.len(), self.body.len());
        write!(f, "EgressRequest({} {scheme}://{host}/{path}, {headers} headers, {bytes} bytes)", self.method)
    }
}

/// What came back. Redirects are answers: whoever asked decides again. It may hold tokens, so that it does not print them.
#[derive(Clone)]
pub struct EgressReply {
    /// The HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Whole.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for EgressReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EgressReply({}, {} headers, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Not a URL that can be fetched.
    #[error("`{0}` is not an http or https URL with a host")]
    Url(String),
    /// The name has addresses that may not be reached.
    #[error("`{0}` resolves to an address that is not the internet's")]
    Address(String),
    /// The name has no address.
    #[error("`{0}` does not resolve")]
    Unresolved(String),
    /// No connection, or it broke.
    #[error("`{host}` does not answer: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// Without the URL.
        reason: String,
    },
    /// Too slow.
    #[error("`{0}` did not answer in time")]
    Timeout(String),
    /// Too long an answer.
    #[error("`{0}` answered more than allowed")]
    TooLarge(String),
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::time::Duration;

    use super::{EgressReply, EgressRequest, EgressRule, Scheme};

    #[test]
    fn what_a_login_sends_and_gets_does_not_print_itself() {
        let headers = vec![("authorization".to_owned(), "hush".to_owned())];
        let request = EgressRequest {
            method: "POST".into(),
            url: "https://me:hush@id.example.com/token?code=hush".into(),
            headers: headers.clone(),
            body: b"hush".to_vec(),
            authorization: None,
            private: false,
            within: Duration::ZERO,
            max_reply: 0,
        };
        assert_eq!(format!("{request:?}"), "EgressRequest(POST https://id.example.com/token, 1 headers, 4 bytes)");
        let reply = EgressReply { status: 200, headers, body: b"hush".to_vec() };
        assert_eq!(format!("{reply:?}"), "EgressReply(200, 1 headers, 4 bytes)");
    }

    fn rule(json: &str) -> EgressRule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_rule_covers_its_host_port_scheme_and_methods_and_nothing_else() {
        let own = rule(r#"{"host": "*.example.com", "methods": ["GET", "POST"]}"#);
        assert!(own.covers("POST", Scheme::Https, "id.example.com", 443));
        for (method, scheme, host, port) in [
            ("PUT", Scheme::Https, "id.example.com", 443),
            ("GET", Scheme::Http, "id.example.com", 80),
            ("GET", Scheme::Https, "id.example.com", 8443),
            ("GET", Scheme::Https, "example.com", 443),
            ("GET", Scheme::Https, "evilexample.com", 443),
            ("GET", Scheme::Https, "id.example.com.evil.org", 443),
        ] {
            assert!(!own.covers(method, scheme, host, port), "{method} {scheme:?} {host} {port}");
        }
        assert!(rule(r#"{"host": "*"}"#).covers("GET", Scheme::Https, "any.org", 443));
        assert!(!rule(r#"{"host": "a*.org"}"#).covers("GET", Scheme::Https, "ab.org", 443));
    }

    #[test]
    fn a_rule_includes_what_is_no_wider_than_itself() {
        let own = rule(r#"{"host": "*.example.com", "ports": [443, 8443], "methods": ["GET", "POST"]}"#);
        for (other, is) in [
            (r#"{"host": "id.example.com"}"#, true),
            (r#"{"host": "*.id.example.com", "ports": [8443], "methods": ["POST"]}"#, true),
            (r#"{"host": "*"}"#, false),
            (r#"{"host": "id.example.com", "ports": [80]}"#, false),
            (r#"{"host": "id.example.com", "methods": ["PUT"]}"#, false),
            (r#"{"host": "id.example.com", "scheme": "http"}"#, false),
        ] {
            assert_eq!(own.includes(&rule(other)), is, "{other}");
        }
    }

    #[test]
    fn the_narrower_of_request_and_grant_is_effective() {
        let (any, one) = (
            rule(r#"{"host": "*", "methods": ["GET", "POST"]}"#),
            rule(r#"{"host": "id.example.com", "methods": ["POST", "PUT"]}"#),
        );
        let met = EgressRule::meet(&any, &one).unwrap();
        assert_eq!((met.host.as_str(), met.methods.as_slice()), ("id.example.com", &["POST".to_owned()][..]));
        assert_eq!(EgressRule::meet(&one, &any).unwrap().host, "id.example.com");
        assert!(EgressRule::meet(&one, &rule(r#"{"host": "other.org"}"#)).is_none());
        assert!(EgressRule::meet(&any, &rule(r#"{"host": "h", "methods": ["DELETE"]}"#)).is_none());
    }
}
