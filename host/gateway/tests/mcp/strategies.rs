//! Callers whom a strategy knows: the chain, the verdicts that are kept, challenges, metadata, step-up, routes (RS-1 to RS-10).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis_core::ports::PluginStore;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Answer, Post};
use crate::fake::Fake;
use crate::server::{ADMIN, Server, eventually};
use crate::strategy::{FakeStrategy, Revoked, guarded};

struct Rig {
    server: Server,
    strategy: Arc<FakeStrategy>,
    revoked: Arc<Revoked>,
}

impl Rig {
    async fn start() -> Self {
        let revoked = Arc::new(Revoked::default());
        let server = Server::keeping(Some(Arc::clone(&revoked) as Arc<dyn PluginStore>)).await;
        let strategy = FakeStrategy::new("proxy");
        let rig = Self { server, strategy, revoked };
        rig.publish(2);
        rig
    }

    fn publish(&self, generation: u64) {
        let fake = Fake::new("fake", self.server.notices.clone());
        self.server.snapshots.send_replace(guarded(generation, vec![Arc::new(fake)], Some(&self.strategy)));
    }

    async fn send(&self, post: Post) -> Answer {
        post.send(self.server.address).await
    }

    async fn call(&self, tool: &str, token: &str) -> Answer {
        self.send(Post::modern("tools/call", json!({"name": tool, "arguments": {}})).token(token).at("/login")).await
    }

    async fn list(&self, token: &str) -> Answer {
        self.send(Post::modern("tools/list", json!({})).token(token).at("/login")).await
    }

    fn asked(&self) -> usize {
        self.strategy.asked.load(Ordering::SeqCst)
    }
}

fn challenge(answer: &Answer) -> String {
    answer.headers["www-authenticate"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn whom_the_strategy_knows_gets_in_and_is_who_it_says() {
    let rig = Rig::start().await;
    let answer = rig.call("who", "fake-jane+db+danger").await;
    assert!(answer.text_content().starts_with("jane@https://id.example.com"), "{answer:?}");
    assert!(rig.server.trail.last().ends_with("access:dba"), "{}", rig.server.trail.last());
}

#[tokio::test]
async fn the_first_strategy_that_knows_the_credential_decides() {
    let rig = Rig::start().await;
    assert_eq!(rig.list(ADMIN).await.status, 200);
    assert_eq!(rig.asked(), 0, "no strategy sees a token of the configuration");
    assert_eq!(rig.list("neither").await.status, 401, "no credential of its shape");
    assert_eq!(rig.asked(), 0, "the strategy is not asked about what cannot be its own");
    assert_eq!(rig.list("fake-stranger").await.status, 401);
    assert_eq!(rig.asked(), 1);
}

#[tokio::test]
async fn a_verdict_is_kept_for_its_snapshot_and_not_for_another() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        assert_eq!(rig.list("fake-jane").await.status, 200);
    }
    assert_eq!(rig.asked(), 1);
    rig.publish(3);
    assert_eq!(rig.list("fake-jane").await.status, 200);
    assert_eq!(rig.asked(), 2);
}

#[tokio::test]
async fn a_refusal_is_kept_for_its_snapshot_and_for_its_credential_only() {
    let rig = Rig::start().await;
    for refused in ["fake-expired", "fake-elsewhere"] {
        let before = rig.asked();
        let first = rig.list(refused).await;
        let again = rig.list(refused).await;
        assert_eq!(first.status, 401);
        assert_eq!((again.status, challenge(&again)), (first.status, challenge(&first)), "{refused}");
        assert_eq!(rig.asked(), before + 1, "{refused}: whoever is behind the strategy is asked once");
    }
    for unjudged in ["fake-fault", "fake-stranger"] {
        let before = rig.asked();
        rig.list(unjudged).await;
        rig.list(unjudged).await;
        assert_eq!(rig.asked(), before + 2, "{unjudged}: nothing was found out");
    }
    let before = rig.asked();
    rig.publish(3);
    assert_eq!(rig.list("fake-expired").await.status, 401);
    assert_eq!(rig.list("fake-jane").await.status, 200);
    assert_eq!(rig.asked(), before + 2);
}

#[tokio::test]
async fn a_verdict_ends_with_its_credential() {
    let rig = Rig::start().await;
    assert_eq!(rig.list("fake-brief").await.status, 200);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(rig.list("fake-brief").await.status, 200, "asked again, the strategy may know better");
    assert_eq!(rig.asked(), 2);
    assert_eq!(rig.list("fake-late").await.status, 401);
}

#[tokio::test]
async fn a_revoked_login_is_refused_though_its_verdict_is_kept() {
    let rig = Rig::start().await;
    assert_eq!(rig.list("fake-jane").await.status, 200);
    rig.revoked.revoke("proxy", "grant-jane").await.unwrap();
    let answer = rig.list("fake-jane").await;
    assert_eq!(answer.status, 401);
    assert!(challenge(&answer).contains("error=\"invalid_token\""));
    assert_eq!(rig.list("fake-joe").await.status, 200);
}

#[tokio::test]
async fn while_revocations_cannot_be_known_a_login_that_can_be_revoked_is_refused() {
    let rig = Rig::start().await;
    assert_eq!(rig.list("fake-jane").await.status, 200);
    rig.revoked.revoke("proxy", "(away)").await.unwrap();
    assert_eq!(rig.list("fake-jane").await.status, 503);
    assert_eq!(rig.list(ADMIN).await.status, 200);
}

#[tokio::test]
async fn whatever_goes_wrong_in_a_strategy_is_a_refusal() {
    let rig = Rig::start().await;
    let answer = rig.list("fake-fault").await;
    assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()), (503, "7"));
    assert!(!answer.text.contains("10.0.0.1"), "{}", answer.text);
    for token in ["fake-elsewhere", "fake-local", "fake-expired"] {
        let answer = rig.list(token).await;
        assert_eq!(answer.status, 401, "{token}");
        assert!(challenge(&answer).contains("error=\"invalid_token\""), "{token}");
    }
    rig.server.snapshots.send_replace(guarded(3, vec![], None));
    assert_eq!(rig.list("fake-jane").await.status, 503, "a strategy that is not loaded lets nobody in");
    assert_eq!(rig.list(ADMIN).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_does_not_answer_is_given_up() {
    let rig = Rig::start().await;
    assert_eq!(rig.list("fake-silent").await.status, 503);
}

#[tokio::test]
async fn the_challenge_names_the_metadata_and_the_scopes_and_no_error_without_a_token() {
    let rig = Rig::start().await;
    let answer = rig.send(Post::modern("tools/list", json!({})).at("/login")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        challenge(&answer),
        r#"Bearer realm="portcullis", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/login", scope="db""#
    );
    let answer = rig.send(Post::modern("tools/list", json!({})).at("/mcp")).await;
    assert_eq!(challenge(&answer), r#"Bearer realm="portcullis""#, "tokens alone have no authorization server");
}

#[tokio::test]
async fn metadata_is_at_both_forms_and_is_the_hosts_own() {
    let rig = Rig::start().await;
    for path in ["/.well-known/oauth-protected-resource/login", "/.well-known/oauth-protected-resource"] {
        let answer = rig.send(Post::get(path).header("Origin", "https://anywhere.example")).await;
        let document = answer.json();
        assert_eq!(document["resource"], "https://mcp.example.com/login", "{path}");
        assert_eq!(document["authorization_servers"], json!(["https://id.example.com"]));
        assert_eq!(document["scopes_supported"], json!(["db"]), "curated, of those that live, without offline_access");
        assert_eq!(document.get("authorization_details_types_supported"), None, "what this endpoint refuses, nobody asks for");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    assert_eq!(rig.send(Post::get("/.well-known/oauth-protected-resource/mcp")).await.status, 404);
    assert_eq!(rig.send(Post::get("/.well-known/oauth-protected-resource/nowhere")).await.status, 404);
}

#[tokio::test]
async fn details_are_advertised_where_tokens_that_have_them_get_in() {
    let (rig, metadata) = (Rig::start().await, "/.well-known/oauth-protected-resource/login");
    assert_eq!(rig.list("fake-narrow+db").await.status, 401);
    let fake = Fake::new("fake", rig.server.notices.clone());
    let mut snapshot = Arc::into_inner(guarded(3, vec![Arc::new(fake)], Some(&rig.strategy))).unwrap();
    Arc::make_mut(&mut snapshot.config).listeners[0].endpoints[2].ignores_authorization_details = true;
    rig.server.snapshots.send_replace(Arc::new(snapshot));
    assert_eq!(rig.list("fake-narrow+db").await.status, 200);
    let document = rig.send(Post::get(metadata)).await.json();
    assert_eq!(document["authorization_details_types_supported"], json!(["namespace"]));
}

#[tokio::test]
async fn more_scopes_are_asked_for_with_403_and_all_that_the_operation_needs() {
    let rig = Rig::start().await;
    for tool in ["who", "echo"] {
        let answer = rig.call(tool, "fake-jane+mail").await;
        assert_eq!(answer.status, 403, "{tool}");
        let expected = if tool == "who" { r#"scope="danger db mail""# } else { r#"scope="db mail""# };
        assert!(
            challenge(&answer).contains(r#"error="insufficient_scope""#) && challenge(&answer).ends_with(expected),
            "{answer:?}"
        );
    }
    assert!(rig.server.trail.last().contains("denied scopes"), "{}", rig.server.trail.last());
    assert_eq!(rig.call("who", "fake-jane+db").await.status, 403);
    assert_eq!(rig.call("who", "fake-jane+db+danger").await.status, 200);
    let shown = rig.list("fake-jane+mail").await.result()["tools"].as_array().unwrap().len();
    assert!(shown > 5, "lists show what a scope would allow");
}

#[tokio::test]
async fn a_session_stays_its_callers_when_the_token_is_refreshed() {
    let rig = Rig::start().await;
    let session = rig.server.session(json!({}), |post| post.token("fake-jane+db").at("/login")).await;
    let ping = |token: &str| Post::legacy(&session, 5, "ping", json!({})).token(token).at("/login");
    assert_eq!(rig.send(ping("fake-jane+db+danger")).await.status, 200);
    assert_eq!(rig.send(ping("fake-joe+db")).await.status, 404);
}

#[tokio::test]
async fn a_strategy_serves_its_routes_with_the_headers_that_it_may_see() {
    let rig = Rig::start().await;
    let answer = rig.send(Post::get("/authorize?a=b").header("Cookie", "c=1").header("X-Secret", "s")).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "served"));
    assert_eq!(answer.headers["x-frame-options"], "DENY");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let seen = rig.strategy.seen.lock().clone().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.query.as_deref()), ("GET", "/authorize", Some("a=b")));
    assert!(seen.headers.iter().any(|(name, value)| name == "cookie" && value == "c=1"));
    assert!(!seen.headers.iter().any(|(name, _)| name == "x-secret" || name == "host"));
    assert_eq!(seen.client, "127.0.0.1");
}

#[tokio::test]
async fn a_route_takes_its_methods_and_pages_of_its_site_only_unless_it_says_otherwise() {
    let rig = Rig::start().await;
    let post = |path: &str| Post { method: "POST", ..Post::get(path) };
    assert_eq!(rig.send(Post::get("/token")).await.status, 405);
    assert_eq!(rig.send(post("/authorize")).await.status, 405);
    for (origin, status) in [("https://evil.example", 403), ("https://mcp.example.com", 200), ("null", 200)] {
        assert_eq!(rig.send(post("/consent").header("Origin", origin)).await.status, status, "{origin}");
    }
    let token = rig.send(post("/token").header("Origin", "https://evil.example")).await;
    assert_eq!((token.status.as_u16(), token.headers["access-control-allow-origin"].to_str().unwrap()), (200, "*"));
    assert!(!token.headers.contains_key("access-control-allow-credentials"));
    let preflight = Post { method: "OPTIONS", ..Post::get("/token") };
    assert_eq!(rig.send(preflight.header("Origin", "https://evil.example")).await.status, 204);
    assert_eq!(rig.send(post("/token").header("Host", "evil.example")).await.status, 403);
    let big = Post { body: "x".repeat(65 << 10), ..post("/token") };
    assert_eq!(rig.send(big).await.status, 413);
}

#[tokio::test]
async fn a_route_that_fails_says_nothing_of_why() {
    let rig = Rig::start().await;
    let answer = rig.send(Post::get("/authorize?fault")).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.text.contains("secret") && answer.headers.contains_key("retry-after"), "{answer:?}");
    let answer = rig.send(Post::get("/authorize?busy")).await;
    assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()), (503, "3"));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_cut_a_strategy_off() {
    let rig = Rig::start().await;
    let mut client = tokio::net::TcpStream::connect(rig.server.address).await.unwrap();
    client.write_all(b"GET /authorize?slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    eventually("the step's beginning", || rig.strategy.seen.lock().is_some()).await;
    client.shutdown().await.unwrap();
    assert_eq!(client.read_to_end(&mut Vec::new()).await.unwrap(), 0, "the host has noticed, and closes");
    assert_eq!(rig.strategy.finished.load(Ordering::SeqCst), 0);
    rig.strategy.go.notify_one();
    eventually("the step's end", || rig.strategy.finished.load(Ordering::SeqCst) == 1).await;
}
