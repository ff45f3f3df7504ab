//! `subscriptions/listen` (T-11) and the watches behind it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use portcullis_core::notice::Notice;
use portcullis_core::ports::NoticeSink as _;
use serde_json::{Value, json};

use crate::client::{Post, Stream};
use crate::fake::Fake;
use crate::server::{ADMIN, READER, Server, eventually, snapshot, tokens};

async fn listen(server: &Server, wishes: Value, dress: impl Fn(Post) -> Post) -> (Stream, Value) {
    let mut stream = dress(Post::modern("subscriptions/listen", json!({"notifications": wishes}))).open(server.address).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    let accepted = first["params"]["notifications"].clone();
    (stream, accepted)
}

fn more_plugins(server: &Server) -> Arc<portcullis_core::snapshot::Snapshot> {
    let other: Arc<dyn portcullis_core::ports::Plugin> = Arc::new(Fake::one_tool("other", "hello", server.notices.clone()));
    let plugins = [server.snapshots.borrow().catalogue.plugins().to_vec(), vec![other]].concat();
    snapshot(2, plugins, tokens())
}

#[tokio::test]
async fn a_listener_hears_what_it_asked_for_and_nothing_else() {
    let server = Server::start().await;
    let (mut stream, accepted) = listen(&server, json!({"toolsListChanged": true}), |post| post).await;
    assert_eq!(accepted, json!({"toolsListChanged": true}));
    server.notices.publish(Notice::PromptsChanged);
    server.notices.publish(Notice::ResourceUpdated { uri: "fake://1/data".into() });
    server.snapshots.send_replace(more_plugins(&server));
    let heard = stream.next().await.unwrap();
    assert_eq!(heard["method"], "notifications/tools/list_changed");
    assert_eq!(heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);
}

#[tokio::test]
async fn a_change_that_the_caller_cannot_see_is_not_told() {
    let server = Server::start().await;
    let (mut stream, _) =
        listen(&server, json!({"toolsListChanged": true, "promptsListChanged": true}), |post| post.token(READER)).await;
    server.snapshots.send_replace(more_plugins(&server));
    server.notices.publish(Notice::PromptsChanged);
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/prompts/list_changed", "`hello` is not the reader's");
}

#[tokio::test]
async fn a_watch_runs_while_somebody_is_subscribed() {
    let server = Server::start().await;
    let wishes = json!({"resourceSubscriptions": ["fake://1/data", "fake://2/data"]});
    let (mut stream, accepted) = listen(&server, wishes.clone(), |post| post.token(READER)).await;
    assert_eq!(accepted, json!({"resourceSubscriptions": ["fake://1/data"]}), "the other one is not the reader's");
    let expected = ["fake://1/data completed token:reader", "fake://2/data denied default-deny"];
    assert_eq!(server.trail.lines(), expected.map(|it| format!("reader@portcullis:config resources/subscribe {it}")));
    let heard = stream.next().await.unwrap();
    assert_eq!((&heard["method"], &heard["params"]["uri"]), (&json!("notifications/resources/updated"), &json!("fake://1/data")));
    let (second, _) = listen(&server, wishes, |post| post.token(READER)).await;
    assert_eq!(server.seen.watching.load(Ordering::SeqCst), 1, "one watch for both");
    drop((stream, second));
    let (_again, _) = listen(&server, json!({"resourceSubscriptions": ["fake://1/data"]}), |post| post).await;
    eventually("another caller's watch", || server.seen.watching.load(Ordering::SeqCst) == 2).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_callers_token() {
    let server = Server::start().await;
    let (mut stream, _) = listen(&server, json!({"toolsListChanged": true}), |post| post.token(READER)).await;
    let mut fewer = tokens();
    fewer.remove("reader");
    server.snapshots.send_replace(snapshot(2, vec![], fewer));
    let last = stream.next().await.unwrap();
    assert!(last.get("result").is_some() && stream.next().await.is_none(), "{last}");
}

#[tokio::test]
async fn a_host_that_closes_ends_streams_in_good_order() {
    let mut server = Server::start().await;
    let (mut stream, _) = listen(&server, json!({"toolsListChanged": true}), |post| post).await;
    let session = server.session(json!({}), |post| post).await;
    let standalone = Post::get("/open").header("Accept", "text/event-stream").header("Mcp-Session-Id", &session);
    let mut standalone = standalone.header("MCP-Protocol-Version", "2025-11-25").open(server.address).await;
    server.stop.cancel();
    assert_eq!(stream.next().await.unwrap()["id"], 1, "the result of the listen request");
    assert!(standalone.next().await.is_none(), "a stream of an older revision just ends");
    drop(stream);
    server.task.take().unwrap().await.unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stream_does_not_keep_old_plugins_alive() {
    let server = Server::start().await;
    let (mut stream, _) = listen(&server, json!({"toolsListChanged": true}), |post| post).await;
    let session = server.session(json!({}), |post| post).await;
    let first = Arc::downgrade(&server.snapshots.borrow());
    server.snapshots.send_replace(snapshot(
        2,
        vec![Arc::new(Fake::one_tool("other", "hello", server.notices.clone()))],
        tokens(),
    ));
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
    eventually("the end of the first snapshot", || first.upgrade().is_none()).await;
    let list = Post::legacy(&session, 2, "tools/list", json!({})).send(server.address).await.result();
    assert_eq!(list["tools"][0]["name"], "hello", "a session sees the newest");
}

#[tokio::test]
async fn a_new_component_takes_over_the_watch_of_the_old_one() {
    let server = Server::start().await;
    let (mut stream, _) = listen(&server, json!({"resourceSubscriptions": ["fake://1/data"]}), |post| post).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/resources/updated");
    let next = Fake::new("fake", server.notices.clone());
    let seen = Arc::clone(&next.seen);
    server.snapshots.send_replace(snapshot(2, vec![Arc::new(next)], tokens()));
    eventually("the new watch", || seen.watching.load(Ordering::SeqCst) == 1).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/resources/updated");
}

#[tokio::test]
async fn of_a_subscription_the_first_256_resources_count() {
    let server = Server::start().await;
    let accepted_behind = async |denied: usize| {
        let mut uris: Vec<String> = (0..denied).map(|number| format!("fake://not-theirs-{number}/data")).collect();
        uris.push("fake://1/data".into());
        listen(&server, json!({"resourceSubscriptions": uris}), |post| post.token(READER)).await.1
    };
    assert_eq!(accepted_behind(255).await, json!({"resourceSubscriptions": ["fake://1/data"]}));
    assert_eq!(accepted_behind(256).await, json!({}));
}

#[tokio::test]
async fn a_caller_who_watches_much_leaves_places_for_the_others() {
    let server = Server::start().await;
    let many: Vec<String> = (0..6).map(|number| format!("fake://{number}/data")).collect();
    let (stream, accepted) = listen(&server, json!({"resourceSubscriptions": many}), |post| post.token(ADMIN)).await;
    assert_eq!(accepted, json!({"resourceSubscriptions": many[..4]}), "a share of the 16 places");
    let session = server.session(json!({}), |post| post.token(ADMIN)).await;
    let subscribe =
        |uri: &str| Post::legacy(&session, 2, "resources/subscribe", json!({"uri": uri})).token(ADMIN).send(server.address);
    eventually("the watches", || server.seen.watching.load(Ordering::SeqCst) == 4).await;
    assert_eq!(subscribe("fake://5/data").await.error_code(), -32602);
    subscribe("fake://0/data").await.result();
    let (_other, accepted) =
        listen(&server, json!({"resourceSubscriptions": ["fake://1/data"]}), |post| post.token(READER)).await;
    assert_eq!(accepted, json!({"resourceSubscriptions": ["fake://1/data"]}));
    drop(stream);
    for _ in 0..1000 {
        if subscribe("fake://5/data").await.json().get("result").is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the places never came back");
}

#[tokio::test]
async fn who_lost_a_right_hears_nothing_more_of_it() {
    let server = Server::start().await;
    let wishes = json!({"promptsListChanged": true, "resourceSubscriptions": ["fake://1/data"]});
    let (mut stream, _) = listen(&server, wishes, |post| post.token(READER)).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/resources/updated", "the watch began");
    let mut narrowed = tokens();
    narrowed.get_mut("reader").unwrap().rules.resources.clear();
    let plugins = server.snapshots.borrow().catalogue.plugins().to_vec();
    server.snapshots.send_replace(snapshot(2, plugins, narrowed));
    server.notices.publish(Notice::ResourceUpdated { uri: "fake://1/data".into() });
    server.notices.publish(Notice::PromptsChanged);
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/prompts/list_changed");
}
