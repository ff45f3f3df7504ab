//! Access tokens of a real provider at an endpoint that the strategy oidc guards.

use portcullis_tests::application::{agent, get};
use portcullis_tests::idp::Idp;
use portcullis_tests::logins::{Rig, provider_tokens};
use serde_json::{Value, json};

use crate::auth_rig::whoami;
use crate::serve_rig::{Client, until};

#[test]
fn a_token_of_the_provider_calls_a_tool_and_says_who_calls() {
    let Some(rig) = Rig::start() else { return };
    let token = &provider_tokens(&rig.idp, "alice", &rig.direct())["access_token"];
    assert_eq!(whoami(&rig.direct(), token), Ok(format!("alice@{} dba,staff", rig.idp.issuer())));
    let client = Client::with_token(&rig.direct(), token.as_str().unwrap());
    assert!(client.tools().contains(&"whoami".to_owned()), "{}", rig.host.log());
}

#[test]
fn a_caller_without_a_token_is_told_where_to_log_in() {
    let Some(rig) = Rig::start() else { return };
    let response = agent().post(rig.direct()).send_json(json!({})).unwrap();
    assert_eq!(response.status(), 401);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let metadata = format!("{}/.well-known/oauth-protected-resource/test", rig.test);
    assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "{challenge}");
    assert!(challenge.contains("scope=\"read\"") && !challenge.contains("error"), "{challenge}");
    for url in [metadata, format!("{}/.well-known/oauth-protected-resource", rig.test)] {
        let (status, document) = get(&url);
        assert_eq!((status, &document["resource"]), (200, &json!(rig.direct())), "{document}");
        assert_eq!(document["authorization_servers"], json!([rig.idp.issuer()]));
    }
}

#[test]
fn tokens_that_were_not_made_for_this_endpoint_are_refused() {
    let Some(rig) = Rig::start() else { return };
    let here = rig.direct();
    let alice = provider_tokens(&rig.idp, "alice", &here);
    let elsewhere = provider_tokens(&rig.idp, "alice", "http://127.0.0.1:9/test");
    let bob = provider_tokens(&rig.idp, "bob", &here);
    let stranger = foreign_token(&rig);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (good, other) = (text(&alice["access_token"]), text(&bob["access_token"]));
    let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
    // {"alg":"none","typ":"at+jwt"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", part(&good, 1));
    let cases = [
        ("for another resource", text(&elsewhere["access_token"])),
        ("of another issuer", stranger),
        ("an id_token", text(&alice["id_token"])),
        ("not signed", none),
        ("another's claims", format!("{}.{}.{}", part(&good, 0), part(&other, 1), part(&good, 2))),
        ("without signature", format!("{}.{}.", part(&good, 0), part(&good, 1))),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("no token at all", "no-token".to_owned()),
    ];
    for (what, token) in cases {
        assert_eq!(whoami(&here, &json!(token)), Err(401), "{what}: {token}");
    }
    assert!(whoami(&here, &json!(good)).is_ok(), "{}", rig.host.log());
}

/// As good as any, of a provider that this host does not know.
fn foreign_token(rig: &Rig) -> String {
    let other = Idp::start("http://127.0.0.1/unused").unwrap().unwrap();
    provider_tokens(&other, "alice", &rig.direct())["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_refused_when_it_has_expired() {
    let Some(rig) = Rig::start() else { return };
    rig.idp.control(&json!({"accessTokenTTL": 3})).unwrap();
    let token = provider_tokens(&rig.idp, "alice", &rig.direct())["access_token"].clone();
    assert!(whoami(&rig.direct(), &token).is_ok(), "{}", rig.host.log());
    // Also from the cache of verdicts.
    until(&rig.host, "the end of a token", || (whoami(&rig.direct(), &token) == Err(401)).then_some(()));
}

#[test]
fn new_keys_of_the_provider_are_taken_up() {
    let Some(rig) = Rig::start() else { return };
    let old = provider_tokens(&rig.idp, "alice", &rig.direct())["access_token"].clone();
    assert!(whoami(&rig.direct(), &old).is_ok(), "{}", rig.host.log());
    rig.idp.control(&json!({"rotate": true})).unwrap();
    let new = provider_tokens(&rig.idp, "bob", &rig.direct())["access_token"].clone();
    // Unknown keys are asked for at most every 30 seconds, so that tokens with made-up ones cost the provider nothing.
    let says = until(&rig.host, "the new key", || whoami(&rig.direct(), &new).ok());
    assert!(says.starts_with("bob@"), "{says}");
}

#[test]
fn opaque_tokens_are_introspected() {
    let Some(rig) = Rig::start() else { return };
    rig.idp.control(&json!({"format": "opaque"})).unwrap();
    let token = provider_tokens(&rig.idp, "alice", &rig.direct())["access_token"].clone();
    assert!(!token.as_str().unwrap().contains('.'), "{token}");
    assert!(whoami(&rig.direct(), &token).unwrap().starts_with("alice@"), "{}", rig.host.log());
    let asked = rig.idp.control(&json!({})).unwrap().asked;
    assert!(asked.contains(&"POST /token/introspection".to_owned()), "{asked:?}");
    assert_eq!(whoami(&rig.direct(), &json!("some-other-opaque-token")), Err(401));
}

#[test]
fn an_encrypted_token_is_refused() {
    let Some(rig) = Rig::start() else { return };
    rig.idp.control(&json!({"encrypted": true})).unwrap();
    let token = provider_tokens(&rig.idp, "alice", &rig.direct())["access_token"].clone();
    assert_eq!(token.as_str().unwrap().split('.').count(), 5, "{token}");
    assert_eq!(whoami(&rig.direct(), &token), Err(401));
}
