//! The credential of a request. RFC 6750 §2.1: only the Authorization header, never the query (RS-8).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::stranger::Stranger;

/// Longest Authorization value that is looked at, in bytes: our tokens have about 50, an identity provider's JWT up to several KiB.
const CREDENTIAL_MAX: usize = 16 << 10;

/// The bearer token.
///
/// # Errors
/// [`Stranger::NoCredentials`] without one; [`Stranger::Malformed`].
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Stranger> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Stranger::NoCredentials)?;
    if values.next().is_some() || value.len() > CREDENTIAL_MAX {
        return Err(Stranger::Malformed);
    }
    let (scheme, token) = value.to_str().map_err(|_| Stranger::Malformed)?.split_once(' ').ok_or(Stranger::NoCredentials)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Stranger::NoCredentials) }
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
        let long: &'static str = Box::leak(format!("Bearer {}", "a".repeat(20 << 10)).into_boxed_str());
        assert_eq!(bearer(&with(&[long])), Err(Stranger::Malformed));
    }
}
