//! Each bound, one over and at it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use portcullis_core::strategy::{RejectionCode, StrategyError, Verdict};

use super::{response, strategy, verdict};
use crate::bindings::{route, strategy as wit};
use crate::convert::{Breach, Scale};

fn identity() -> wit::Identity {
    wit::Identity {
        subject: "s".into(),
        issuer: "https://i".into(),
        name: None,
        groups: vec![],
        scopes: vec![],
        audience: vec![],
        expires_at: 1,
        client: None,
        grant: None,
        authorization_details: None,
    }
}

/// What is said of an identity after a change.
fn judged(change: impl FnOnce(&mut wit::Identity)) -> Result<(), Breach> {
    let mut said = identity();
    change(&mut said);
    verdict(Ok(wit::Verdict::Principal(said)), &mut Scale::new(1 << 20)).map(drop)
}

type Change = Box<dyn FnOnce(&mut wit::Identity)>;

#[test]
fn an_identity_is_bounded_in_every_part() {
    let words = |count: usize| vec!["w".to_owned(); count];
    let over: Vec<(&str, Change)> = vec![
        ("subject", Box::new(|it| it.subject = String::new())),
        ("subject", Box::new(|it| it.subject = "s".repeat(513))),
        ("subject", Box::new(|it| it.subject = "a\nb".into())),
        ("issuer", Box::new(|it| it.issuer = "i".repeat(513))),
        ("issuer", Box::new(|it| it.issuer = String::new())),
        ("name", Box::new(|it| it.name = Some("n".repeat(513)))),
        ("client", Box::new(|it| it.client = Some("c".repeat(2_049)))),
        ("grant", Box::new(|it| it.grant = Some("g".repeat(257)))),
        ("groups", Box::new(move |it| it.groups = words(257))),
        ("groups", Box::new(|it| it.groups = vec!["g".repeat(257)])),
        ("scopes", Box::new(move |it| it.scopes = words(257))),
        ("scopes", Box::new(|it| it.scopes = vec!["a\r\nx: y".into()])),
        ("audience", Box::new(move |it| it.audience = words(33))),
        ("details", Box::new(|it| it.authorization_details = Some("{}".into()))),
        ("details", Box::new(|it| it.authorization_details = Some(format!("[\"{}\"]", "x".repeat(16 << 10))))),
    ];
    for (what, change) in over {
        let refused = judged(change);
        assert!(matches!(&refused, Err(Breach::Contract(reason)) if reason.contains(what)), "{what}: {refused:?}");
    }
    judged(|it| {
        (it.subject, it.issuer) = ("s".repeat(512), "i".repeat(512));
        (it.name, it.client, it.grant) = (Some("n".repeat(512)), Some("c".repeat(2_048)), Some("g".repeat(256)));
        (it.groups, it.scopes, it.audience) = (words(256), words(256), words(32));
        it.authorization_details = Some("[{}]".into());
    })
    .unwrap();
}

#[test]
fn an_identity_is_weighed_whole() {
    let said = || Ok(wit::Verdict::Principal(identity()));
    assert_eq!(verdict(said(), &mut Scale::new(9)).map(drop), Err(Breach::Output));
    assert!(verdict(said(), &mut Scale::new(10)).is_ok());
}

#[test]
fn a_rejection_has_a_short_message_and_an_unknown_code_is_invalid() {
    let said = |code: &str, message: String| {
        verdict(Ok(wit::Verdict::Reject(wit::Rejection { code: code.into(), message })), &mut Scale::new(1 << 20))
    };
    assert!(said("expired", "m".repeat(1_025)).is_err());
    let Ok(Ok(Verdict::Reject(rejection))) = said("later", "m".repeat(1_024)) else { unreachable!() };
    assert_eq!(rejection.code, RejectionCode::Invalid);
}

#[test]
fn a_fault_is_a_refusal_however_long_it_is() {
    let said = |code: &str| {
        let fault = wit::Fault { code: code.into(), message: "m".repeat(5_000), retry_after_ms: Some(7) };
        verdict(Err(fault), &mut Scale::new(1)).unwrap().unwrap_err()
    };
    for (code, is) in [("unavailable", true), ("internal", false), ("later", false)] {
        let StrategyError::Fault { unavailable, message, retry_after } = said(code) else { unreachable!() };
        assert_eq!((unavailable, message.len(), retry_after.unwrap().as_millis()), (is, 1_024, 7));
    }
}

#[test]
fn a_description_is_bounded_and_its_routes_need_the_export() {
    let said = |change: fn(&mut wit::Strategy), has_routes| {
        let (metadata, none) = (Some(r#"{"a":1}"#.to_owned()), Vec::new);
        let (shapes, scopes) = (vec!["jwt".into()], vec!["read".into()]);
        let mut said = wit::Strategy { authorization_servers: none(), scopes, metadata, shapes, routes: vec![] };
        change(&mut said);
        strategy(said, has_routes, &mut Scale::new(1 << 20))
    };
    let serving: fn(&mut wit::Strategy) =
        |it| it.routes.push(wit::Route { method: "GET".into(), path: "/a".into(), cors: "any".into() });
    assert!(said(serving, true).unwrap().routes.iter().all(|one| one.cors));
    assert!(said(serving, false).is_err());
    let over: [fn(&mut wit::Strategy); 6] = [
        |it| it.metadata = Some("[]".into()),
        |it| it.metadata = Some(format!("{{\"a\":\"{}\"}}", "x".repeat(16 << 10))),
        |it| it.authorization_servers = vec!["i".repeat(2_049)],
        |it| it.scopes = vec!["s".into(); 1_025],
        |it| it.shapes = vec!["jwt".into(); 33],
        |it| it.routes = vec![wit::Route { method: "get /b".into(), path: "/a".into(), cors: String::new() }],
    ];
    over.into_iter().for_each(|change| assert!(matches!(said(change, true), Err(Breach::Contract(_)))));
}

#[test]
fn a_response_splits_no_header_and_is_bounded() {
    let said = |status, headers: Vec<(&str, String)>| {
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        response(Ok(route::Response { status, headers, body: vec![0; 100] }), &mut Scale::new(64 << 10)).map(drop)
    };
    assert_eq!(said(200, vec![("location", "l".repeat(8 << 10))]), Ok(()));
    assert_eq!(response_of(101), Err(Breach::Output));
    for bad in [
        said(199, vec![]),
        said(600, vec![]),
        said(200, vec![("location", "a\r\nset-cookie: b".into())]),
        said(200, vec![("a\nb", "c".into())]),
        said(200, vec![("location", "l".repeat((8 << 10) + 1))]),
        said(200, vec![("set-cookie", "c".into()); 65]),
    ] {
        assert!(matches!(bad, Err(Breach::Contract(_))), "{bad:?}");
    }
}

fn response_of(bytes: usize) -> Result<(), Breach> {
    response(Ok(route::Response { status: 200, headers: vec![], body: vec![0; bytes] }), &mut Scale::new(100)).map(drop)
}
