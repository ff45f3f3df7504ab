//! Random values, their hashes, and PKCE. Everything random is 256 bits of the host's generator; what is kept of it is a SHA-256 or nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::port::Call;

/// Bytes of a secret.
const BYTES: usize = 32;

/// As in a URL (RFC 4648 §5, without padding).
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes; `None` if it is not such a text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A secret: 43 characters.
pub(crate) fn secret(call: Call<'_>) -> String {
    encode(&call.host.random(BYTES))
}

/// A name that cannot be guessed and tells nothing: 22 characters.
pub(crate) fn name(call: Call<'_>) -> String {
    encode(&call.host.random(16))
}

/// SHA-256, 43 characters.
pub(crate) fn digest(text: &str) -> String {
    encode(&Sha256::digest(text))
}

/// One of so many numbers, always the same for a text.
pub(crate) fn bucket(text: &str, of: u16) -> u16 {
    let number = Sha256::digest(text).iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    u16::try_from(number.checked_rem(of.into()).unwrap_or_default()).unwrap_or_default()
}

/// Whether the texts are the same, in a time that tells nothing: their hashes are compared.
pub(crate) fn same(one: &str, other: &str) -> bool {
    digest(one) == digest(other)
}

/// HMAC-SHA-256 (RFC 2104). Keys of any length fit.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    Some(keyed(key, parts)?.finalize().into_bytes().to_vec())
}

/// Whether it is that MAC, in constant time.
pub(crate) fn mac_fits(key: &[u8], parts: &[&[u8]], expected: &[u8]) -> bool {
    keyed(key, parts).is_some_and(|mac| mac.verify_slice(expected).is_ok())
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

/// Whether a text is an S256 challenge (RFC 7636 §4.2): the base64url of 32 bytes.
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && decode(text).is_some_and(|bytes| bytes.len() == BYTES)
}

/// Whether the verifier is of the grammar (RFC 7636 §4.1) and belongs to the challenge.
pub(crate) fn verifies(verifier: &str, challenge: &str) -> bool {
    let grammar = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len()) && verifier.bytes().all(grammar) && same(&digest(verifier), challenge)
}

#[cfg(test)]
mod tests {
    use super::{is_challenge, mac, mac_fits, verifies};

    #[test]
    fn the_example_of_rfc_7636_appendix_b_verifies() {
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge) && verifies(verifier, challenge));
        assert!(!verifies(&verifier.replace('d', "e"), challenge));
        // Plain PKCE: the verifier is the challenge.
        assert!(!verifies(challenge, challenge));
    }

    #[test]
    fn short_long_and_strange_verifiers_and_challenges_are_refused() {
        for challenge in ["", "abc", &"a".repeat(42), &"a".repeat(44), &"*".repeat(43)] {
            assert!(!is_challenge(challenge), "{challenge}");
        }
        let short = "a".repeat(42);
        assert!(!verifies(&short, &super::digest(&short)));
        let long = "a".repeat(129);
        assert!(!verifies(&long, &super::digest(&long)));
    }

    #[test]
    fn a_mac_is_of_its_key_and_parts() {
        let tag = mac(b"key", &[b"a", b"b"]).unwrap_or_default();
        assert!(mac_fits(b"key", &[b"ab"], &tag) && !mac_fits(b"other", &[b"ab"], &tag) && !mac_fits(b"key", &[b"ab"], b""));
    }
}
