//! What makes a discovery document one: JSON, of this very issuer. All else in it is for whoever reads it.

use std::sync::Arc;

use super::check_url;
use crate::json;

/// A valid document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// As fetched.
    pub(crate) body: Arc<str>,
    /// Where its keys are; `None`: it names no place that may be used.
    pub(crate) jwks_uri: Option<String>,
}

impl Metadata {
    /// Reads a document. Its `issuer` must be the one that was asked for, byte for byte (RFC 8414 §3.3): otherwise one server could speak in
    /// another's name.
    pub(super) fn read(issuer: &str, body: &[u8], private: bool) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "is not UTF-8")?;
        let members = json::object(text).map_err(|reason| format!("is no discovery document: {reason}"))?;
        match members.get("issuer").and_then(|value| value.as_str()) {
            Some(own) if own == issuer => {}
            Some(_) => return Err("names another issuer".to_owned()),
            None => return Err("names no issuer".to_owned()),
        }
        let jwks = members.get("jwks_uri").and_then(|value| value.as_str()).filter(|url| check_url(url, private).is_ok());
        Ok(Self { body: text.into(), jwks_uri: jwks.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::Metadata;

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        let read = |issuer: &str| Metadata::read(issuer, br#"{"issuer": "https://a", "jwks_uri": "https://b/k"}"#, false);
        assert_eq!(read("https://a").unwrap().jwks_uri.unwrap(), "https://b/k");
        for other in ["https://a/", "https://A", "http://a", "https://a.b"] {
            assert_eq!(read(other).unwrap_err(), "names another issuer", "{other}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for body in
            [&b"[]"[..], b"{}", br#"{"issuer": 1}"#, br#"{"issuer": "https://a", "issuer": "https://a"}"#, b"<html>", b"\xff"]
        {
            assert!(Metadata::read("https://a", body, false).is_err());
        }
    }

    #[test]
    fn keys_over_plain_http_are_used_of_private_issuers_only() {
        let body = br#"{"issuer": "https://a", "jwks_uri": "http://b/k"}"#;
        assert_eq!(Metadata::read("https://a", body, false).unwrap().jwks_uri, None);
        assert!(Metadata::read("https://a", body, true).unwrap().jwks_uri.is_some());
    }
}
