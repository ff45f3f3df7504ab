//! JSON Web Tokens as the host's nouns (RFC 7519): whose keys, what is expected, what went wrong. Cryptography is in `portcullis-trust`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose keys verify a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Those that the issuer's discovery document names.
    Issuer(String),
    /// A JWK Set at this URL.
    KeySet(String),
    /// A key ring of the host.
    Ring(String),
}

/// How the keys of a ring sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, extend("enum" = ["HS256", "EdDSA", "ES256"], "type" = "string"), transform = without_alternatives)]
pub enum RingAlgorithm {
    /// HMAC with SHA-256: only this host can verify.
    #[serde(rename = "HS256")]
    Hs256,
    /// Ed25519 (RFC 8037): others verify with the public key set.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 (RFC 7518 §3.4): for others that do not know Ed25519.
    #[serde(rename = "ES256")]
    Es256,
}

/// One plain `enum` instead of an alternative per variant: editors and findings can then list the words.
pub(crate) fn without_alternatives(schema: &mut schemars::Schema) {
    schema.remove("oneOf");
}

/// What a token must be; the rest is always checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Algorithms (RFC 7518 §3.1) of which one is accepted.
    pub algorithms: Vec<String>,
    /// Values of `typ` of which one is accepted, without case and `application/`; empty: any. The empty value stands for an absent `typ`.
    pub types: Vec<String>,
    /// The claim `iss`; `None`: not checked.
    pub issuer: Option<String>,
    /// By how much clocks may differ; at most [`LEEWAY_MAX`].
    pub leeway: Duration,
}

/// Largest leeway: RFC 7519 §4.1.4 says "usually no more than a few minutes".
pub const LEEWAY_MAX: Duration = Duration::from_secs(300);

/// A token that is what was expected: JSON texts. Claims may hold what only their strategy should know, so that it does not print them.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    /// The JOSE header.
    pub header: String,
    /// The claims.
    pub claims: String,
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verified({} bytes of claims)", self.claims.len())
    }
}

/// Why there is no verified or signed token. Messages hold no part of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JwtError {
    /// What kind.
    pub code: JwtCode,
    /// What is wrong.
    pub message: String,
    /// When keys may be there again.
    pub retry_after: Option<Duration>,
}

/// Documented codes of `portcullis:auth/jwt.problem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtCode {
    /// Not a JWS in compact form with JSON claims, or without `exp`.
    Malformed,
    /// Not one of the expected algorithms, or one that does not fit the key.
    Algorithm,
    /// Not one of the expected types.
    Type,
    /// `crit` names something.
    Critical,
    /// No key fits.
    UnknownKey,
    /// Forged.
    Signature,
    /// `exp` is over.
    Expired,
    /// `nbf` or `iat` lies ahead.
    Immature,
    /// Another issuer's.
    Issuer,
    /// No grant covers the keys.
    Denied,
    /// The keys could not be fetched, and none are kept.
    Unavailable,
    /// Anything else.
    Internal,
}

impl JwtCode {
    /// The word in WIT.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::Critical => "critical",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Immature => "immature",
            Self::Issuer => "issuer",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verified;

    #[test]
    fn claims_do_not_print_themselves() {
        let verified = Verified { header: r#"{"alg":"hush"}"#.into(), claims: r#"{"s":"hush"}"#.into() };
        assert_eq!(format!("{verified:?}"), "Verified(12 bytes of claims)");
    }
}
