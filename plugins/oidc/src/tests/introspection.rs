//! Opaque tokens (RFC 7662).

use portcullis_plugin::auth::http::HttpError;
use portcullis_plugin::auth::{Fault, Verdict};
use serde_json::{Value, json};

use super::fake::{Fake, ISSUER, NOW, RESOURCE, settings};
use crate::judging::judge;
use crate::settings::Settings;

const ENDPOINT: &str = "https://id.example.com/introspect";

fn answering(status: u16, body: &Value) -> Fake {
    Fake { replies: [(ENDPOINT.to_owned(), Ok((status, body.to_string())))].into(), ..Fake::default() }
}

fn judged(host: &Fake, token: &str) -> Result<Verdict, Fault> {
    judge(host, &settings(json!({"introspection": {"endpoint": ENDPOINT}})), token)
}

fn active(members: Value) -> Value {
    let mut answer =
        json!({"active": true, "sub": "alice", "aud": RESOURCE, "scope": "read", "client_id": "cli", "exp": NOW + 600});
    answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    answer
}

#[test]
fn an_active_token_is_its_subject_and_is_asked_about_again_soon() {
    let host = answering(200, &active(json!({})));
    let Ok(Verdict::Principal(identity)) = judged(&host, "a b&c") else { panic!("refused") };
    assert_eq!((identity.subject.as_str(), identity.issuer.as_str(), identity.expires_at), ("alice", ISSUER, NOW + 60));
    assert_eq!(*host.forms.borrow(), [(ENDPOINT.to_owned(), "token=a%20b%26c&token_type_hint=access_token".to_owned())]);
}

#[test]
fn a_token_that_ends_sooner_is_kept_no_longer_than_that_and_the_leeway() {
    for (members, ends) in
        [(json!({"exp": NOW - 50}), NOW + 10), (json!({"exp": NOW + 5}), NOW + 60), (json!({"exp": null}), NOW + 60)]
    {
        let mut answer = active(members);
        answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let Ok(Verdict::Principal(identity)) = judged(&answering(200, &answer), "t") else { panic!("refused") };
        assert_eq!(identity.expires_at, ends);
    }
}

#[test]
fn what_is_not_active_is_refused_and_only_true_is_active() {
    for answer in [json!({"active": false}), json!({"active": "true", "sub": "alice"}), json!({"sub": "alice"})] {
        assert!(matches!(judged(&answering(200, &answer), "t"), Ok(Verdict::Reject(_))), "{answer}");
    }
    // What a provider says to tokens that it encrypted for somebody else.
    let refusal = answering(400, &json!({"error": "unsupported_token_type"}));
    assert!(matches!(judged(&refusal, "t"), Ok(Verdict::Reject(_))));
}

#[test]
fn an_active_token_of_another_issuer_audience_or_time_is_refused() {
    for members in [json!({"iss": "https://evil"}), json!({"aud": []}), json!({"exp": NOW - 60}), json!({"sub": ""})] {
        assert!(matches!(judged(&answering(200, &active(members.clone())), "t"), Ok(Verdict::Reject(_))), "{members}");
    }
}

#[test]
fn an_issuer_that_does_not_answer_lets_nobody_in_and_sends_nobody_away() {
    for host in [
        answering(500, &active(json!({}))),
        answering(400, &json!({"error": "invalid_request"})),
        answering(401, &json!({})),
        answering(302, &active(json!({}))),
        answering(200, &json!("active")),
        Fake { replies: [(ENDPOINT.to_owned(), Err(HttpError::Timeout("slow".to_owned())))].into(), ..Fake::default() },
    ] {
        assert_eq!(judged(&host, "t").unwrap_err().code, "unavailable");
    }
}

#[test]
fn of_several_issuers_the_one_whose_token_it_is_is_asked_and_no_other() {
    let other = "https://b.example.com/introspect";
    let entry = |issuer: &str, endpoint: &str, prefix: Option<&str>| json!({"issuer": issuer, "introspection": {"endpoint": endpoint, "prefix": prefix}});
    let settings = |all: [Value; 2]| Settings::parse(&json!({"issuers": all}).to_string());
    let both = settings([entry("https://b", other, Some("b_")), entry(ISSUER, ENDPOINT, Some("i_"))]).unwrap();
    let host = answering(200, &active(json!({})));
    assert!(matches!(judge(&host, &both, "i_1"), Ok(Verdict::Principal(identity)) if identity.issuer == ISSUER));
    assert_eq!(judge(&host, &both, "x_1"), Ok(Verdict::NotMine));
    assert!(host.forms.borrow().iter().all(|(url, _)| url == ENDPOINT));
    for (one, two) in [(None, Some("i_")), (Some("i_"), None), (None, None), (Some("i_b"), Some("i_")), (Some("i_"), Some("i_"))]
    {
        let finding = settings([entry("https://b", other, one), entry(ISSUER, ENDPOINT, two)]).unwrap_err();
        assert!(finding.contains("`introspection.prefix`"), "{one:?} {two:?}");
    }
}

#[test]
fn tokens_of_this_host_go_to_no_issuer() {
    let host = answering(200, &active(json!({})));
    for own in ["pcl_pat_x", "pcl_key_x", "pcl_rt_x"] {
        assert_eq!(judged(&host, own), Ok(Verdict::NotMine));
    }
    assert!(host.forms.borrow().is_empty());
}
