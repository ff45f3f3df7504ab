//! A JWK Set (RFC 7517 §5) and the keys of it that can verify signatures. What cannot be used is skipped (§5: "SHOULD ignore"): a server that
//! adds a kind of key must not lock everybody out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::jwt::Algorithm;

/// Most keys of a set: servers have two or three, while they rotate five.
const KEYS_MAX: usize = 100;

/// Usable keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key and what it says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    id: Option<String>,
    /// The one algorithm that it is for.
    algorithm: Option<Algorithm>,
    material: Material,
}

/// The numbers of a public key (RFC 7518 §6, RFC 8037 §2).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Material {
    /// Modulus and exponent, big-endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    /// 32 bytes.
    Ed25519(Vec<u8>),
}

impl KeySet {
    pub(crate) fn read(body: &[u8]) -> Result<Self, &'static str> {
        let document: Value = serde_json::from_slice(body).map_err(|_| "is not JSON")?;
        let list = document.get("keys").and_then(Value::as_array).ok_or("is no JWK Set: it has no list `keys`")?;
        if list.len() > KEYS_MAX {
            return Err("has more than 100 keys");
        }
        Ok(Self { keys: list.iter().filter_map(PublicKey::read).collect() })
    }

    /// The keys that may have signed with this algorithm: of this id, or all if a token names none.
    pub(crate) fn candidates<'a>(&'a self, id: Option<&'a str>, algorithm: Algorithm) -> impl Iterator<Item = &'a Material> {
        let named = move |key: &&PublicKey| id.is_none() || key.id.as_deref() == id;
        self.keys.iter().filter(named).filter(move |key| key.fits(algorithm)).map(|key| &key.material)
    }

    /// Whether a key has this id, whatever it is for.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }
}

impl PublicKey {
    /// `None`: a key that is not for verifying signatures, or not of a known kind.
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let verifies = jwk.get("key_ops").is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify")));
        if !verifies || jwk.get("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let algorithm = match jwk.get("alg") {
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
            None => None,
        };
        Some(Self { id: text("kid").map(str::to_owned), algorithm, material: Material::read(jwk)? })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|own| own == algorithm) && algorithm.fits(&self.material)
    }
}

impl Material {
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let sized = |name: &str, size: usize| bytes(name).filter(|bytes| bytes.len() == size);
        let point = |size: usize| Some([vec![4], sized("x", size)?, sized("y", size)?].concat());
        match (text("kty")?, text("crv")) {
            // Leading zeros are not allowed (RFC 7518 §6.3.1.1) and occur all the same.
            ("RSA", _) => Some(Self::Rsa { n: trimmed(bytes("n")?), e: trimmed(bytes("e")?) }),
            ("EC", Some("P-256")) => Some(Self::P256(point(32)?)),
            ("EC", Some("P-384")) => Some(Self::P384(point(48)?)),
            ("OKP", Some("Ed25519")) => Some(Self::Ed25519(sized("x", 32)?)),
            _ => None,
        }
    }
}

fn trimmed(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::{KeySet, Material};
    use crate::jwt::Algorithm;

    fn set(keys: &str) -> KeySet {
        KeySet::read(format!(r#"{{"keys": [{keys}]}}"#).as_bytes()).unwrap()
    }

    const RSA: &str = r#""kty": "RSA", "n": "AAEC", "e": "AQAB""#;

    #[test]
    fn a_key_is_used_for_what_it_is_for() {
        for (more, usable) in [
            ("", true),
            (r#", "use": "sig", "alg": "RS256""#, true),
            (r#", "key_ops": ["verify"]"#, true),
            (r#", "use": "enc""#, false),
            (r#", "alg": "RS512""#, false),
            (r#", "alg": "RSA-OAEP""#, false),
            (r#", "alg": "HS256""#, false),
            (r#", "key_ops": ["encrypt"]"#, false),
            (r#", "key_ops": "verify""#, false),
        ] {
            let set = set(&format!("{{{RSA}, \"kid\": \"a\"{more}}}"));
            assert_eq!(set.candidates(Some("a"), Algorithm::Rs256).count() == 1, usable, "{more}");
        }
    }

    #[test]
    fn a_key_serves_the_algorithms_of_its_kind_only() {
        let set = set(&format!(r#"{{{RSA}}}, {{"kty": "oct", "k": "AAAA", "alg": "HS256"}}"#));
        assert_eq!(set.keys.len(), 1);
        for (algorithm, fits) in [(Algorithm::Rs256, 1), (Algorithm::Ps512, 1), (Algorithm::Es256, 0), (Algorithm::EdDsa, 0)] {
            assert_eq!(set.candidates(None, algorithm).count(), fits);
        }
        assert_eq!(set.keys[0].material, Material::Rsa { n: vec![1, 2], e: vec![1, 0, 1] });
    }

    #[test]
    fn keys_that_cannot_be_used_do_not_spoil_the_others() {
        let bad = r#"1, {}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": "RSA"}"#;
        assert_eq!(set(&format!("{bad}, {{{RSA}}}")).keys.len(), 1);
    }

    #[test]
    fn what_is_no_key_set_or_too_large_a_one_is_refused() {
        for body in ["", "[]", "{}", r#"{"keys": {}}"#] {
            assert!(KeySet::read(body.as_bytes()).is_err());
        }
        let many = |count| format!(r#"{{"keys": [{}]}}"#, vec!["1"; count].join(","));
        assert!(KeySet::read(many(100).as_bytes()).is_ok() && KeySet::read(many(101).as_bytes()).is_err());
    }
}
