//! Outgoing HTTP: who is reached, how much is read, how long it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use portcullis_core::ports::Egress as _;
use portcullis_core::secret::Secret;
use portcullis_trust::Trust;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::world::{Names, Reply, Server, host, host_with, script, serve};

fn request(url: &str, private: bool) -> EgressRequest {
    EgressRequest {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        authorization: None,
        private,
        within: Duration::from_secs(5),
        max_reply: 1000,
    }
}

async fn get(host: &Trust, url: &str, private: bool) -> Result<EgressReply, EgressError> {
    host.send(request(url, private)).await
}

async fn hello() -> Server {
    Server::start(|_| Reply::Json("hello".into())).await
}

#[tokio::test]
async fn a_name_of_this_machine_is_refused_before_anything_is_sent() {
    let server = hello().await;
    let url = format!("http://id.test:{}/", server.address.port());
    for answer in [&["127.0.0.1"][..], &["93.184.215.14", "127.0.0.1"], &["::ffff:127.0.0.1"], &["169.254.169.254"]] {
        let names = Names::new(&[answer]);
        assert_eq!(get(&host_with(&names, None), &url, false).await.unwrap_err(), EgressError::Address("id.test".into()));
    }
    assert_eq!(server.all_hits(), 0);
    assert_eq!(get(&host_with(&Names::new(&[&["127.0.0.1"]]), None), &url, true).await.unwrap().body, b"hello");
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_in_any_notation() {
    let (server, (host, _)) = (hello().await, host());
    let port = server.address.port();
    for address in
        ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost"]
    {
        let refused = get(&host, &format!("http://{address}:{port}/"), false).await.unwrap_err();
        assert!(matches!(refused, EgressError::Address(_)), "{address}: {refused}");
    }
    assert_eq!(server.all_hits(), 0);
    assert_eq!(get(&host, &format!("http://2130706433:{port}/"), true).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_reached_where_it_was_then() {
    let server = hello().await;
    let names = Names::new(&[&["127.0.0.1"], &["127.0.0.9"]]);
    let reply = get(&host_with(&names, None), &format!("http://id.test:{}/", server.address.port()), true).await.unwrap();
    assert_eq!((reply.body.as_slice(), names.lookups.load(Ordering::SeqCst)), (&b"hello"[..], 1));
}

#[tokio::test]
async fn a_connection_to_a_private_address_serves_no_request_to_the_internet() {
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na";
    let server = Server::start(move |_| Reply::Raw(body.into())).await;
    let host = host_with(&Names::new(&[&["127.0.0.1"]]), None);
    let url = format!("http://id.test:{}/", server.address.port());
    assert!(get(&host, &url, true).await.is_ok());
    assert!(matches!(get(&host, &url, false).await, Err(EgressError::Address(_))));
}

#[tokio::test]
async fn a_proxy_of_the_environment_sees_nothing() {
    let test = "egress::a_name_is_looked_up_once_and_reached_where_it_was_then";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .envs(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1")))
        .output();
    let output = String::from_utf8(child.unwrap().stdout).unwrap();
    assert!(output.contains("1 passed"), "{output}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (server, (host, _)) = (Server::start(|_| Reply::Status(302)).await, host());
    let reply = get(&host, &server.url("/"), true).await.unwrap();
    assert_eq!((reply.status, server.all_hits()), (302, 1));
    assert!(reply.headers.contains(&("location".into(), "/elsewhere".into())));
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_at_its_limit() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned();
    let (server, (host, _)) = (Server::start(move |_| Reply::Endless(head.clone(), vec![b'a'; 300])).await, host());
    let begun = Instant::now();
    assert!(matches!(get(&host, &server.url("/"), true).await, Err(EgressError::TooLarge(_))));
    assert!(begun.elapsed() < Duration::from_secs(3));
    server.now(|_| Reply::Json("a".repeat(1000)));
    assert_eq!(get(&host, &server.url("/"), true).await.unwrap().body.len(), 1000);
    server.now(|_| Reply::Json("a".repeat(1001)));
    assert!(matches!(get(&host, &server.url("/"), true).await, Err(EgressError::TooLarge(_))));
}

#[tokio::test]
async fn the_time_is_over_when_it_is_over_however_much_trickles_in() {
    let (server, (host, _)) = (Server::start(|_| Reply::Hang).await, host());
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_owned();
    for trickle in [false, true] {
        if trickle {
            let head = head.clone();
            server.now(move |_| Reply::Endless(head.clone(), vec![b'a']));
        }
        let begun = Instant::now();
        let late = host.send(EgressRequest { within: Duration::from_millis(200), ..request(&server.url("/"), true) }).await;
        assert_eq!(late.unwrap_err(), EgressError::Timeout("127.0.0.1".into()));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_server_that_refuses_connections_is_left_alone_and_asked_by_one_at_a_time() {
    let (host, clock) = host();
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{address}/");
    let error = async || get(&host, &url, true).await.unwrap_err().to_string();
    assert!(!error().await.contains("asked again"));
    let socket = tokio::net::TcpListener::bind(address).await.unwrap();
    assert!(error().await.contains("asked again in 1 s"), "though it is back: nobody goes there now");
    clock.advance(1);
    let (requests, hello) = (Arc::default(), script(|_| Reply::Json("hello".into())));
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&requests), Arc::clone(&hello)));
        }
    });
    for _ in 0..2 {
        assert_eq!(get(&host, &url, true).await.unwrap().body, b"hello");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_left_alone_whoever_gave_up_and_others_are_not() {
    let (server, other, (host, clock)) = (Server::start(|_| Reply::Hang).await, hello().await, host());
    for gives_up in [true, false] {
        let brief = EgressRequest { within: Duration::from_millis(300), ..request(&server.url("/"), true) };
        let sending = host.send(brief);
        if gives_up {
            let _ = tokio::time::timeout(Duration::from_millis(100), async { tokio::join!(sending, async { clock.advance(2) }) })
                .await;
        } else {
            let (sent, ()) = tokio::join!(sending, async { clock.advance(2) });
            assert_eq!(sent.unwrap_err(), EgressError::Timeout("127.0.0.1".into()));
        }
        let before = server.all_hits();
        let error = get(&host, &server.url("/other"), true).await.unwrap_err();
        assert!(error.to_string().contains("asked again"), "{error}");
        assert_eq!((server.all_hits(), get(&host, &other.url("/"), true).await.unwrap().status), (before, 200));
        clock.advance(60);
    }
}

#[tokio::test]
async fn an_answer_of_headers_is_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "a: b\r\n".repeat(70));
    let (server, (host, _)) = (Server::start(move |_| Reply::Raw(many.clone())).await, host());
    assert!(matches!(get(&host, &server.url("/"), true).await, Err(EgressError::TooLarge(_))));
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_query() {
    let (host, _) = host();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = get(&host, &format!("http://{closed}/?code=secret"), true).await.unwrap_err();
    assert!(matches!(error, EgressError::Unreachable { .. }) && !error.to_string().contains("secret"), "{error}");
    let none = host_with(&Names::new(&[&[]]), None);
    assert_eq!(get(&none, "http://id.test/?code=secret", true).await.unwrap_err(), EgressError::Unresolved("id.test".into()));
}

#[tokio::test]
async fn the_operators_secret_goes_out_in_place_of_the_guests_and_cookies_do_not_stay() {
    let body = "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (server, (host, _)) = (Server::start(move |_| Reply::Raw(body.into())).await, host());
    for _ in 0..2 {
        let secret = Some(Secret::new("Bearer theirs".into()));
        let headers = vec![("Authorization".into(), "Bearer mine".into())];
        host.send(EgressRequest { authorization: secret, headers, ..request(&server.url("/"), true) }).await.unwrap();
    }
    let heads = server.requests.lock().unwrap().join("");
    assert!(heads.contains("authorization: Bearer theirs") && !heads.contains("mine") && !heads.contains("cookie"), "{heads}");
}

#[tokio::test]
async fn a_server_is_believed_by_the_operators_authority_and_its_own_name() {
    let certificates = CertificateDer::pem_slice_iter(include_bytes!("fixtures/server.pem")).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("fixtures/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(certificates, key).unwrap()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, Arc::default(), script(|_| Reply::Json("hello".into()))).await;
            }
        }
    });
    let names = Names::new(&[&["127.0.0.1"]]);
    let (trusting, other) = (host_with(&names, Some(include_str!("fixtures/authority.pem"))), host_with(&names, None));
    assert_eq!(get(&trusting, &format!("https://id.test:{port}/"), true).await.unwrap().body, b"hello");
    assert!(matches!(get(&trusting, &format!("https://other.test:{port}/"), true).await, Err(EgressError::Unreachable { .. })));
    assert!(matches!(get(&other, &format!("https://id.test:{port}/"), true).await, Err(EgressError::Unreachable { .. })));
}
