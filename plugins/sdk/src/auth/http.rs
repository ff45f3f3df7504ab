//! Capability `http`: requests to other servers, through the egress rules of the operator, one of which may put a secret into the request.
//! Redirects are replies. The types of `wasi:http` come from `wasi:clocks`: who requests `http` requests `clocks`, too.

use std::fmt;
use std::time::Duration;

/// How long an exchange may take unless the request says otherwise: RFC 6749 has no number; servers that take longer than this are down.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests.
pub trait Http {
    /// One exchange, whole.
    ///
    /// # Errors
    /// [`HttpError`]: there is no reply.
    fn send(&self, request: Request) -> Result<Reply, HttpError>;
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Absolute, `http` or `https`.
    pub url: String,
    /// `Authorization` is the operator's wherever an egress rule injects a secret.
    pub headers: Vec<(String, String)>,
    /// The body; empty: none.
    pub body: Vec<u8>,
    /// For the whole exchange; the call's own deadline holds, too.
    pub timeout: Duration,
}

impl Request {
    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: TIMEOUT }
    }

    /// A POST with this body.
    pub fn post(url: impl Into<String>, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let request = Self { method: "POST".to_owned(), body: body.into(), ..Self::get(url) };
        request.header("content-type", content_type)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the time for the whole exchange.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// Neither body nor headers nor query: they may hold credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.url.split(['?', '#']).next().unwrap_or_default();
        write!(f, "{} {place} ({} headers, {} bytes)", self.method, self.headers.len(), self.body.len())
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Whole.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} headers, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}

/// Why there is no reply. Texts name the host at most, never a path, a query or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// Not a request that can be sent.
    Invalid(String),
    /// No egress rule covers it, or the name has addresses that may not be reached.
    Denied(String),
    /// No answer, or the connection broke.
    Unavailable(String),
    /// Too slow.
    Timeout(String),
    /// Too long an answer.
    TooLarge(String),
}

impl HttpError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(_))
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Invalid(text) | Self::Denied(text) | Self::Unavailable(text) | Self::Timeout(text) | Self::TooLarge(text)) =
            self;
        f.write_str(text)
    }
}

impl std::error::Error for HttpError {}

/// Scheme, authority, and path with query of a URL. Whether it makes sense is the host's to judge; a fragment is never sent (RFC 9110 §7.1).
#[cfg_attr(not(target_family = "wasm"), cfg_attr(not(test), expect(dead_code, reason = "used inside components")))]
pub(super) fn parts(url: &str) -> Option<(&str, &str, String)> {
    let whole = url.split('#').next()?;
    let (scheme, rest) = whole.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let path = if path.starts_with('/') { path.to_owned() } else { ["/", path].concat() };
    (!authority.is_empty()).then_some((scheme, authority, path))
}

#[cfg(test)]
mod tests {
    use super::{Request, parts};

    #[test]
    fn a_url_is_taken_apart_without_its_fragment() {
        let of = |url| parts(url).map(|(scheme, authority, path)| [scheme, authority, &path].join(" "));
        assert_eq!(of("https://id.example/token?a=b#c").as_deref(), Some("https id.example /token?a=b"));
        assert_eq!(of("http://[::1]:8080").as_deref(), Some("http [::1]:8080 /"));
        assert_eq!(of("https://id.example?a=/").as_deref(), Some("https id.example /?a=/"));
        assert_eq!([of("id.example/token"), of("https:///token")], [None, None]);
    }

    #[test]
    fn a_request_prints_nothing_that_may_be_secret() {
        let request =
            Request::post("https://id.example/token?code=abc", "text/plain", "secret").header("authorization", "Basic x");
        assert_eq!(format!("{request:?}"), "POST https://id.example/token (2 headers, 6 bytes)");
    }
}
