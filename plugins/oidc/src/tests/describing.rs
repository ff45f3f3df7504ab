//! What is advertised.

use serde_json::{Value, json};

use super::fake::{Fake, ISSUER, settings};
use crate::describing::describe;

fn advertised(document: Option<Value>) -> (Vec<String>, usize) {
    let documents = document.into_iter().map(|document| (ISSUER.to_owned(), document.to_string())).collect();
    let host = Fake { documents, ..Fake::default() };
    drop(portcullis_plugin::testing::take());
    let scopes = describe(&host, &settings(json!({"scopes": ["openid", "read", "write"]}))).scopes;
    let lines = portcullis_plugin::testing::take().len();
    (scopes, lines)
}

#[test]
fn what_the_issuer_no_longer_supports_is_not_advertised_and_nothing_is_added() {
    assert_eq!(advertised(Some(json!({"scopes_supported": ["write", "openid", "admin"]}))).0, ["openid", "write"]);
    assert_eq!(advertised(None).0, ["openid", "read", "write"]);
    assert_eq!(advertised(Some(json!({}))).0, ["openid", "read", "write"]);
}

#[test]
fn an_empty_intersection_widens_nothing_and_is_said_aloud() {
    assert_eq!(advertised(Some(json!({"scopes_supported": ["admin"]}))), (Vec::new(), 1));
}

#[test]
fn w17_issuers_are_published_character_for_character() {
    let described = describe(&Fake::default(), &settings(json!({"issuer": "http://as"})));
    assert_eq!((described.authorization_servers.join(" "), described.shapes.join(" ")), ("http://as".into(), "jwt".into()));
    let setup = json!({"introspection": {"endpoint": "https://id.example.com/i"}});
    assert_eq!(describe(&Fake::default(), &settings(setup)).shapes, ["jwt", "opaque"]);
    let setup = json!({"introspection": {"endpoint": "https://id.example.com/i", "prefix": "gho_"}});
    assert_eq!(describe(&Fake::default(), &settings(setup)).shapes, ["jwt", "prefix:gho_"]);
}
