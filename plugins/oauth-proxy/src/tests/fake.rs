//! A host of memory: a store with versions and times, tokens that are signed with a word, a clock that tests turn, documents by URL.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_plugin::auth::discovery::{self, Document};
use portcullis_plugin::auth::http::{HttpError, Reply, Request};
use portcullis_plugin::auth::jwt::{self, Expectation, Keys, Verified};
use portcullis_plugin::auth::keyvalue::{self, Entry};
use portcullis_plugin::auth::{Clock, Discovery, Http, Jwt, KeyValue, Random, Secrets};
use serde_json::{Value, json};

use super::provider::Provider;
use crate::port::Host;

pub(crate) const NOW: u64 = 1_800_000_000;

/// What happens elsewhere, at a replica.
type Elsewhere = Box<dyn FnOnce(&Fake)>;

struct Stored {
    value: Vec<u8>,
    version: u64,
    ends: u64,
}

pub(crate) struct Fake {
    pub(crate) clock: Cell<u64>,
    /// With which rings sign.
    pub(crate) algorithm: Cell<&'static str>,
    counter: Cell<u64>,
    stored: RefCell<BTreeMap<String, Stored>>,
    pub(crate) revoked: RefCell<Vec<String>>,
    /// Whether revocations can be noted.
    pub(crate) revokes: Cell<bool>,
    pub(crate) provider: RefCell<Provider>,
    /// Client documents, by URL.
    pub(crate) documents: RefCell<BTreeMap<String, Result<Reply, HttpError>>>,
    pub(crate) fetched: RefCell<Vec<String>>,
    /// Runs once, before the next conditional write of a key with this beginning: what another replica does just then.
    pub(crate) meanwhile: RefCell<Option<(&'static str, Elsewhere)>>,
    /// Runs once, while the provider answers.
    pub(crate) answering: RefCell<Option<Elsewhere>>,
    /// Runs at each pause.
    pub(crate) paused: RefCell<Vec<Elsewhere>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            clock: Cell::new(NOW),
            algorithm: Cell::new("EdDSA"),
            counter: Cell::new(0),
            stored: RefCell::default(),
            revoked: RefCell::default(),
            revokes: Cell::new(true),
            provider: RefCell::default(),
            documents: RefCell::default(),
            fetched: RefCell::default(),
            meanwhile: RefCell::new(None),
            answering: RefCell::new(None),
            paused: RefCell::default(),
        }
    }
}

impl Fake {
    /// Everything that is stored: keys, and values as text.
    pub(crate) fn dump(&self) -> Vec<(String, String)> {
        let now = self.clock.get();
        let all = self.stored.borrow();
        let live = all.iter().filter(|(_, one)| one.ends > now);
        live.map(|(key, one)| (key.clone(), String::from_utf8_lossy(&one.value).into_owned())).collect()
    }

    pub(crate) fn has(&self, kind: &str) -> usize {
        self.dump().iter().filter(|(key, _)| key.starts_with(&format!("{kind}/"))).count()
    }

    fn happen(&self, key: &str) {
        let meanwhile = self.meanwhile.borrow_mut().take_if(|(beginning, _)| key.starts_with(*beginning));
        if let Some((_, meanwhile)) = meanwhile {
            meanwhile(self);
        }
    }

    fn next(&self) -> u64 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    fn write(&self, key: &str, value: &[u8], ttl: Option<Duration>) {
        assert!((1..=512).contains(&key.len()) && value.len() <= 65_536, "the host would refuse {key}");
        let ttl = ttl.expect("everything ends").as_secs();
        assert!(ttl > 0, "{key} would be gone at once");
        let stored = Stored { value: value.to_vec(), version: self.next(), ends: self.clock.get() + ttl };
        self.stored.borrow_mut().insert(key.to_owned(), stored);
    }

    fn version(&self, key: &str) -> Option<u64> {
        let all = self.stored.borrow();
        all.get(key).filter(|one| one.ends > self.clock.get()).map(|one| one.version)
    }
}

impl KeyValue for Fake {
    fn get(&self, key: &str) -> Result<Option<Entry>, keyvalue::Problem> {
        let all = self.stored.borrow();
        let live = all.get(key).filter(|one| one.ends > self.clock.get());
        Ok(live.map(|one| Entry { value: one.value.clone(), version: one.version }))
    }

    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), keyvalue::Problem> {
        self.write(key, value, ttl);
        Ok(())
    }

    fn set_if_absent(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, keyvalue::Problem> {
        self.happen(key);
        let absent = self.version(key).is_none();
        if absent {
            self.write(key, value, ttl);
        }
        Ok(absent)
    }

    fn compare_and_swap(&self, key: &str, version: u64, value: &[u8], ttl: Option<Duration>) -> Result<bool, keyvalue::Problem> {
        self.happen(key);
        let same = self.version(key) == Some(version);
        if same {
            self.write(key, value, ttl);
        }
        Ok(same)
    }

    fn take(&self, key: &str) -> Result<Option<Entry>, keyvalue::Problem> {
        let found = self.get(key)?;
        self.stored.borrow_mut().remove(key);
        Ok(found)
    }

    fn delete(&self, key: &str) -> Result<bool, keyvalue::Problem> {
        Ok(self.stored.borrow_mut().remove(key).is_some())
    }

    fn revoke(&self, grant: &str) -> Result<(), keyvalue::Problem> {
        if !self.revokes.get() {
            return Err(keyvalue::Problem { code: "quota".to_owned(), message: "full".to_owned() });
        }
        self.revoked.borrow_mut().push(grant.to_owned());
        Ok(())
    }
}

/// A token of these keys: signed with their name.
pub(crate) fn signed(header: &Value, claims: &Value, by: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(by))
}

impl Jwt for Fake {
    fn verify(&self, token: &str, keys: &Keys, expected: &Expectation) -> Result<Verified, jwt::Problem> {
        let fail = |code: &str| Err(jwt::Problem { code: code.to_owned(), message: "scripted".to_owned(), retry_after_ms: None });
        let parts: Option<Vec<Vec<u8>>> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok()).collect();
        let Some([header, claims, by]) = parts.as_deref() else { return fail("malformed") };
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let (head, body) = (read(header), read(claims));
        let owner = match keys {
            Keys::Issuer(issuer) | Keys::KeySet(issuer) => issuer.clone(),
            Keys::Ring(ring) => format!("ring {ring}"),
        };
        if self.provider.borrow().keys_away && matches!(keys, Keys::Issuer(_)) {
            return fail("unavailable");
        }
        let typ = head["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
        match () {
            () if !expected.algorithms.iter().any(|one| head["alg"] == *one) => fail("algorithm"),
            () if !expected.types.is_empty() && !expected.types.contains(&typ) => fail("type"),
            () if *by != owner.into_bytes() => fail("signature"),
            () if body["exp"].as_u64().unwrap() + u64::from(expected.leeway_s) <= self.clock.get() => fail("expired"),
            () if expected.issuer.as_ref().is_some_and(|issuer| body["iss"] != *issuer) => fail("issuer"),
            () => Ok(Verified { header: head.to_string(), claims: body.to_string() }),
        }
    }

    fn sign(&self, ring: &str, typ: &str, claims: &str) -> Result<String, jwt::Problem> {
        let header = json!({"alg": self.algorithm.get(), "kid": "k1", "typ": typ});
        Ok(signed(&header, &serde_json::from_str(claims).unwrap(), &format!("ring {ring}")))
    }

    fn public_keys(&self, ring: &str) -> Result<String, jwt::Problem> {
        if ring == "absent" {
            return Err(jwt::Problem { code: "denied".to_owned(), message: "not granted".to_owned(), retry_after_ms: None });
        }
        let keys: Vec<Value> = if self.algorithm.get() == "HS256" { vec![] } else { vec![json!({"kid": ring})] };
        Ok(json!({"keys": keys}).to_string())
    }
}

impl Discovery for Fake {
    fn discover(&self, issuer: &str) -> Result<Document, discovery::Problem> {
        let provider = self.provider.borrow();
        match &provider.document {
            Some(document) => Ok(Document { body: document.to_string(), stale: false }),
            None => Err(discovery::Problem { code: "unavailable".to_owned(), message: issuer.to_owned(), retry_after_ms: None }),
        }
    }
}

impl Http for Fake {
    fn send(&self, request: Request) -> Result<Reply, HttpError> {
        self.fetched.borrow_mut().push(request.url.clone());
        let answering = self.answering.borrow_mut().take();
        if let Some(answering) = answering {
            answering(self);
        }
        match request.method.as_str() {
            "POST" => self.provider.borrow_mut().answer(&request, self.clock.get()),
            _ => self
                .documents
                .borrow()
                .get(&request.url)
                .cloned()
                .unwrap_or_else(|| Err(HttpError::Unavailable("gone".to_owned()))),
        }
    }
}

impl Secrets for Fake {
    fn secret(&self, name: &str) -> Option<String> {
        match name {
            "known" => Some("sixteen-bytes-or-more".to_owned()),
            "operator" => Some("another-secret-of-the-operator".to_owned()),
            "short" => Some("fifteen-bytes-x".to_owned()),
            "brief" => Some("fifteen-bytes-y".to_owned()),
            _ => None,
        }
    }
}

impl Clock for Fake {
    fn now(&self) -> u64 {
        self.clock.get()
    }
}

impl Random for Fake {
    /// Different each time, and of the same length as the host's.
    fn random(&self, bytes: usize) -> Vec<u8> {
        use sha2::Digest as _;
        let hash = sha2::Sha256::digest(self.next().to_be_bytes());
        hash.iter().copied().take(bytes).collect()
    }
}

impl Host for Fake {
    fn pause(&self, milliseconds: u64) {
        assert!(milliseconds > 0);
        let next = self.paused.borrow_mut().pop();
        if let Some(next) = next {
            next(self);
        }
    }
}
