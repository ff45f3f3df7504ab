//! This host's own key rings: keys derived from the operator's master keys, so that there is nothing else to store, and every replica has the same.
//! The first master key signs; a token of any verifies until that key is taken out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use portcullis_core::jwt::{JwtCode, JwtError, RingAlgorithm};
use portcullis_core::keyring::{KeyRing, MasterKey};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::jwt::error;

/// A ring of keys for one algorithm.
pub(crate) struct Ring {
    algorithm: RingAlgorithm,
    first: RingKey,
    others: Vec<RingKey>,
}

/// A key of a ring.
pub(crate) struct RingKey {
    id: String,
    pair: Pair,
}

enum Pair {
    Hs256(hmac::Key),
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl Ring {
    /// Derives a ring's keys. `None`: a derivation gave no key, which has a probability of about 2⁻⁵¹².
    pub(crate) fn derive(name: &str, algorithm: RingAlgorithm, masters: &KeyRing) -> Option<Self> {
        let key = |master| RingKey::derive(name, algorithm, master);
        let others = masters.iter().skip(1).map(key).collect::<Option<_>>()?;
        Some(Self { algorithm, first: key(masters.active())?, others })
    }

    /// The key that signs.
    pub(crate) fn first(&self) -> &RingKey {
        &self.first
    }

    /// The only `alg` of its tokens.
    pub(crate) fn algorithm_name(&self) -> &'static str {
        name(self.algorithm)
    }

    /// Checks a signature with the key of this id, or with every key if a token names none.
    pub(crate) fn verify(&self, id: Option<&str>, signed: &[u8], signature: &[u8]) -> Result<(), JwtError> {
        let keys = std::iter::once(&self.first).chain(&self.others);
        let mut named = keys.filter(|key| id.is_none_or(|id| id == key.id)).peekable();
        if named.peek().is_none() {
            return Err(error(JwtCode::UnknownKey, "no key of the ring has the token's `kid`"));
        }
        if named.any(|key| key.verify(signed, signature)) {
            return Ok(());
        }
        Err(error(JwtCode::Signature, "the signature is not the ring's"))
    }

    /// The public keys as a JWK Set; of an HMAC ring there are none.
    pub(crate) fn public_keys(&self) -> String {
        let keys: Vec<Value> = std::iter::once(&self.first).chain(&self.others).filter_map(RingKey::public).collect();
        json!({ "keys": keys }).to_string()
    }
}

impl RingKey {
    fn derive(ring: &str, algorithm: RingAlgorithm, master: &MasterKey) -> Option<Self> {
        let label = format!("jwt/{ring}/{}", name(algorithm));
        let pair = match algorithm {
            RingAlgorithm::Hs256 => Pair::Hs256(hmac::Key::new(hmac::HMAC_SHA256, &*master.derive(&label))),
            RingAlgorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_seed_unchecked(&*master.derive(&label)).ok()?),
            RingAlgorithm::Es256 => Pair::Es256(es256(&label, master)?),
        };
        Some(Self { id: id(ring, master.id()), pair })
    }

    /// Its `kid`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// `None`: the system has no randomness, which ECDSA needs.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(match &self.pair {
            Pair::Hs256(key) => hmac::sign(key, message).as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec(),
        })
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.pair {
            Pair::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
            Pair::EdDsa(pair) => UnparsedPublicKey::new(&ED25519, pair.public_key()).verify(message, signature).is_ok(),
            Pair::Es256(pair) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key()).verify(message, signature).is_ok()
            }
        }
    }

    fn public(&self) -> Option<Value> {
        match &self.pair {
            Pair::Hs256(_) => None,
            Pair::EdDsa(pair) => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key());
                Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id, "use": "sig", "alg": "EdDSA" }))
            }
            Pair::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                Some(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.id, "use": "sig", "alg": "ES256" }))
            }
        }
    }
}

/// A private key is a number from 1 to the group's order less 1; of 32 bytes, all but one in 2³² are. The next label gives the next try.
fn es256(label: &str, master: &MasterKey) -> Option<EcdsaKeyPair> {
    let labels = std::iter::once(label.to_owned()).chain((1..16).map(|attempt| format!("{label}/{attempt}")));
    let secret = labels.map(|label| master.derive(&label)).find_map(|bytes| p256::SecretKey::from_slice(&*bytes).ok())?;
    let public = secret.public_key().to_encoded_point(false);
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &secret.to_bytes(), public.as_bytes(), &SystemRandom::new()).ok()
}

/// A `kid`: tells keys apart and tells nothing else.
fn id(ring: &str, master: &str) -> String {
    let digest = Sha256::digest(format!("portcullis/kid/{}/{ring}/{master}", ring.len()));
    URL_SAFE_NO_PAD.encode(digest.get(..9).unwrap_or_default())
}

fn name(algorithm: RingAlgorithm) -> &'static str {
    match algorithm {
        RingAlgorithm::Hs256 => "HS256",
        RingAlgorithm::EdDsa => "EdDSA",
        RingAlgorithm::Es256 => "ES256",
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::jwt::{JwtCode, RingAlgorithm};
    use portcullis_core::keyring::KeyRing;
    use portcullis_core::secret::Secret;

    use super::Ring;
    use crate::jwt::Algorithm;
    use crate::keys::KeySet;

    const ALL: [RingAlgorithm; 3] = [RingAlgorithm::Hs256, RingAlgorithm::EdDsa, RingAlgorithm::Es256];

    fn masters(ids: &[&str]) -> KeyRing {
        KeyRing::new(ids.iter().map(|id| ((*id).to_owned(), Secret::new(format!("{id}{}", "x".repeat(40))))).collect()).unwrap()
    }

    fn ring(name: &str, algorithm: RingAlgorithm, ids: &[&str]) -> Ring {
        Ring::derive(name, algorithm, &masters(ids)).unwrap()
    }

    #[test]
    fn every_replica_derives_the_same_keys_and_a_new_first_key_leaves_old_tokens_good() {
        for algorithm in ALL {
            let (old, replica, rotated) =
                (ring("a", algorithm, &["1"]), ring("a", algorithm, &["1"]), ring("a", algorithm, &["2", "1"]));
            let signature = old.first().sign(b"m").unwrap();
            for verifier in [&replica, &rotated] {
                assert!(verifier.verify(Some(old.first().id()), b"m", &signature).is_ok());
                assert!(verifier.verify(None, b"m", &signature).is_ok());
                assert_eq!(verifier.verify(None, b"n", &signature).unwrap_err().code, JwtCode::Signature);
            }
            let gone = ring("a", algorithm, &["2"]);
            assert_eq!(gone.verify(Some(old.first().id()), b"m", &signature).unwrap_err().code, JwtCode::UnknownKey);
            assert_eq!(gone.verify(None, b"m", &signature).unwrap_err().code, JwtCode::Signature);
        }
    }

    #[test]
    fn rings_do_not_know_each_others_tokens_under_any_key_id() {
        for algorithm in ALL {
            let (mine, other) = (ring("mine", algorithm, &["1"]), ring("other", algorithm, &["1"]));
            let signature = mine.first().sign(b"m").unwrap();
            assert_ne!(mine.first().id(), other.first().id());
            assert!(other.verify(Some(other.first().id()), b"m", &signature).is_err());
        }
    }

    #[test]
    fn others_verify_with_the_public_keys_and_an_hmac_ring_has_none() {
        for (algorithm, own) in [(RingAlgorithm::EdDsa, Algorithm::EdDsa), (RingAlgorithm::Es256, Algorithm::Es256)] {
            let ring = ring("a", algorithm, &["2", "1"]);
            let (set, signature) = (KeySet::read(ring.public_keys().as_bytes()).unwrap(), ring.first().sign(b"m").unwrap());
            let keys: Vec<_> = set.candidates(Some(ring.first().id()), own).collect();
            assert_eq!((keys.len(), set.candidates(None, own).count()), (1, 2));
            assert!(own.verify(keys[0], b"m", &signature) && !own.verify(keys[0], b"n", &signature));
            assert!(!ring.public_keys().contains("\"d\""));
        }
        assert_eq!(ring("a", RingAlgorithm::Hs256, &["1"]).public_keys(), r#"{"keys":[]}"#);
    }
}
