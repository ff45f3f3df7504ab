//! Who gets in: RS-5, RS-8, RS-9, T-2.

use std::sync::Arc;

use serde_json::json;

use crate::client::Post;
use crate::server::{ADMIN, READER, Server, snapshot, tokens};

fn list() -> Post {
    Post::modern("tools/list", json!({}))
}

#[tokio::test]
async fn without_a_token_the_challenge_names_no_error() {
    let server = Server::start().await;
    let in_query = list().at(&format!("/mcp?access_token={ADMIN}"));
    for post in [list().at("/mcp"), list().at("/mcp/"), in_query, list().at("/mcp").header("Authorization", "Basic YTpi")] {
        let answer = post.send(server.address).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"portcullis\"");
    }
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_is_called_invalid() {
    let server = Server::start().await;
    for token in ["wrong", "", "admin-token2"] {
        let answer = list().token(token).send(server.address).await;
        assert_eq!(answer.status, 401, "{token}");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("error=\"invalid_token\"") || token.is_empty(), "{token}: {challenge}");
    }
}

#[tokio::test]
async fn a_token_gets_in_with_and_without_a_trailing_slash() {
    let server = Server::start().await;
    for path in ["/mcp", "/mcp/"] {
        assert_eq!(list().token(ADMIN).at(path).send(server.address).await.status, 200, "{path}");
    }
    assert_eq!(list().token(ADMIN).at("/elsewhere").send(server.address).await.status, 404);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_the_next_request() {
    let server = Server::start().await;
    assert_eq!(list().token(READER).send(server.address).await.status, 200);
    let mut fewer = tokens();
    fewer.remove("reader");
    server.snapshots.send_replace(snapshot(2, vec![], fewer));
    assert_eq!(list().token(READER).send(server.address).await.status, 401);
}

#[tokio::test]
async fn d9_foreign_hosts_and_origins_are_forbidden_and_ours_are_not() {
    let server = Server::start().await;
    for (name, value, status) in [
        ("Host", "evil.example", 403),
        ("Host", "mcp.example.com", 200),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "https://app.example.com", 200),
        ("Origin", "http://localhost:6274", 200),
    ] {
        let answer = list().header(name, value).send(server.address).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read_answers_and_challenges() {
    let server = Server::start().await;
    let origin = "https://app.example.com";
    let mut preflight = Post::get("/mcp").header("Origin", origin).header("Access-Control-Request-Method", "POST");
    preflight.method = "OPTIONS";
    let answer = preflight.header("Access-Control-Request-Headers", "authorization").send(server.address).await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["access-control-allow-headers"].to_str().unwrap()),
        (204, "authorization")
    );
    let refused = list().at("/mcp").header("Origin", origin).send(server.address).await;
    assert_eq!((refused.status.as_u16(), refused.headers["access-control-allow-origin"].to_str().unwrap()), (401, origin));
}

#[tokio::test]
async fn the_credential_stays_at_the_door() {
    let server = Server::start().await;
    let answer = Post::modern("tools/call", json!({"name": "who", "arguments": {}})).token(READER).send(server.address).await;
    assert_eq!(answer.text_content(), "reader@portcullis:config []");
    assert!(!server.trail.lines().join(" ").contains(READER));
}

/// The second snapshot, with its listener somewhere else.
fn moved_to(address: &str, server: &Server) {
    let mut next = Arc::into_inner(snapshot(2, vec![], tokens())).unwrap();
    let mut config = (*next.config).clone();
    config.listeners[0].address = address.parse().unwrap();
    next.config = Arc::new(config);
    server.snapshots.send_replace(Arc::new(next));
}

#[tokio::test]
async fn a_socket_whose_listener_moved_to_another_address_serves_nothing() {
    let server = Server::start().await;
    moved_to("127.0.0.2:4204", &server);
    for post in [list(), list().token(ADMIN)] {
        assert_eq!(post.send(server.address).await.status, 421);
    }
}

#[tokio::test]
async fn nobody_is_let_in_unasked_through_a_socket_that_others_reach() {
    let server = Server::start().await;
    moved_to("0.0.0.0:4204", &server);
    let socket = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let reachable = std::net::SocketAddr::new(server.address.ip(), socket.local_addr().unwrap().port());
    let (gateway, stop) = (server.gateway.clone(), server.stop.clone());
    let serving = tokio::spawn(async move { gateway.serve_listener(socket, "main", stop).await });
    assert_eq!(list().send(reachable).await.status, 403);
    assert_eq!(list().token(ADMIN).send(reachable).await.status, 200);
    drop(server);
    serving.await.unwrap().unwrap();
}
