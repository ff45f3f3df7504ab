//! A JWS in compact form, taken apart. Nothing in it is believed here; its header's `jwk`, `jku`, `x5u` and `x5c` never are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::jwt::{JwtCode, JwtError};
use serde_json::{Map, Value};

use super::{TOKEN_MAX, error};
use crate::json;

/// The parts of a token.
pub(crate) struct Compact<'a> {
    /// The header as JSON text and as an object without doubles.
    pub(crate) header_text: String,
    pub(crate) header: Map<String, Value>,
    /// Undecoded until the signature is known to be good.
    claims: &'a str,
    /// What is signed: header and claims as they stand.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(crate) fn read(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > TOKEN_MAX {
            return Err(malformed("the token is longer than 16 KiB"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("not a JWS in compact form: three parts between dots"));
        };
        let signed = token.as_bytes().get(..header.len() + 1 + claims.len()).unwrap_or_default();
        let (header_text, header) = object(header)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed("the signature is not base64url"))?;
        Ok(Self { header_text, header, claims, signed, signature })
    }

    /// The claims as JSON text and as an object without doubles.
    pub(crate) fn claims(&self) -> Result<(String, Map<String, Value>), JwtError> {
        object(self.claims)
    }

    /// A member of the header that is a string; one that is something else is malformed.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, JwtError> {
        match self.header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed("`alg`, `typ` or `kid` is not a string")),
        }
    }
}

fn object(part: &str) -> Result<(String, Map<String, Value>), JwtError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed("a part is not base64url"))?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("a part is not UTF-8"))?;
    let members = json::object(&text).map_err(malformed)?;
    Ok((text, members))
}

fn malformed(message: &str) -> JwtError {
    error(JwtCode::Malformed, message)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use portcullis_core::jwt::JwtCode;
    use proptest::prelude::proptest;

    use super::{Compact, TOKEN_MAX};

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(header in ".{0,40}", claims in "[{}\\[\\]\":,a-c0-9]{0,40}", rest in ".{0,20}") {
            let _ = Compact::read(&rest).map(|token| token.claims().is_ok());
            let token = format!("{}.{}.{rest}", part(&header), part(&claims));
            let _ = Compact::read(&token).map(|token| token.claims().is_ok());
            let token = format!("{}.{}.", part(r#"{"alg":"a"}"#), part(&claims));
            let read = Compact::read(&token).unwrap();
            assert_eq!(read.claims().map(|(text, _)| text).unwrap_or(claims.clone()), claims);
        }
    }

    fn part(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn what_is_signed_is_what_stands_there() {
        let token = format!("{}.{}.{}", part(r#"{"alg": "RS256"}"#), part(r#"{"a":1}"#), part("xyz"));
        let compact = Compact::read(&token).unwrap();
        assert_eq!(compact.text("alg").unwrap(), Some("RS256"));
        assert_eq!((compact.signed, compact.signature.as_slice()), (token.rsplit_once('.').unwrap().0.as_bytes(), &b"xyz"[..]));
        assert_eq!(compact.claims().unwrap().0, r#"{"a":1}"#);
    }

    #[test]
    fn what_is_no_compact_jws_is_malformed() {
        let (header, none) = (part(r#"{"alg":"RS256"}"#), part("{}"));
        for token in [
            String::new(),
            "a.b".to_owned(),
            format!("{header}.{none}"),
            format!("{header}.{none}.a.b.c"),
            format!("{header}=.{none}.a"),
            format!("{header}.{none}.+/+/"),
            format!("{}.{none}.aaaa", part("[]")),
            format!("{}.{none}.aaaa", part(r#"{"alg":"RS256","alg":"none"}"#)),
            format!("{header}.{none}.{}", "a".repeat(TOKEN_MAX)),
        ] {
            assert_eq!(Compact::read(&token).err().map(|error| error.code), Some(JwtCode::Malformed), "{token:.60}");
        }
    }

    #[test]
    fn of_a_signature_there_is_one_spelling() {
        let token = format!("{}.{}.", part(r#"{"alg":"RS256"}"#), part("{}"));
        assert!(Compact::read(&format!("{token}QQ")).is_ok());
        // Bits that carry nothing must be zero: else one token would have several hashes, and a cached refusal could be walked around.
        assert!(Compact::read(&format!("{token}QR")).is_err());
    }
}
