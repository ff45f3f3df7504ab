//! Documents of authorization servers: where they are sought, which are believed.

use portcullis_core::ports::{Discovery as _, DiscoveryError};

use crate::world::{Reply, Server, host};

fn document(issuer: &str) -> Reply {
    Reply::Json(format!(r#"{{"issuer": "{issuer}", "scopes_supported": ["a"]}}"#))
}

#[tokio::test]
async fn a_document_is_found_at_any_of_its_places_and_kept() {
    for place in [
        "/t/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/t",
        "/.well-known/openid-configuration/t",
    ] {
        let server = Server::start(|_| Reply::Hang).await;
        let issuer = server.url("/t");
        let own = issuer.clone();
        server.now(move |path| if path == place { document(&own) } else { Reply::Status(404) });
        let (host, _) = host();
        for _ in 0..3 {
            let document = host.fetch(&issuer, true).await.unwrap();
            assert!(document.body.contains("scopes_supported") && !document.stale);
        }
        assert_eq!(server.hits(place), 1);
    }
}

#[tokio::test]
async fn a_document_of_another_issuer_is_refused_though_it_differs_by_a_slash() {
    for other in ["https://other.example", "/", "/x"] {
        let server = Server::start(|_| Reply::Hang).await;
        let issuer = server.url("");
        let own = if other.starts_with("https") { other.to_owned() } else { format!("{issuer}{other}") };
        server.now(move |_| document(&own));
        let error = host().0.fetch(&issuer, true).await.unwrap_err();
        assert!(matches!(&error, DiscoveryError::Invalid { reason, .. } if reason.contains("another issuer")), "{error}");
    }
}

#[tokio::test]
async fn redirects_oversize_and_rubbish_are_no_documents() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    for (script, word) in [
        (Box::new(|_: &str| Reply::Status(302)) as Box<dyn Fn(&str) -> Reply + Send + Sync>, "redirects are not followed"),
        (Box::new(|_: &str| Reply::Json("[]".into())), "not a JSON object"),
        (Box::new(move |_: &str| Reply::Endless(head.into(), vec![b' '; 64 << 10])), "more than allowed"),
        (Box::new(|_: &str| Reply::Status(404)), "404"),
    ] {
        let server = Server::start(script).await;
        let error = host().0.fetch(&server.url(""), true).await.unwrap_err();
        assert!(matches!(error, DiscoveryError::Invalid { .. }) && error.to_string().contains(word), "{error}");
        assert_eq!(server.hits("/elsewhere"), 0);
    }
}

#[tokio::test]
async fn a_server_that_says_that_it_is_busy_is_unavailable_and_asked_later() {
    let server = Server::start(|_| Reply::Status(503)).await;
    let (host, clock) = host();
    assert!(matches!(host.fetch(&server.url(""), true).await, Err(DiscoveryError::Unavailable { .. })));
    let asked = server.all_hits();
    assert!(host.fetch(&server.url(""), true).await.is_err());
    assert_eq!(server.all_hits(), asked, "in its pause");
    let own = server.url("");
    server.now(move |_| document(&own));
    clock.advance(2);
    assert!(host.fetch(&server.url(""), true).await.is_ok());
}

#[tokio::test]
async fn plain_http_and_addresses_of_this_machine_need_the_operators_word() {
    let server = Server::start(|_| Reply::Hang).await;
    let (own, port) = (server.url(""), server.address.port());
    server.now(move |_| document(&own));
    let (host, _) = host();
    for issuer in [server.url(""), format!("https://127.0.0.1:{port}"), format!("https://localhost:{port}")] {
        let error = host.fetch(&issuer, false).await.unwrap_err();
        assert!(matches!(error, DiscoveryError::Invalid { .. }), "{error}");
    }
    assert_eq!(server.all_hits(), 0);
    assert!(host.fetch(&server.url(""), true).await.is_ok());
    assert!(host.fetch(&server.url(""), false).await.is_err(), "a copy for one is no copy for the other");
}
