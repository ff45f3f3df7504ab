//! Auth strategies as the host sees them: what one says of itself, what it is asked, what it answers. The WIT package is `portcullis:auth`;
//! who is allowed what is `policy`'s business.

use crate::call::CallError;
use crate::secret::Secret;

/// Where a strategy guards, as clients see it. Comes from the configuration, never from a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site {
    /// Scheme, host and port of the listener's public URL, without a trailing slash.
    pub origin: String,
    /// Canonical URLs of the endpoints that it guards there (RFC 8707 §2).
    pub resources: Vec<String>,
    /// Scopes that the operator lets be advertised, in the operator's order; empty: not curated.
    pub scopes: Vec<String>,
}

/// What a strategy says of itself for one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strategy {
    /// Issuers of the tokens that it accepts, the preferred one first (RFC 9728 §2).
    pub authorization_servers: Vec<String>,
    /// Scopes that clients should ask for.
    pub scopes: Vec<String>,
    /// Further members of the protected resource metadata: a JSON object, or nothing.
    pub metadata: Option<String>,
    /// Shapes of credentials that may be its own.
    pub shapes: Vec<Shape>,
    /// Paths that it serves.
    pub routes: Vec<Route>,
}

impl Strategy {
    /// Whether this strategy is worth asking about a credential: most are told apart by their form.
    #[must_use]
    pub fn may_know(&self, credential: &str) -> bool {
        self.shapes.is_empty() || self.shapes.iter().any(|shape| shape.fits(credential))
    }

    /// Whether its metadata has this member.
    #[must_use]
    pub fn has_metadata(&self, member: &str) -> bool {
        let metadata = self.metadata.as_deref().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        metadata.is_some_and(|metadata| metadata.get(member).is_some())
    }
}

/// The form of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Three parts between dots: a JWS in compact form (RFC 7515 §7.1).
    Jwt,
    /// Anything else.
    Opaque,
    /// Begins with this.
    Prefix(String),
    /// A value of a later track.
    Unknown,
}

impl Shape {
    /// Reads a documented value of `strategy.shapes`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match (text, text.strip_prefix("prefix:")) {
            ("jwt", _) => Self::Jwt,
            ("opaque", _) => Self::Opaque,
            (_, Some(prefix)) if !prefix.is_empty() => Self::Prefix(prefix.to_owned()),
            _ => Self::Unknown,
        }
    }

    fn fits(&self, credential: &str) -> bool {
        let jwt = credential.split('.').count() == 3;
        match self {
            Self::Jwt => jwt,
            Self::Opaque => !jwt,
            Self::Prefix(prefix) => credential.starts_with(prefix),
            Self::Unknown => false,
        }
    }
}

/// A path that a strategy serves on its listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// An HTTP method in capitals.
    pub method: String,
    /// Exact.
    pub path: String,
    /// Whether web pages of any origin may call it, without cookies.
    pub cors: bool,
}

/// A credential to judge.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// In logs and the audit trail.
    pub request_id: String,
    /// Canonical URL of the endpoint.
    pub resource: String,
    /// Where that is.
    pub site: Site,
    /// The credential.
    pub credential: Secret,
}

/// Who it is, as a strategy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Stable and unique within the issuer.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// For people.
    pub name: Option<String>,
    /// Group names as the issuer gave them.
    pub groups: Vec<String>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// The token's audience; the host checks it.
    pub audience: Vec<String>,
    /// Seconds since 1970 at which the credential ends.
    pub expires_at: u64,
    /// The OAuth client that holds the token.
    pub client: Option<String>,
    /// Names the login for revocation.
    pub grant: Option<String>,
    /// Granted `authorization_details` (RFC 9396): JSON text of an array.
    pub authorization_details: Option<String>,
}

/// What a strategy makes of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It proves this identity.
    Principal(Box<Identity>),
    /// Another strategy may know it.
    NotMine,
    /// It is this strategy's, and worth nothing.
    Reject(Rejection),
}

/// Why a credential is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// What kind.
    pub code: RejectionCode,
    /// For the person at the other end.
    pub message: String,
}

/// Documented values of `rejection.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionCode {
    /// Forged, malformed, of the wrong kind.
    Invalid,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// It was issued for another resource.
    Audience,
}

impl RejectionCode {
    /// Reads a guest's code; an unknown one is [`RejectionCode::Invalid`].
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "expired" => Self::Expired,
            "revoked" => Self::Revoked,
            "audience" => Self::Audience,
            _ => Self::Invalid,
        }
    }
}

/// Why a strategy gave no answer. Whatever it is, nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum StrategyError {
    /// In the strategy's own words, for the operator.
    #[error("{message}")]
    Fault {
        /// What it needs does not answer now.
        unavailable: bool,
        /// For the log; callers do not see it.
        message: String,
        /// When it may be better.
        retry_after: Option<std::time::Duration>,
    },
    /// The guest was stopped, or the host failed it.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A request to one of a strategy's routes. Headers are lower-case and already restricted to those that a guest may see. It may hold codes, cookies
/// and client credentials, so that it does not print them.
#[derive(Clone)]
pub struct RouteRequest {
    /// In logs and the audit trail.
    pub request_id: String,
    /// Where it arrived.
    pub site: Site,
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Without the question mark.
    pub query: Option<String>,
    /// Allow-listed.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub body: Vec<u8>,
    /// IP address of the client.
    pub client: String,
}

impl std::fmt::Debug for RouteRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (headers, bytes) = (self.headers.len(), self.body.len());
        write!(f, "RouteRequest({} {}, {headers} headers, {bytes} bytes, {})", self.method, self.path, self.request_id)
    }
}

/// A strategy's answer over HTTP. The gateway keeps the headers that the WIT names and adds its own. It may hold tokens and cookies, so that it does
/// not print them.
#[derive(Clone, PartialEq, Eq)]
pub struct RouteResponse {
    /// 200 to 599.
    pub status: u16,
    /// As the guest gave them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for RouteResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RouteResponse({}, {} headers, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{RouteRequest, RouteResponse, Shape, Site, Strategy};

    #[test]
    fn what_a_login_exchanges_does_not_print_itself() {
        let headers = vec![("cookie".to_owned(), "hush".to_owned())];
        let request = RouteRequest {
            request_id: "id".into(),
            site: Site { origin: String::new(), resources: Vec::new(), scopes: Vec::new() },
            method: "GET".into(),
            path: "/callback".into(),
            query: Some("code=hush".into()),
            headers: headers.clone(),
            body: b"hush".to_vec(),
            client: "127.0.0.1".into(),
        };
        assert_eq!(format!("{request:?}"), "RouteRequest(GET /callback, 1 headers, 4 bytes, id)");
        let response = RouteResponse { status: 302, headers, body: b"hush".to_vec() };
        assert_eq!(format!("{response:?}"), "RouteResponse(302, 1 headers, 4 bytes)");
    }

    #[test]
    fn a_strategy_is_asked_about_credentials_of_its_shape_only() {
        let knows = |shapes: &[&str], credential| {
            Strategy { shapes: shapes.iter().map(|one| Shape::parse(one)).collect(), ..Strategy::default() }.may_know(credential)
        };
        assert!(knows(&[], "anything"));
        assert!(knows(&["jwt"], "a.b.c") && !knows(&["jwt"], "abc") && !knows(&["jwt"], "a.b.c.d.e"));
        assert!(knows(&["opaque"], "abc") && !knows(&["opaque"], "a.b.c"));
        assert!(knows(&["prefix:pcl_"], "pcl_x") && !knows(&["prefix:pcl_"], "x"));
        assert!(!knows(&["later"], "abc") && !knows(&["prefix:"], "abc"));
    }
}
