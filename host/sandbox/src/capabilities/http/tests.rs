//! The capability as the guest's linker sees it: requests in, replies or errors out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use portcullis_core::egress::EgressError;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody};

use super::REQUESTS_MAX;
use crate::state::CallState;
use crate::testing::{self, FakeEgress, FakeSecrets};

fn state(egress: &Arc<FakeEgress>, rules: &str) -> CallState {
    state_with_calls(egress, rules, 100)
}

fn state_with_calls(egress: &Arc<FakeEgress>, rules: &str, host_calls: u32) -> CallState {
    let grant = serde_json::from_str(&format!(r#"{{"rules": {rules}}}"#)).unwrap();
    testing::state_with(|shared| {
        shared.grants.http = Some(grant);
        shared.ports.egress = Some(egress.clone());
        shared.ports.secrets = Some(Arc::new(FakeSecrets));
        (shared.limits.host_reply, shared.limits.host_calls) = (1_024, host_calls);
    })
}

const OPEN: &str = r#"[{"host": "id.example", "methods": ["GET", "POST"]}]"#;
const INJECTING: &str = r#"[{"host": "id.example", "methods": ["POST"], "inject": {"secret": "mine"}}]"#;

fn request(method: &str, body: Vec<u8>) -> http::Request<WasiBody> {
    let body = Full::new(body.into()).map_err(Error::from).boxed_unsync();
    let request = http::Request::builder().method(method).uri("https://id.example/token?x=1");
    request.header("authorization", "Bearer guest").header("x-own", "1").header("content-length", "3").body(body).unwrap()
}

async fn send(state: &mut CallState, request: http::Request<WasiBody>) -> Result<http::Response<WasiBody>> {
    send_within(state, request, None).await
}

async fn send_within(
    state: &mut CallState,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<http::Response<WasiBody>> {
    let sending = state.sending().hooks.send_request(request, options, Box::new(async { Ok(()) }));
    Box::into_pin(sending).await.map(|(response, _)| response)
}

fn header(egress: &FakeEgress, name: &str) -> Option<String> {
    egress.sent.lock()[0].headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

#[tokio::test]
async fn a_request_that_a_rule_covers_is_sent_and_its_reply_read() {
    let egress = Arc::new(FakeEgress::default());
    let reply = send(&mut state(&egress, OPEN), request("POST", b"abc".to_vec())).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["x-echo"].to_str().unwrap()), (200, "yes"));
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes().as_ref(), b"hello");
    let sent = egress.sent.lock()[0].clone();
    assert_eq!((sent.url.as_str(), sent.body.as_slice(), sent.private), ("https://id.example/token?x=1", &b"abc"[..], false));
    assert_eq!((sent.max_reply, sent.authorization.is_some()), (1_024, false));
    assert_eq!(header(&egress, "authorization").as_deref(), Some("Bearer guest"));
    assert_eq!((header(&egress, "x-own").as_deref(), header(&egress, "content-length")), (Some("1"), None));
}

#[tokio::test]
async fn where_the_host_authorizes_the_guests_own_authorization_is_dropped() {
    let egress = Arc::new(FakeEgress::default());
    send(&mut state(&egress, INJECTING), request("POST", Vec::new())).await.unwrap();
    assert_eq!(header(&egress, "authorization"), None);
    assert_eq!(egress.sent.lock()[0].authorization.as_ref().unwrap().reveal(), "Bearer value of mine");
}

#[tokio::test]
async fn what_no_rule_covers_is_not_sent() {
    let egress = Arc::new(FakeEgress::default());
    for (rules, method) in [(OPEN, "PUT"), ("[]", "GET")] {
        let refused = send(&mut state(&egress, rules), request(method, Vec::new())).await;
        assert!(matches!(refused, Err(Error::HttpRequestDenied)), "{method}");
    }
    let ungranted = send(&mut testing::state(), request("GET", Vec::new())).await;
    assert!(matches!(ungranted, Err(Error::HttpRequestDenied)) && egress.sent.lock().is_empty());
}

#[tokio::test]
async fn bodies_are_bounded_both_ways() {
    let egress = Arc::new(FakeEgress::default());
    let long = send(&mut state(&egress, OPEN), request("POST", vec![0; (1 << 20) + 1])).await;
    assert!(matches!(long, Err(Error::HttpRequestBodySize(Some(_)))) && egress.sent.lock().is_empty());
    egress.answer(Ok(vec![0; 1_025]));
    let long = send(&mut state(&egress, OPEN), request("GET", Vec::new())).await;
    assert!(matches!(long, Err(Error::HttpResponseBodySize(Some(1_024)))));
}

#[tokio::test]
async fn each_request_is_a_host_call_and_one_over_the_cap_is_not_sent() {
    let egress = Arc::new(FakeEgress::default());
    let mut state = state_with_calls(&egress, OPEN, 1);
    send(&mut state, request("GET", Vec::new())).await.unwrap();
    assert!(send(&mut state, request("GET", Vec::new())).await.is_err());
    assert_eq!((egress.sent.lock().len(), state.meter.tripped()), (1, Some(crate::limits::Trip::HostCalls)));
}

#[tokio::test]
async fn replies_that_the_guest_holds_take_places() {
    let egress = Arc::new(FakeEgress::default());
    let mut state = state(&egress, OPEN);
    let mut held = Vec::new();
    for _ in 0..REQUESTS_MAX {
        held.push(send(&mut state, request("GET", Vec::new())).await.unwrap());
    }
    assert!(matches!(send(&mut state, request("GET", Vec::new())).await, Err(Error::ConnectionLimitReached)));
    held.pop();
    send(&mut state, request("GET", Vec::new())).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_silent_costs_the_guests_own_time_or_the_calls() {
    let egress = Arc::new(FakeEgress::default());
    *egress.silent.lock() = true;
    let brief = Duration::from_millis(50);
    let options = RequestOptions { first_byte_timeout: Some(brief), ..RequestOptions::default() };
    for options in [Some(options), None] {
        let (mut state, began) = (state(&egress, OPEN), Instant::now());
        if options.is_none() {
            state.caller.deadline = began + brief;
        }
        let late = send_within(&mut state, request("GET", Vec::new()), options).await;
        assert!(matches!(late, Err(Error::HttpResponseTimeout)) && began.elapsed() >= brief);
    }
}

#[tokio::test]
async fn an_address_that_may_not_be_reached_is_told_apart() {
    let egress = Arc::new(FakeEgress::default());
    egress.answer(Err(EgressError::Address("id.example".into())));
    let refused = send(&mut state(&egress, OPEN), request("GET", Vec::new())).await;
    assert!(matches!(refused, Err(Error::DestinationIpProhibited)));
}
