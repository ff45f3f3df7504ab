//! An issuer that signs with keys of its own, for tests: what a stranger's authorization server would send.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::jwt::{Expectation, Keys};
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use crate::world::{NOW, Reply, Server};

/// A key that protects nothing.
pub(crate) const RSA: &[u8] = include_bytes!("fixtures/rsa.pk8");

/// A private key.
pub(crate) enum Key {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(RSA).unwrap()))
    }

    pub(crate) fn p256() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap())
    }

    pub(crate) fn p384() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P384_SHA384_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::P384(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    pub(crate) fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = |curve, pair: &EcdsaKeyPair| {
            let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y), "kid": id })
        };
        match self {
            Self::Rsa(pair) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e), "kid": id })
            }
            Self::P256(pair) => point("P-256", pair),
            Self::P384(pair) => point("P-384", pair),
            Self::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()), "kid": id }),
        }
    }

    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa: &dyn signature::RsaEncoding = match algorithm {
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            "PS256" => &signature::RSA_PSS_SHA256,
            "PS384" => &signature::RSA_PSS_SHA384,
            "PS512" => &signature::RSA_PSS_SHA512,
            _ => &signature::RSA_PKCS1_SHA256,
        };
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(rsa, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(pair) | Self::P384(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token of this header and these claims, signed as the header's `alg` says.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(header["alg"].as_str().unwrap(), signed.as_bytes())))
    }
}

/// The part of a token that is signed.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// An issuer on this machine: a document and a key set that tests exchange.
pub(crate) struct Issuer {
    pub(crate) server: Server,
    keys: Arc<Mutex<Vec<Value>>>,
}

impl Issuer {
    pub(crate) async fn start(keys: Vec<Value>) -> Self {
        let issuer = Self { server: Server::start(|_| Reply::Status(404)).await, keys: Arc::new(Mutex::new(keys)) };
        issuer.recover("/keys");
        issuer
    }

    pub(crate) fn url(&self) -> String {
        self.server.url("")
    }

    pub(crate) fn of(&self) -> Keys {
        Keys::Issuer(self.url())
    }

    pub(crate) fn publish(&self, keys: Vec<Value>) {
        *self.keys.lock().unwrap() = keys;
    }

    /// Answers, with its keys at this path.
    pub(crate) fn recover(&self, path: &'static str) {
        let (url, keys) = (self.url(), Arc::clone(&self.keys));
        self.server.now(move |asked| match asked {
            "/.well-known/openid-configuration" => {
                Reply::Json(json!({ "issuer": url, "jwks_uri": format!("{url}{path}") }).to_string())
            }
            asked if asked == path => Reply::Json(json!({ "keys": *keys.lock().unwrap() }).to_string()),
            _ => Reply::Status(404),
        });
    }

    pub(crate) fn claims(&self) -> Value {
        json!({ "iss": self.url(), "exp": NOW + 7 * 24 * 3600, "sub": "alice" })
    }

    pub(crate) fn expected(&self, algorithms: &[&str]) -> Expectation {
        expected(algorithms, Some(self.url()))
    }
}

pub(crate) fn expected(algorithms: &[&str], issuer: Option<String>) -> Expectation {
    Expectation {
        algorithms: algorithms.iter().map(|&one| one.to_owned()).collect(),
        types: Vec::new(),
        issuer,
        leeway: Duration::from_secs(60),
    }
}
