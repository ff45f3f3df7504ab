//! Constructors of what `authenticate` answers: [`Identity`], [`Rejection`], and [`Verdict`] from both.

use super::{Identity, Rejection, Verdict};

impl Identity {
    /// Who it is, who vouches for it, and until when (seconds since 1970; with the leeway that the strategy grants clocks, since the host
    /// grants none). The host refuses an identity without an [`audience`](Self::audience).
    pub fn new(subject: impl Into<String>, issuer: impl Into<String>, expires_at: u64) -> Self {
        Self {
            subject: subject.into(),
            issuer: issuer.into(),
            name: None,
            groups: Vec::new(),
            scopes: Vec::new(),
            audience: Vec::new(),
            expires_at,
            client: None,
            grant: None,
            authorization_details: None,
        }
    }

    /// A resource that the credential was issued for (RFC 8707).
    #[must_use]
    pub fn audience(mut self, resource: impl Into<String>) -> Self {
        self.audience.push(resource.into());
        self
    }

    /// Granted scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Groups as the issuer names them.
    #[must_use]
    pub fn groups(mut self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.groups.extend(groups.into_iter().map(Into::into));
        self
    }
}

impl Rejection {
    /// Forged, malformed, of the wrong kind. No part of the credential goes into the message.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::coded("invalid", message.into())
    }

    /// Its time is over.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::coded("expired", message.into())
    }

    /// Somebody ended it.
    pub fn revoked(message: impl Into<String>) -> Self {
        Self::coded("revoked", message.into())
    }

    /// It was issued for another resource.
    pub fn audience(message: impl Into<String>) -> Self {
        Self::coded("audience", message.into())
    }

    fn coded(code: &str, message: String) -> Self {
        Self { code: code.to_owned(), message }
    }
}

impl From<Identity> for Verdict {
    fn from(identity: Identity) -> Self {
        Self::Principal(identity)
    }
}

impl From<Rejection> for Verdict {
    fn from(rejection: Rejection) -> Self {
        Self::Reject(rejection)
    }
}
