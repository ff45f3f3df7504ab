//! Whether a token is what was expected: header before its signature is checked, claims after.

use std::time::Duration;

use portcullis_core::jwt::{Expectation, JwtCode, JwtError, LEEWAY_MAX};
use serde_json::{Map, Value};

use super::compact::Compact;
use super::error;

/// Checks `alg`, `crit` and `typ`; returns the algorithm's name.
pub(crate) fn check_header<'a>(token: &'a Compact<'_>, expected: &Expectation) -> Result<&'a str, JwtError> {
    let name = token.text("alg")?.ok_or_else(|| error(JwtCode::Malformed, "the header has no `alg`"))?;
    if !expected.algorithms.iter().any(|one| one == name) {
        return Err(error(JwtCode::Algorithm, "the algorithm is none of the expected ones"));
    }
    // RFC 7515 §4.1.11: what is critical must be understood, and no extension is.
    if token.header.contains_key("crit") {
        return Err(error(JwtCode::Critical, "the header has critical extensions, and none is understood"));
    }
    let own = plain(token.text("typ")?.unwrap_or_default());
    if expected.types.is_empty() || expected.types.iter().any(|one| plain(one) == own) {
        return Ok(name);
    }
    Err(error(JwtCode::Type, "the type is none of the expected ones"))
}

/// A media type without case and without the prefix that may be left out (RFC 7515 §4.1.9).
fn plain(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
}

/// Checks `exp`, `nbf`, `iat` and `iss` (RFC 7519 §4.1).
pub(crate) fn check_claims(claims: &Map<String, Value>, expected: &Expectation, now: Duration) -> Result<(), JwtError> {
    let (now, leeway) = (now.as_secs_f64(), expected.leeway.min(LEEWAY_MAX).as_secs_f64());
    let expires = date(claims, "exp")?.ok_or_else(|| error(JwtCode::Malformed, "the claims have no `exp`"))?;
    if now >= expires + leeway {
        return Err(error(JwtCode::Expired, "the token has expired"));
    }
    for name in ["nbf", "iat"] {
        if date(claims, name)?.is_some_and(|date| date > now + leeway) {
            return Err(error(JwtCode::Immature, "the token is from the future: `nbf` or `iat` lies ahead"));
        }
    }
    match &expected.issuer {
        Some(issuer) if claims.get("iss").and_then(Value::as_str) != Some(issuer) => {
            Err(error(JwtCode::Issuer, "the token is another issuer's"))
        }
        _ => Ok(()),
    }
}

/// A NumericDate: seconds since 1970, whole or not (RFC 7519 §2).
pub(super) fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, JwtError> {
    let number = |value: &Value| value.as_f64().filter(|seconds| seconds.is_finite());
    let wrong = || error(JwtCode::Malformed, "`exp`, `nbf` or `iat` is not a number");
    claims.get(name).map(|value| number(value).ok_or_else(wrong)).transpose()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_core::jwt::{Expectation, JwtCode};

    use super::{check_claims, plain};

    fn judged(claims: &str, leeway: u64) -> Option<JwtCode> {
        let expected = Expectation {
            algorithms: Vec::new(),
            types: Vec::new(),
            issuer: Some("https://a".into()),
            leeway: Duration::from_secs(leeway),
        };
        let claims = serde_json::from_str(claims).unwrap();
        check_claims(&claims, &expected, Duration::from_secs(1000)).err().map(|error| error.code)
    }

    #[test]
    fn a_token_ends_when_it_says_so_and_begins_no_earlier() {
        for (times, leeway, verdict) in [
            (r#""exp": 1001"#, 0, None),
            (r#""exp": 1000.5, "nbf": 999.5, "iat": 1000"#, 0, None),
            (r#""exp": 1000"#, 0, Some(JwtCode::Expired)),
            (r#""exp": 999.9"#, 0, Some(JwtCode::Expired)),
            (r#""exp": 941"#, 60, None),
            (r#""exp": 940"#, 60, Some(JwtCode::Expired)),
            (r#""exp": 2000, "nbf": 1000.5"#, 0, Some(JwtCode::Immature)),
            (r#""exp": 2000, "iat": 1061"#, 60, Some(JwtCode::Immature)),
            (r#""exp": 2000, "iat": 1060, "nbf": 1060"#, 60, None),
            (r#""exp": -1"#, 0, Some(JwtCode::Expired)),
            (r#""exp": 700"#, 100_000, Some(JwtCode::Expired)),
            (r#""exp": 701"#, 100_000, None),
        ] {
            assert_eq!(judged(&format!(r#"{{"iss": "https://a", {times}}}"#), leeway), verdict, "{times}");
        }
    }

    #[test]
    fn times_are_numbers_and_an_end_is_required() {
        for times in
            [r#""a": 1"#, r#""exp": "2000""#, r#""exp": null"#, r#""exp": 2000, "nbf": "1""#, r#""exp": 2000, "iat": []"#]
        {
            assert_eq!(judged(&format!(r#"{{"iss": "https://a", {times}}}"#), 0), Some(JwtCode::Malformed), "{times}");
        }
    }

    #[test]
    fn the_issuer_is_compared_exactly() {
        for issuer in [r#""https://a/""#, r#""https://A""#, r#"["https://a"]"#, "null"] {
            assert_eq!(judged(&format!(r#"{{"exp": 2000, "iss": {issuer}}}"#), 0), Some(JwtCode::Issuer), "{issuer}");
        }
        assert_eq!(judged(r#"{"exp": 2000}"#, 0), Some(JwtCode::Issuer));
    }

    #[test]
    fn types_are_compared_without_case_and_prefix() {
        assert_eq!(plain("application/AT+jwt"), plain("at+JWT"));
        assert_ne!(plain("JWT"), plain("at+jwt"));
    }
}
