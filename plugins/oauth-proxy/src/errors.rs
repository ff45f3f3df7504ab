//! What goes wrong, and how it is told: RFC 6749 §5.2 as JSON, a page for people, or a fault that only the operator hears of.

use portcullis_plugin::auth::Fault;
use portcullis_plugin::auth::routes::Response;
use serde_json::json;

/// An error of the protocol. The description is for the person who writes the client; it holds no secret and nothing of the provider's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// As registered, e.g. "invalid_grant".
    pub(crate) code: &'static str,
    pub(crate) description: String,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    /// The scheme for `WWW-Authenticate`, for a client that tried to authenticate itself (RFC 6749 §5.2).
    pub(crate) challenge: Option<&'static str>,
}

impl Refusal {
    fn coded(status: u16, code: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into(), retry_after: None, challenge: None }
    }

    /// Something is missing, there twice or malformed.
    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self::coded(400, "invalid_request", description)
    }

    /// Nobody registered such a client. 401 makes Claude register again.
    pub(crate) fn client(description: impl Into<String>) -> Self {
        Self::coded(401, "invalid_client", description)
    }

    /// The code or refresh token is not good (any more): 400, not 401 (RFC 6749 §5.2).
    pub(crate) fn grant(description: impl Into<String>) -> Self {
        Self::coded(400, "invalid_grant", description)
    }

    /// With another code of the registry.
    pub(crate) fn other(code: &'static str, description: impl Into<String>) -> Self {
        Self::coded(400, code, description)
    }

    /// The provider does not answer: nothing changed, and the same request may succeed soon.
    pub(crate) fn away(description: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::coded(503, "temporarily_unavailable", description) }
    }

    /// Too many of these.
    pub(crate) fn too_many(seconds: u64) -> Self {
        let description = "too many requests, from your network or from everywhere: try again later";
        Self { retry_after: Some(seconds), ..Self::coded(429, "temporarily_unavailable", description) }
    }

    /// As JSON.
    pub(crate) fn response(&self) -> Response {
        let body = json!({"error": self.code, "error_description": self.description}).to_string();
        let response = Response::json(self.status, body).header("cache-control", "no-store");
        let response = match self.challenge {
            Some(scheme) => response.header("www-authenticate", scheme),
            None => response,
        };
        match self.retry_after {
            Some(seconds) => response.header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}

/// Why a request got no answer of its own.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is told to the client.
    Refused(Refusal),
    /// It is told to the operator.
    Fault(Fault),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// An answer, or why there is none.
pub(crate) type Answer = Result<Response, Failure>;

/// The answer of a JSON endpoint.
///
/// # Errors
/// The fault.
pub(crate) fn told(answer: Answer) -> Result<Response, Fault> {
    match answer {
        Ok(response) => Ok(response),
        Err(Failure::Refused(refusal)) => Ok(refusal.response()),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}
