//! Discovery documents (OpenID Connect Discovery 1.0 §4, RFC 8414 §3) through the cache. Where they are is in `discovery/location.rs`, what makes
//! one valid in `discovery/document.rs`.

mod document;
mod location;

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use portcullis_core::ports::{DiscoveryError, Document};
use tokio::time::timeout;

use crate::cache::{Cache, Failure, Fetched, Found, Key, Kind, Missing, lifetime};
use crate::clock::Clock;
use crate::egress::Client;
pub(crate) use document::Metadata;
pub(crate) use location::check_url;

/// Largest document or key set in bytes (256 KiB): real ones have 2 to 20 KiB.
pub(crate) const DOCUMENT_MAX: usize = 256 << 10;

/// Longest time for one request (5 s); nobody waits for it any longer than the cache lets them.
const REQUEST: Duration = Duration::from_secs(5);

/// Longest time for all places where a document may be (10 s).
const ALL: Duration = Duration::from_secs(10);

/// Documents by issuer.
pub(crate) struct Documents {
    cache: Cache<Metadata>,
    client: Arc<Client>,
}

impl Documents {
    pub(crate) fn new(client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        Self { cache: Cache::new(clock), client }
    }

    /// The document in the words of the port.
    pub(crate) async fn document(&self, issuer: &str, private: bool) -> Result<Document, DiscoveryError> {
        let found = self.metadata(issuer, private).await.map_err(|missing| error(issuer, missing))?;
        Ok(Document { body: Arc::clone(&found.value.body), stale: found.stale })
    }

    /// The document.
    pub(crate) async fn metadata(&self, issuer: &str, private: bool) -> Result<Found<Metadata>, Missing> {
        let (key, urls) = place(issuer, private)?;
        self.cache.get(&key, || load(Arc::clone(&self.client), key.issuer.clone(), urls, private)).await
    }

    /// Fetches it again because what it led to lacks something; see [`Cache::renew`].
    pub(crate) async fn renew(&self, issuer: &str, private: bool) -> bool {
        let Ok((key, urls)) = place(issuer, private) else { return false };
        self.cache.renew(&key, || load(Arc::clone(&self.client), key.issuer.clone(), urls, private)).await
    }
}

/// An issuer that no URL can be made of is refused before it takes a place in the cache.
fn place(issuer: &str, private: bool) -> Result<(Key, Vec<String>), Missing> {
    let refuse = |reason: &str| Missing {
        failure: Failure { kind: Kind::Invalid, reason: reason.to_owned() },
        retry_after: Duration::from_secs(60),
    };
    let urls = location::of(issuer, private).map_err(refuse)?;
    let url = urls.first().cloned().unwrap_or_default();
    Ok((Key { issuer: issuer.to_owned(), url, private }, urls))
}

async fn load(client: Arc<Client>, issuer: String, urls: Vec<String>, private: bool) -> Result<Fetched<Metadata>, Failure> {
    let all = async {
        let mut worst: Option<Failure> = None;
        for url in &urls {
            match read(&client, &issuer, url, private).await {
                Ok(fetched) => return Ok(fetched),
                // Who does not answer here does not answer there: one probe at a time goes to a server that is down.
                Err(failure) if failure.kind == Kind::Silent => return Err(failure),
                Err(failure) => worst = Some(worse(worst, failure)),
            }
        }
        Err(worst.unwrap_or_else(|| invalid("nowhere to look".to_owned())))
    };
    let outcome = timeout(ALL, all).await.unwrap_or_else(|_| Err(silent(format!("no answer within {} s", ALL.as_secs()))));
    if let Err(failure) = &outcome {
        tracing::warn!(issuer, reason = failure.reason, "the issuer's discovery document could not be fetched");
    }
    outcome
}

/// Of two failures the one to tell: that waiting helps, or else what is wrong at the first place.
fn worse(before: Option<Failure>, now: Failure) -> Failure {
    match before {
        Some(before) if before.kind == Kind::Unavailable || now.kind == Kind::Invalid => before,
        _ => now,
    }
}

async fn read(client: &Client, issuer: &str, url: &str, private: bool) -> Result<Fetched<Metadata>, Failure> {
    let reply = get(client, url, private).await?;
    let value = Metadata::read(issuer, &reply.body, private).map_err(|reason| invalid(format!("{url} {reason}")))?;
    Ok(Fetched { value, lifetime: lifetime(&reply.headers) })
}

/// Fetches JSON of another party; an answer other than 200 is a failure.
pub(crate) async fn get(client: &Client, url: &str, private: bool) -> Result<EgressReply, Failure> {
    let request = EgressRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
        authorization: None,
        private,
        within: REQUEST,
        max_reply: DOCUMENT_MAX,
    };
    match client.send(request).await {
        Ok(reply) if reply.status == 200 => Ok(reply),
        Ok(reply) if reply.status >= 500 || reply.status == 429 => Err(unavailable(format!("{url} answers {}", reply.status))),
        Ok(reply) if (300..400).contains(&reply.status) => {
            Err(invalid(format!("{url} answers {}, and redirects are not followed", reply.status)))
        }
        Ok(reply) => Err(invalid(format!("{url} answers {}", reply.status))),
        Err(error @ (EgressError::Url(_) | EgressError::Address(_) | EgressError::TooLarge(_))) => {
            Err(invalid(error.to_string()))
        }
        Err(error) => Err(silent(error.to_string())),
    }
}

pub(crate) fn invalid(reason: String) -> Failure {
    Failure { kind: Kind::Invalid, reason }
}

fn silent(reason: String) -> Failure {
    Failure { kind: Kind::Silent, reason }
}

fn unavailable(reason: String) -> Failure {
    Failure { kind: Kind::Unavailable, reason }
}

fn error(issuer: &str, missing: Missing) -> DiscoveryError {
    let (issuer, reason) = (issuer.to_owned(), missing.failure.reason);
    match missing.failure.kind {
        Kind::Silent | Kind::Unavailable => DiscoveryError::Unavailable { issuer, reason, retry_after: missing.retry_after },
        Kind::Invalid => DiscoveryError::Invalid { issuer, reason },
    }
}
