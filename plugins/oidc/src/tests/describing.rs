//! What is advertised.

use portcullis_plugin::testing;
use serde_json::{Value, json};

use super::fake::{Fake, ISSUER, settings};
use crate::describing::describe;

/// The scopes that are described, and how many lines the log has about it.
fn described(members: Value, curated: &[&str], document: Option<Value>) -> (Vec<String>, usize) {
    let documents = document.into_iter().map(|document| (ISSUER.to_owned(), document.to_string())).collect();
    let host = Fake { documents, ..Fake::default() };
    let curated: Vec<String> = curated.iter().map(|&one| one.to_owned()).collect();
    drop(testing::take());
    let scopes = describe(&host, &settings(members), &curated).scopes;
    (scopes, testing::take().len())
}

fn advertised(document: Option<Value>) -> Vec<String> {
    described(json!({"scopes": ["openid", "read", "write"]}), &[], document).0
}

#[test]
fn what_the_issuer_no_longer_supports_is_not_advertised_and_nothing_is_added() {
    assert_eq!(advertised(Some(json!({"scopes_supported": ["write", "openid", "admin"]}))), ["openid", "write"]);
    for silent in [None, Some(json!({})), Some(json!({"scopes_supported": []})), Some(json!({"scopes_supported": null}))] {
        assert_eq!(advertised(silent), ["openid", "read", "write"]);
    }
}

#[test]
fn the_endpoints_scopes_are_intersected_when_the_issuer_has_none_of_its_own() {
    let live = || Some(json!({"scopes_supported": ["write", "admin"]}));
    assert_eq!(described(json!({}), &["read", "write"], live()), (vec!["write".into()], 0));
    assert_eq!(described(json!({}), &["read", "write"], None), (vec!["read".into(), "write".into()], 0));
    assert_eq!(described(json!({"scopes": ["admin"]}), &["write"], live()), (vec!["admin".into()], 0));
    assert_eq!(described(json!({}), &[], live()), (Vec::new(), 0), "nothing is curated: nothing is added");
}

#[test]
fn an_empty_intersection_is_said_aloud_and_in_a_way_that_the_host_cannot_widen() {
    for members in [json!({}), json!({"scopes": ["gone"]})] {
        let of = |supported: Value| described(members.clone(), &["gone"], Some(json!({"scopes_supported": supported})));
        assert_eq!(of(json!(["admin", "openid"])), (vec!["openid".into()], 1));
        // Empty would mean "not known", and the host would advertise everything that is curated.
        assert_eq!(of(json!(["admin"])), (vec!["offline_access".into()], 1));
    }
}

#[test]
fn what_the_operator_named_stands_where_the_issuers_list_is_known_not_to_be_complete() {
    let list = || Some(json!({"scopes_supported": ["openid", "profile", "email"]}));
    for supported in [list(), Some(json!({"scopes_supported": ["openid", "read"]})), None] {
        let own = json!({"listsAllScopes": false, "scopes": ["read", "write"]});
        assert_eq!(described(own, &["other"], supported.clone()), (vec!["read".into(), "write".into()], 0));
        assert_eq!(described(json!({"listsAllScopes": false}), &["read"], supported), (vec!["read".into()], 0));
    }
    assert_eq!(described(json!({"listsAllScopes": false}), &[], list()), (Vec::new(), 0), "nothing is curated: nothing is added");
}

#[test]
fn whose_scopes_all_fall_away_hears_of_the_setting_for_lists_that_are_not_complete() {
    let documents = [(ISSUER.to_owned(), json!({"scopes_supported": ["openid"]}).to_string())].into();
    drop(testing::take());
    describe(&Fake { documents, ..Fake::default() }, &settings(json!({})), &["read".to_owned()]);
    assert!(format!("{:?}", testing::take()).contains("`listsAllScopes: false`"));
}

#[test]
fn w17_issuers_are_published_character_for_character() {
    let described = describe(&Fake::default(), &settings(json!({"issuer": "http://as"})), &[]);
    assert_eq!((described.authorization_servers.join(" "), described.shapes.join(" ")), ("http://as".into(), "jwt".into()));
    let setup = json!({"introspection": {"endpoint": "https://id.example.com/i"}});
    assert_eq!(describe(&Fake::default(), &settings(setup), &[]).shapes, ["jwt", "opaque"]);
    let setup = json!({"introspection": {"endpoint": "https://id.example.com/i", "prefix": "gho_"}});
    assert_eq!(describe(&Fake::default(), &settings(setup), &[]).shapes, ["jwt", "prefix:gho_"]);
}
