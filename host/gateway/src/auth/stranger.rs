//! Why nobody was let in, in words for the person at the other end. What HTTP makes of it is `respond`'s business.

use std::time::Duration;

use portcullis_core::strategy::Rejection;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    /// No bearer token was sent (RFC 6750 §3.1: then the challenge names no error).
    #[error("a bearer token is required: log in, or send `Authorization: Bearer <token>` with a token that this endpoint knows")]
    NoCredentials,
    /// A token was sent, and nobody knows it.
    #[error("the bearer token is unknown or was revoked: log in again, or ask the operator of this endpoint for another one")]
    InvalidToken,
    /// A strategy knows it, and it is worth nothing.
    #[error("{} (log in again)", .0.message.trim_end_matches('.'))]
    Rejected(Rejection),
    /// It was issued for somebody else (RS-7).
    #[error("the token was issued for another resource: ask for one for `{0}` (RFC 8707 `resource`)")]
    Audience(String),
    /// More than one Authorization header, or one that is no text.
    #[error("the Authorization header is malformed: send it once, as `Bearer <token>`")]
    Malformed,
    /// Nobody is asked here, and others than this machine's users could call.
    #[error("this endpoint asks nobody who they are, and is served on loopback addresses only")]
    Exposed,
    /// Nobody could judge: that is a refusal, never a pass.
    #[error("who you are cannot be established now: try again later")]
    Unavailable(Option<Duration>),
}

impl Stranger {
    /// `error` of the challenge (RFC 6750 §3.1), if there is one.
    pub(crate) fn error(&self) -> Option<&'static str> {
        match self {
            Self::InvalidToken | Self::Rejected(_) | Self::Audience(_) => Some("invalid_token"),
            Self::NoCredentials | Self::Malformed | Self::Exposed | Self::Unavailable(_) => None,
        }
    }

    /// Whether a challenge tells how to get in.
    pub(crate) fn is_challenged(&self) -> bool {
        *self == Self::NoCredentials || self.error().is_some()
    }
}
