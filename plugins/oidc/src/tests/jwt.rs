//! JWT access tokens.

use portcullis_plugin::auth::jwt::Keys;
use portcullis_plugin::auth::{Identity, Rejection, Verdict};
use serde_json::{Value, json};

use super::fake::{Fake, ISSUER, NOW, RESOURCE, claims, settings, token};
use crate::judging::judge;

fn verdict(setup: Value, members: Value) -> Verdict {
    judge(&Fake::default(), &settings(setup), &token(&json!({"typ": "at+jwt"}), &claims(members), "good")).unwrap()
}

fn identity(setup: Value, members: Value) -> Identity {
    match verdict(setup, members) {
        Verdict::Principal(identity) => identity,
        other => panic!("{other:?}"),
    }
}

fn rejection(setup: Value, members: Value) -> Rejection {
    match verdict(setup, members) {
        Verdict::Reject(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_token_becomes_the_identity_that_its_issuer_says() {
    let details = json!([{"type": "project", "id": "p1"}]);
    let members =
        json!({"scope": "read write", "groups": ["dba"], "name": "Alice", "client_id": "cli", "authorization_details": details});
    let expected = Identity {
        subject: "alice".into(),
        issuer: ISSUER.into(),
        name: Some("Alice".into()),
        groups: vec!["dba".into()],
        scopes: vec!["read".into(), "write".into()],
        audience: vec![RESOURCE.into()],
        expires_at: NOW + 660,
        client: Some("cli".into()),
        grant: None,
        authorization_details: Some(details.to_string()),
    };
    assert_eq!(identity(json!({}), members), expected);
}

#[test]
fn claims_are_where_the_operator_says_that_they_are() {
    let setup = json!({"scopeClaim": "permissions", "groupsClaim": "/realm_access/roles", "nameClaim": "nick"});
    let members =
        json!({"permissions": ["a"], "realm_access": {"roles": ["r"]}, "nick": "al", "scope": "z", "groups": ["g"], "name": "n"});
    let found = identity(setup, members.clone());
    assert_eq!((found.scopes, found.groups, found.name.as_deref()), (vec!["a".into()], vec!["r".into()], Some("al")));
    assert!(identity(json!({"groupsClaim": null}), members).groups.is_empty());
    assert_eq!(identity(json!({}), json!({"scp": ["a", "b"]})).scopes, ["a", "b"]);
}

#[test]
fn a_token_of_nobody_known_is_left_to_the_next_strategy_and_its_keys_are_not_fetched() {
    let host = Fake::default();
    for strange in [
        token(&json!({}), &claims(json!({"iss": "https://id.example.com"})), "good"),
        token(&json!({}), &claims(json!({"iss": null})), "good"),
        token(&json!({}), &claims(json!({"iss": ["https://id.example.com/"]})), "good"),
        format!("{}.more", token(&json!({}), &claims(json!({})), "good")),
        "a.b.c".to_owned(),
        "opaque".to_owned(),
        "a.b.c.d.e".to_owned(),
    ] {
        assert_eq!(judge(&host, &settings(json!({})), &strange), Ok(Verdict::NotMine), "{strange}");
    }
    assert!(host.verified.borrow().is_empty());
}

#[test]
fn w15_issuer_types_algorithms_and_leeway_are_always_part_of_what_is_expected() {
    let host = Fake::default();
    let credential = token(&json!({}), &claims(json!({})), "good");
    judge(&host, &settings(json!({})), &credential).unwrap();
    judge(&host, &settings(json!({"jwksUri": "https://id/keys", "algorithms": ["ES256"], "types": ["at+jwt"]})), &credential)
        .unwrap();
    let asked = host.verified.borrow();
    assert_eq!(asked[0].0, Keys::Issuer(ISSUER.into()));
    assert_eq!((asked[0].1.issuer.as_deref(), asked[0].1.leeway_s), (Some(ISSUER), 60));
    assert_eq!(asked[0].1.types, ["", "jwt", "at+jwt"]);
    assert!(asked[0].1.algorithms.iter().all(|one| !one.starts_with("HS") && one != "none") && !asked[0].1.algorithms.is_empty());
    assert_eq!(asked[1].0, Keys::KeySet("https://id/keys".into()));
    assert_eq!((asked[1].1.algorithms.join(" "), asked[1].1.types.join(" ")), ("ES256".into(), "at+jwt".into()));
}

#[test]
fn w15_leeway_holds_until_the_host_lets_nobody_in_any_more() {
    let ends = |leeway: Value| {
        let mut settings = settings(json!({}));
        settings.leeway_seconds = serde_json::from_value(leeway).unwrap();
        let credential = token(&json!({"typ": "at+jwt"}), &claims(json!({"exp": NOW - 5})), "good");
        match judge(&Fake::default(), &settings, &credential).unwrap() {
            Verdict::Principal(identity) => identity.expires_at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((ends(json!(60)), ends(json!(0)), ends(json!(300))), (NOW + 55, NOW - 5, NOW + 295));
}

#[test]
fn w15_a_token_without_subject_or_end_proves_nothing() {
    assert_eq!(rejection(json!({}), json!({"sub": null})).code, "invalid");
    assert_eq!(rejection(json!({}), json!({"sub": ""})).code, "invalid");
    assert_eq!(rejection(json!({}), json!({"exp": null})).code, "invalid");
}

#[test]
fn w15_an_id_token_is_no_access_token() {
    let credential = token(&json!({"typ": "JWT"}), &claims(json!({"nonce": "n"})), "good");
    let verdict = judge(&Fake::default(), &settings(json!({})), &credential).unwrap();
    assert_eq!(verdict, Verdict::Reject(Rejection::invalid("The token is an id_token, not an access token.")));
}

#[test]
fn w15_too_few_scopes_are_for_the_host_to_refuse_with_403() {
    assert!(identity(json!({"scopes": ["admin"]}), json!({"scope": "read"})).scopes == ["read"]);
}

#[test]
fn a_foreign_audience_is_refused_and_none_at_all_too() {
    let ours = json!({"audiences": ["https://api.example.com"]});
    assert_eq!(rejection(ours.clone(), json!({})).code, "audience");
    assert_eq!(rejection(json!({}), json!({"aud": null})).code, "audience");
    assert_eq!(rejection(json!({}), json!({"aud": []})).code, "audience");
    let both = identity(ours, json!({"aud": ["https://other", "https://api.example.com"]}));
    assert_eq!(both.audience, ["https://other", "https://api.example.com"]);
}

#[test]
fn only_clients_of_the_list_are_taken_if_there_is_one() {
    let setup = json!({"clients": ["cli"]});
    assert_eq!(identity(setup.clone(), json!({"azp": "cli"})).client.as_deref(), Some("cli"));
    assert_eq!(rejection(setup.clone(), json!({"azp": "cli", "client_id": "other"})).code, "invalid");
    assert_eq!(rejection(setup, json!({})).code, "invalid");
}

#[test]
fn what_the_host_finds_wrong_is_a_refusal_and_what_it_cannot_find_out_is_a_fault() {
    let judged = |code| judge(&Fake::default(), &settings(json!({})), &token(&json!({}), &claims(json!({})), code));
    for code in ["malformed", "algorithm", "type", "critical", "unknown-key", "signature", "immature", "issuer"] {
        assert!(matches!(judged(code), Ok(Verdict::Reject(Rejection { code, .. })) if code == "invalid"), "{code}");
    }
    assert!(matches!(judged("expired"), Ok(Verdict::Reject(Rejection { code, .. })) if code == "expired"));
    let away = judged("unavailable").unwrap_err();
    assert_eq!((away.code.as_str(), away.retry_after_ms), ("unavailable", Some(700)));
    for code in ["denied", "internal", "of-a-later-track"] {
        assert_eq!(judged(code).unwrap_err().code, "internal");
    }
}

#[test]
fn an_issuer_that_is_named_twice_is_a_mistake_of_the_operator() {
    let twice = json!({"issuers": [{"issuer": ISSUER}, {"issuer": "https://b"}, {"issuer": ISSUER}]}).to_string();
    assert!(crate::settings::Settings::parse(&twice).unwrap_err().contains(ISSUER));
}
