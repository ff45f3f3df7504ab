//! Who calls over HTTP: the credential in, the caller out. RFC 6750 §2.1 and §3: only the Authorization header, never the query.

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use portcullis_core::config::{Config, Endpoint, Guard};
use portcullis_core::principal::Principal;
use portcullis_core::secret::TokenHash;

use crate::entry::{Caller, Credential};

/// Longest Authorization value that is looked at, in bytes: our tokens have about 50, and hashing must not cost more than refusing.
const CREDENTIAL_MAX: usize = 4096;

/// Why nobody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    /// No bearer token was sent (RFC 6750 §3.1: then the challenge names no error).
    #[error("a bearer token is required: send `Authorization: Bearer <token>` with one of the `tokens` of portcullis.yaml")]
    NoCredentials,
    /// A token was sent, and it is none of ours.
    #[error("the bearer token is unknown or was revoked: ask the operator of this endpoint for another one")]
    InvalidToken,
    /// More than one Authorization header, or one that is no text.
    #[error("the Authorization header is malformed: send it once, as `Bearer <token>`")]
    Malformed,
    /// Nobody is asked here, and others than this machine's users could call.
    #[error("this endpoint asks nobody who they are, and is served on loopback addresses only")]
    Exposed,
}

/// Establishes the caller of an endpoint of the listener with this name and address.
///
/// # Errors
/// [`Stranger`]: the request goes no further.
pub(crate) fn identify(
    config: &Config,
    (listener, bound): (&str, SocketAddr),
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Result<Caller, Stranger> {
    match endpoint.guard {
        // Resolve refuses such a configuration; the door does not rely on it.
        Guard::None if !bound.ip().is_loopback() => Err(Stranger::Exposed),
        Guard::None => Ok(Caller {
            principal: Arc::new(Principal::local()),
            credential: Credential::Unguarded { listener: listener.to_owned(), path: endpoint.path.clone() },
        }),
        Guard::Tokens => by_token(config, bearer(headers)?),
    }
}

/// Whether a request proves its caller with one of the tokens: for what is not an endpoint.
pub(crate) fn is_known(config: &Config, headers: &HeaderMap) -> bool {
    bearer(headers).and_then(|token| by_token(config, token)).is_ok()
}

fn bearer(headers: &HeaderMap) -> Result<&str, Stranger> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Stranger::NoCredentials)?;
    if values.next().is_some() || value.len() > CREDENTIAL_MAX {
        return Err(Stranger::Malformed);
    }
    let (scheme, token) = value.to_str().map_err(|_| Stranger::Malformed)?.split_once(' ').ok_or(Stranger::NoCredentials)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Stranger::NoCredentials) }
}

/// Looks at every token whatever it finds, so that time tells nothing about which one was near.
fn by_token(config: &Config, presented: &str) -> Result<Caller, Stranger> {
    let hash = TokenHash::of(presented);
    let found =
        config.tokens.iter().fold(None, |found, (name, token)| if token.hash.matches(&hash) { Some(name) } else { found });
    let name = found.ok_or(Stranger::InvalidToken)?;
    let principal = Principal {
        subject: name.clone(),
        issuer: Principal::CONFIG_ISSUER.to_owned(),
        name: Some(name.clone()),
        groups: Vec::new(),
        project: None,
    };
    Ok(Caller { principal: Arc::new(principal), credential: Credential::Token { name: name.clone(), hash } })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Stranger, bearer};
    use http::{HeaderMap, HeaderValue};

    fn with(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (http::header::AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_one_bearer_value_is_a_credential() {
        assert_eq!(bearer(&with(&["Bearer abc"])).unwrap(), "abc");
        assert_eq!(bearer(&with(&["bearer abc"])).unwrap(), "abc");
        assert_eq!(bearer(&with(&[])), Err(Stranger::NoCredentials));
        assert_eq!(bearer(&with(&["Basic abc"])), Err(Stranger::NoCredentials));
        assert_eq!(bearer(&with(&["Bearer a", "Bearer b"])), Err(Stranger::Malformed));
    }
}
