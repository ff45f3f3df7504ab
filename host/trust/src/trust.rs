//! The ports of core, on the rooms of this crate.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use portcullis_core::jwt::{Expectation, JwtError, Keys, RingAlgorithm, Verified};
use portcullis_core::keyring::KeyRing;
use portcullis_core::ports::{BoxFuture, Discovery, DiscoveryError, Document, Egress, Tokens};

use crate::clock::{Clock, SystemClock};
use crate::discovery::Documents;
use crate::egress::{Client, Courier, Resolver, SystemResolver};
use crate::jwt::{self, Verifier};
use crate::keys::{KeySets, Ring};

/// What the host knows of other parties.
pub struct Trust {
    courier: Courier,
    documents: Arc<Documents>,
    sets: KeySets,
    rings: HashMap<String, Ring>,
    clock: Arc<dyn Clock>,
}

/// What [`Trust::new`] needs to know.
#[derive(Clone)]
pub struct TrustOptions {
    /// Key rings by name, and how each signs.
    pub rings: Vec<(String, RingAlgorithm)>,
    /// The operator's master keys; rings need them.
    pub keys: Option<KeyRing>,
    /// Certificate authorities that are trusted beside the system's: PEM.
    pub authorities: Option<String>,
    /// Looks names up.
    pub resolver: Arc<dyn Resolver>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Default for TrustOptions {
    fn default() -> Self {
        Self {
            rings: Vec::new(),
            keys: None,
            authorities: None,
            resolver: Arc::new(SystemResolver),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// Why there is no [`Trust`].
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No HTTPS, e.g. because of the certificate authorities.
    #[error("outgoing HTTPS cannot be set up: {0}")]
    Client(String),
    /// A ring has nothing to derive keys from.
    #[error("the key ring `{0}` needs a master key; make one with `openssl rand -base64 32`")]
    NoKeys(String),
    /// Two rings of one name.
    #[error("two key rings have the name `{0}`; give each its own")]
    Twice(String),
    /// No key came of a master key; another one will do.
    #[error("no key can be derived for the key ring `{0}`; put another master key first")]
    Derivation(String),
}

impl Trust {
    /// Derives the rings' keys. Fetches nothing yet. Its futures need a tokio runtime with I/O and time; tasks that fetch end by themselves within
    /// 10 s.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn new(options: TrustOptions) -> Result<Arc<Self>, TrustError> {
        let rings = rings(&options)?;
        let client = Client::new(&options.resolver, options.authorities.as_deref());
        let client = Arc::new(client.map_err(|error| TrustError::Client(error.to_string()))?);
        let clock = options.clock;
        let documents = Arc::new(Documents::new(Arc::clone(&client), Arc::clone(&clock)));
        let sets = KeySets::new(Arc::clone(&client), Arc::clone(&documents), Arc::clone(&clock));
        let courier = Courier::new(client, Arc::clone(&clock));
        Ok(Arc::new(Self { courier, documents, sets, rings, clock }))
    }

    fn ring(&self, name: &str) -> Result<&Ring, JwtError> {
        self.rings.get(name).ok_or_else(|| jwt::no_ring(name))
    }
}

fn rings(options: &TrustOptions) -> Result<HashMap<String, Ring>, TrustError> {
    let mut rings = HashMap::new();
    for (name, algorithm) in &options.rings {
        let keys = options.keys.as_ref().ok_or_else(|| TrustError::NoKeys(name.clone()))?;
        let ring = Ring::derive(name, *algorithm, keys).ok_or_else(|| TrustError::Derivation(name.clone()))?;
        if rings.insert(name.clone(), ring).is_some() {
            return Err(TrustError::Twice(name.clone()));
        }
    }
    Ok(rings)
}

impl Egress for Trust {
    fn send(&self, request: EgressRequest) -> BoxFuture<'_, Result<EgressReply, EgressError>> {
        Box::pin(self.courier.send(request))
    }
}

impl Discovery for Trust {
    fn fetch<'a>(&'a self, issuer: &'a str, private: bool) -> BoxFuture<'a, Result<Document, DiscoveryError>> {
        Box::pin(self.documents.document(issuer, private))
    }
}

impl Tokens for Trust {
    fn verify<'a>(
        &'a self,
        token: &'a str,
        keys: &'a Keys,
        expected: &'a Expectation,
        private: bool,
    ) -> BoxFuture<'a, Result<Verified, JwtError>> {
        let verifier = Verifier { sets: &self.sets, rings: &self.rings, clock: self.clock.as_ref() };
        Box::pin(jwt::verify(verifier, token, keys, expected, private))
    }

    fn sign(&self, ring: &str, typ: &str, claims: &str) -> Result<String, JwtError> {
        jwt::sign(self.ring(ring)?, typ, claims)
    }

    fn public_keys(&self, ring: &str) -> Result<String, JwtError> {
        self.ring(ring).map(Ring::public_keys)
    }
}
