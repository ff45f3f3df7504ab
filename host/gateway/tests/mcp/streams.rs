//! Streams of callers whom a strategy knows: they end with what let the caller in, and a session's goes on with the caller's next token.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis_core::config::{Config, Guard, PluginConfig, StrategyRef};
use portcullis_core::notice::Notice;
use portcullis_core::ports::{NoticeSink as _, PluginStore};
use serde_json::json;

use crate::client::{LEGACY, Post, Stream};
use crate::fake::Fake;
use crate::server::{ADMIN, Server, eventually};
use crate::strategy::{FakeStrategy, Revoked, guarded};

struct Rig {
    server: Server,
    strategy: Arc<FakeStrategy>,
    fake: Arc<Fake>,
    revoked: Arc<Revoked>,
}

impl Rig {
    async fn start() -> Self {
        let revoked = Arc::new(Revoked::default());
        let server = Server::keeping(Some(Arc::clone(&revoked) as Arc<dyn PluginStore>)).await;
        let fake = Arc::new(Fake::new("fake", server.notices.clone()));
        let rig = Self { server, strategy: FakeStrategy::new("proxy"), fake, revoked };
        rig.publish(2, &rig.strategy, |_| {});
        rig
    }

    fn publish(&self, generation: u64, strategy: &Arc<FakeStrategy>, change: impl FnOnce(&mut Config)) {
        let fake: Arc<dyn portcullis_core::ports::Plugin> = Arc::clone(&self.fake) as _;
        let mut snapshot = Arc::into_inner(guarded(generation, vec![fake], Some(strategy))).unwrap();
        change(Arc::make_mut(&mut snapshot.config));
        self.server.snapshots.send_replace(Arc::new(snapshot));
    }

    fn watches(&self) -> (usize, usize) {
        (self.fake.seen.watching.load(Ordering::SeqCst), self.fake.seen.unwatched.load(Ordering::SeqCst))
    }

    /// A subscription of 2026-07-28 that heard of its watch's beginning.
    async fn listen(&self, token: &str) -> Stream {
        let wishes = json!({"promptsListChanged": true, "resourceSubscriptions": ["fake://1/data"]});
        let listen = Post::modern("subscriptions/listen", json!({"notifications": wishes})).token(token).at("/login");
        let mut stream = listen.open(self.server.address).await;
        assert_eq!(stream.next().await.unwrap()["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(stream.next().await.unwrap()["method"], "notifications/resources/updated");
        stream
    }

    async fn send(&self, session: &str, method: &str, params: serde_json::Value, token: &str) {
        let post = Post::legacy(session, 5, method, params).token(token).at("/login");
        let answer = post.send(self.server.address).await;
        assert!(answer.json().get("result").is_some(), "{answer:?}");
    }
}

/// A session of an older revision and its stream.
async fn session(rig: &Rig, token: &str) -> (String, Stream) {
    let session = rig.server.session(json!({}), |post| post.token(token).at("/login")).await;
    let listen = Post::get("/login").header("Authorization", &format!("Bearer {token}")).header("Accept", "text/event-stream");
    let listen = listen.header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", LEGACY);
    let stream = listen.open(rig.server.address).await;
    (session, stream)
}

async fn ends(mut stream: Stream) {
    let last = stream.next().await.unwrap();
    assert!(last.get("result").is_some() && stream.next().await.is_none(), "{last}");
}

async fn hears(stream: &mut Stream, method: &str) {
    while stream.next().await.expect("the stream goes on")["method"] != method {}
}

/// A session whose first token ends after two seconds, and whose client has the next one before or after that.
async fn a_session_goes_on(early: bool) {
    let (rig, brief, long) = (Rig::start().await, "fake-brief+db", "fake-brief+db+long");
    let (session, mut stream) = session(&rig, brief).await;
    rig.send(&session, "resources/subscribe", json!({"uri": "fake://1/data"}), brief).await;
    hears(&mut stream, "notifications/resources/updated").await;
    if early {
        rig.send(&session, "ping", json!({}), long).await;
    } else {
        eventually("the end of the watch", || rig.watches() == (1, 1)).await;
        rig.send(&session, "ping", json!({}), long).await;
    }
    eventually("the next watch", || rig.watches() == (2, 1)).await;
    hears(&mut stream, "notifications/resources/updated").await;
    rig.server.notices.publish(Notice::PromptsChanged);
    hears(&mut stream, "notifications/prompts/list_changed").await;
}

#[tokio::test]
async fn a_session_whose_token_ended_hears_on_with_the_next_one() {
    a_session_goes_on(false).await;
}

#[tokio::test]
async fn a_session_that_has_its_next_token_in_time_hears_on() {
    a_session_goes_on(true).await;
}

#[tokio::test]
async fn while_nobody_is_proven_a_session_hears_nothing() {
    let rig = Rig::start().await;
    let (session, mut stream) = session(&rig, "fake-jane+db").await;
    rig.send(&session, "resources/subscribe", json!({"uri": "fake://1/data"}), "fake-jane+db").await;
    hears(&mut stream, "notifications/resources/updated").await;
    rig.revoked.revoke("proxy", "grant-jane").await.unwrap();
    rig.server.notices.publish(Notice::PromptsChanged);
    eventually("the end of the watch", || rig.watches() == (1, 1)).await;
    let more = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_stream_survives_a_reload_that_changes_nothing_of_what_judged_its_caller() {
    let rig = Rig::start().await;
    let mut stream = rig.listen("fake-jane+db").await;
    rig.publish(3, &rig.strategy, |config| config.listeners[0].endpoints[0].audiences.push("elsewhere".into()));
    rig.server.notices.publish(Notice::PromptsChanged);
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/prompts/list_changed");
}

#[tokio::test]
async fn a_stream_ends_when_something_else_would_judge_its_caller() {
    type Change = fn(&mut Config);
    let settings: Change = |config| {
        let settings = [("issuers".to_owned(), json!([]))].into_iter().collect();
        config.plugins.insert("proxy".into(), PluginConfig { settings, ..PluginConfig::default() });
    };
    let grants: Change = |config| {
        let grants = portcullis_core::grant::Grants { log: true, ..Default::default() };
        config.plugins.insert("proxy".into(), PluginConfig { grants, ..PluginConfig::default() });
    };
    let audiences: Change = |config| config.listeners[0].endpoints[2].audiences.push("api".into());
    let details: Change = |config| config.listeners[0].endpoints[2].ignores_authorization_details = true;
    let rig = Rig::start().await;
    let mut generation = 2;
    for change in [settings, grants, audiences, details] {
        let stream = rig.listen("fake-jane+db").await;
        generation += 1;
        rig.publish(generation, &rig.strategy, change);
        ends(stream).await;
    }
    let stream = rig.listen("fake-jane+db").await;
    rig.publish(generation + 1, &FakeStrategy::new("proxy-in-another-version"), |_| {});
    ends(stream).await;
}

#[tokio::test]
async fn a_revocation_ends_an_idle_stream_and_the_guest_behind_it() {
    let rig = Rig::start().await;
    let stream = rig.listen("fake-jane+db").await;
    rig.revoked.revoke("proxy", "grant-jane").await.unwrap();
    ends(stream).await;
    eventually("the end of the watch", || rig.watches() == (1, 1)).await;
}

#[tokio::test]
async fn a_stream_of_a_token_ends_when_its_endpoint_asks_for_tokens_no_longer() {
    let rig = Rig::start().await;
    let mut stream = rig.listen(ADMIN).await;
    let proxy = || Guard::Strategies(vec![StrategyRef::Plugin("proxy".into())]);
    rig.publish(3, &rig.strategy, |config| config.listeners[0].endpoints[0].guard = proxy());
    rig.server.notices.publish(Notice::PromptsChanged);
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/prompts/list_changed", "another endpoint");
    rig.publish(4, &rig.strategy, |config| config.listeners[0].endpoints[2].guard = proxy());
    ends(stream).await;
}

#[tokio::test]
async fn a_stream_ends_when_nobody_can_tell_for_long_whether_its_login_was_ended() {
    let rig = Rig::start().await;
    let stream = rig.listen("fake-jane+db").await;
    rig.revoked.revoke("proxy", "(away)").await.unwrap();
    tokio::time::pause();
    ends(stream).await;
}

#[tokio::test]
async fn a_session_rests_while_nobody_can_tell_and_goes_on_when_somebody_can() {
    let rig = Rig::start().await;
    let (session, mut stream) = session(&rig, "fake-jane+db").await;
    rig.send(&session, "resources/subscribe", json!({"uri": "fake://1/data"}), "fake-jane+db").await;
    hears(&mut stream, "notifications/resources/updated").await;
    rig.revoked.revoke("proxy", "(away)").await.unwrap();
    tokio::time::pause();
    let minute = async || tokio::time::sleep(Duration::from_secs(60)).await;
    minute().await;
    assert_eq!(rig.watches(), (1, 1));
    rig.revoked.0.lock().clear();
    minute().await;
    assert_eq!(rig.watches(), (2, 1));
}

#[tokio::test]
async fn watches_that_did_not_fit_begin_when_they_do() {
    let (rig, brief, long) = (Rig::start().await, "fake-brief+db", "fake-brief+db+long");
    let uri = |number: usize| json!({"uri": format!("fake://{number}/data")});
    let ((mine, _), (other, _)) = (session(&rig, brief).await, session(&rig, long).await);
    for number in 1..=3 {
        rig.send(&mine, "resources/subscribe", uri(number), brief).await;
    }
    eventually("the end of the first token", || rig.watches() == (3, 3)).await;
    for number in 4..=6 {
        rig.send(&other, "resources/subscribe", uri(number), long).await;
    }
    rig.send(&mine, "ping", json!({}), long).await;
    eventually("the one that fits", || rig.watches() == (7, 3)).await;
    for number in 4..=5 {
        rig.send(&other, "resources/unsubscribe", uri(number), long).await;
    }
    eventually("the others", || rig.watches() == (9, 5)).await;
}
