//! Key sets of other parties, in a cache of their own: a document that says where keys are lives longer than the keys do.

use std::sync::Arc;

use portcullis_core::jwt::{JwtCode, JwtError};
use tokio::time::timeout;

use super::KeySet;
use crate::cache::{Cache, Failure, Fetched, Key, Missing, WAIT_MAX, lifetime, slow};
use crate::clock::Clock;
use crate::discovery::{Documents, check_url, get, invalid};
use crate::egress::Client;
use crate::jwt::error;

/// Whose keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Those that the issuer's document names.
    Issuer(&'a str),
    /// Those at this URL.
    Url(&'a str),
}

/// Key sets by issuer and place.
pub(crate) struct KeySets {
    cache: Cache<KeySet>,
    client: Arc<Client>,
    documents: Arc<Documents>,
}

impl KeySets {
    pub(crate) fn new(client: Arc<Client>, documents: Arc<Documents>, clock: Arc<dyn Clock>) -> Self {
        Self { cache: Cache::new(clock), client, documents }
    }

    /// The keys, from the cache if there is any copy; else within the time that a request waits for document and keys together (2 s).
    pub(crate) async fn get(&self, source: Source<'_>, private: bool) -> Result<Arc<KeySet>, JwtError> {
        let whole = async { self.kept(&self.place(source, private).await?).await };
        timeout(WAIT_MAX, whole).await.unwrap_or_else(|_| Err(unavailable(slow())))
    }

    /// Fetches the keys again, and then the document that says where they are, until a set is good. Each at most once in 30 s per issuer, and no
    /// longer than a request waits for anything (2 s).
    pub(crate) async fn renew(&self, source: Source<'_>, private: bool, good: impl Fn(&KeySet) -> bool) -> bool {
        let whole = async {
            let Ok(place) = self.place(source, private).await else { return false };
            if self.cache.renew(&place, || load(Arc::clone(&self.client), place.clone())).await
                && self.is_good(&place, &good).await
            {
                return true;
            }
            let Source::Issuer(issuer) = source else { return false };
            if !self.documents.renew(issuer, private).await {
                return false;
            }
            match self.place(source, private).await {
                Ok(moved) if moved != place => self.is_good(&moved, &good).await,
                _ => false,
            }
        };
        timeout(WAIT_MAX, whole).await.unwrap_or(false)
    }

    async fn is_good(&self, place: &Key, good: impl Fn(&KeySet) -> bool) -> bool {
        self.kept(place).await.is_ok_and(|set| good(&set))
    }

    async fn kept(&self, place: &Key) -> Result<Arc<KeySet>, JwtError> {
        let found = self.cache.get(place, || load(Arc::clone(&self.client), place.clone())).await;
        found.map(|found| found.value).map_err(unavailable)
    }

    async fn place(&self, source: Source<'_>, private: bool) -> Result<Key, JwtError> {
        let (issuer, url) = match source {
            Source::Url(url) => (String::new(), url.to_owned()),
            Source::Issuer(issuer) => {
                let document = self.documents.metadata(issuer, private).await.map_err(unavailable)?;
                let none = "the issuer's document names no https `jwks_uri`";
                (issuer.to_owned(), document.value.jwks_uri.clone().ok_or_else(|| error(JwtCode::Unavailable, none))?)
            }
        };
        check_url(&url, private).map_err(|reason| error(JwtCode::Unavailable, &format!("no keys: {reason}")))?;
        Ok(Key { issuer, url, private })
    }
}

async fn load(client: Arc<Client>, place: Key) -> Result<Fetched<KeySet>, Failure> {
    let fetch = async {
        let reply = get(&client, &place.url, place.private).await?;
        let value = KeySet::read(&reply.body).map_err(|reason| invalid(format!("{} {reason}", place.url)))?;
        Ok(Fetched { value, lifetime: lifetime(&reply.headers) })
    };
    let outcome: Result<_, Failure> = fetch.await;
    if let Err(failure) = &outcome {
        tracing::warn!(url = place.url, issuer = place.issuer, reason = failure.reason, "the keys could not be fetched");
    }
    outcome
}

fn unavailable(missing: Missing) -> JwtError {
    let message = format!("the keys cannot be had: {}", missing.failure.reason);
    JwtError { code: JwtCode::Unavailable, message, retry_after: Some(missing.retry_after) }
}
