//! Servers that are down: nobody waits who need not, one probe goes out, and what is known stays known for a day.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::jwt::JwtCode;
use portcullis_core::ports::{Discovery as _, DiscoveryError, Tokens as _};
use serde_json::json;
use tokio::task::JoinSet;

use crate::issuer::{Issuer, Key};
use crate::world::{Reply, host};

const DOCUMENT: &str = "/.well-known/openid-configuration";
const DAY: u64 = 24 * 3600;
/// Less than the 2 s that a request waits, and more than a busy machine takes for nothing.
const AT_ONCE: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn first_requests_share_one_fetch() {
    let (issuer, (host, _)) = (Issuer::start(Vec::new()).await, host());
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (host, url) = (Arc::clone(&host), issuer.url());
        all.spawn(async move { host.fetch(&url, true).await.is_ok() });
    }
    assert!(all.join_all().await.into_iter().all(|found| found));
    assert_eq!(issuer.server.hits(DOCUMENT), 1);
}

#[tokio::test]
async fn with_a_stale_copy_everybody_is_answered_at_once_and_one_probe_goes_into_the_black_hole() {
    let (issuer, (host, clock)) = (Issuer::start(Vec::new()).await, host());
    assert!(!host.fetch(&issuer.url(), true).await.unwrap().stale);
    issuer.server.now(|_| Reply::Hang);
    clock.advance(3601);
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..100 {
        let (host, url) = (Arc::clone(&host), issuer.url());
        all.spawn(async move { host.fetch(&url, true).await.unwrap().stale });
    }
    assert!(all.join_all().await.into_iter().all(|stale| stale));
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    until(async || issuer.server.hits(DOCUMENT) == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(issuer.server.hits(DOCUMENT), 2);
}

#[tokio::test]
async fn an_issuer_that_comes_back_is_fresh_after_the_pause() {
    let (issuer, (host, clock)) = (Issuer::start(Vec::new()).await, host());
    host.fetch(&issuer.url(), true).await.unwrap();
    issuer.server.now(|_| Reply::Status(500));
    clock.advance(3601);
    assert!(host.fetch(&issuer.url(), true).await.unwrap().stale);
    until(async || issuer.server.all_hits() == 3).await;
    issuer.recover("/keys");
    clock.advance(2);
    until(async || !host.fetch(&issuer.url(), true).await.unwrap().stale).await;
}

#[tokio::test]
async fn without_a_copy_a_request_waits_two_seconds_at_most_and_in_the_pause_not_at_all() {
    let (issuer, (host, _)) = (Issuer::start(Vec::new()).await, host());
    issuer.server.now(|_| Reply::Hang);
    let begun = Instant::now();
    let error = host.fetch(&issuer.url(), true).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unavailable { .. }) && begun.elapsed() < Duration::from_millis(3500));
    // The probe goes on without it, and fails after 5 s.
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let begun = Instant::now();
    assert!(matches!(host.fetch(&issuer.url(), true).await, Err(DiscoveryError::Unavailable { .. })));
    assert!(begun.elapsed() < AT_ONCE);
    assert_eq!(issuer.server.all_hits(), 1);
}

#[tokio::test]
async fn tokens_of_known_keys_verify_for_a_day_while_their_issuer_is_down() {
    let (key, (host, clock)) = (Key::p256(), host());
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let token = key.token(&json!({ "alg": "ES256", "kid": "a" }), &issuer.claims());
    let expected = issuer.expected(&["ES256"]);
    let verify = async || host.verify(&token, &issuer.of(), &expected, true).await.map_err(|error| error.code);
    verify().await.unwrap();
    issuer.server.now(|_| Reply::Hang);
    for _ in 0..2 {
        clock.advance(DAY / 2);
        let begun = Instant::now();
        verify().await.unwrap();
        assert!(begun.elapsed() < AT_ONCE);
    }
    clock.advance(3601);
    assert_eq!(verify().await, Err(JwtCode::Unavailable));
    issuer.recover("/keys");
}

#[tokio::test]
async fn a_token_waits_two_seconds_at_most_for_document_and_keys_together() {
    let (key, (host, _)) = (Key::p256(), host());
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let url = issuer.url();
    issuer.server.now(move |path| match path {
        DOCUMENT => Reply::Late(json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string()),
        _ => Reply::Hang,
    });
    let token = key.token(&json!({ "alg": "ES256", "kid": "a" }), &issuer.claims());
    let begun = Instant::now();
    let error = host.verify(&token, &issuer.of(), &issuer.expected(&["ES256"]), true).await.unwrap_err();
    assert_eq!((error.code, error.retry_after), (JwtCode::Unavailable, Some(Duration::from_secs(1))));
    assert!(begun.elapsed() < Duration::from_millis(3000), "{:?}", begun.elapsed());
}

/// Tries until it is so, for 5 s.
pub(crate) async fn until(so: impl AsyncFn() -> bool) {
    for _ in 0..250 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come to be");
}
