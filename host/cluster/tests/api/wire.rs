//! What only an odd server or proxy sends: warnings, foreign bodies, broken streams, sizes.

use std::time::Duration;

use portcullis_core::kube::{Form, KubeOperation, KubeOrigin, KubeRequest, ListOptions, LogOptions};
use portcullis_core::ports::KubeApi as _;

use super::asking::{ask, by, config_maps, core, request, shown, watch};
use super::raw::{Answer, Raw, WATCH, chunk, whole};

const JSON: &str = "content-type: application/json\r\n";

fn get() -> KubeOperation {
    KubeOperation::Get(Form::Object)
}

#[tokio::test]
async fn a_reply_is_passed_on_byte_for_byte_with_its_warnings() {
    let body = "{ \"a\" : 1.000, \"b\":\"\\u00fc\" }\n";
    let warnings = "warning: 299 - \"v1beta1 is deprecated\"\r\nwarning: 299 - \"unknown field \\\"x\\\"\"\r\n";
    let raw = Raw::start(vec![whole("200 OK", &format!("{JSON}{warnings}"), body)]).await;
    let api = raw.client("t").await;
    let reply = ask(&api, config_maps(Some("x")), get()).await.unwrap();
    assert_eq!(
        (reply.body.as_str(), reply.warnings),
        (body, vec!["v1beta1 is deprecated".to_owned(), "unknown field \"x\"".to_owned()])
    );
    let head = raw.heads().remove(0);
    assert!(
        head.starts_with("get /base/api/v1/namespaces/default/configmaps/x http/1.1\r\n")
            && head.contains("authorization: bearer t\r\n"),
        "{head}"
    );
    assert_eq!(api.default_namespace(), "apps");
}

#[tokio::test]
async fn a_reply_that_is_no_json_is_not_taken_for_one() {
    let html = whole("200 OK", "content-type: text/html\r\n", "<html>Log in</html>");
    let raw = Raw::start(vec![html, whole("302 Found", "location: /login\r\n", "")]).await;
    let api = raw.client("t").await;
    for _ in 0..2 {
        assert_eq!(ask(&api, config_maps(Some("x")), get()).await.unwrap_err().reason, "BadReply");
    }
}

#[tokio::test]
async fn a_proxys_error_page_keeps_its_code() {
    let raw = Raw::start(vec![whole("502 Bad Gateway", "content-type: text/html\r\n", "<html>nginx</html>")]).await;
    let refusal = ask(&raw.client("t").await, config_maps(Some("x")), get()).await.unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str()), (502, "ServiceUnavailable"));
    assert!(!refusal.message.contains("<html>"), "{refusal}");
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_whether_announced_or_not() {
    let body = "x".repeat(2000);
    let announced = whole("200 OK", JSON, &body);
    let streamed = Answer::Pieces(vec![WATCH.into(), chunk(&body[..900]), chunk(&body[..900]), b"0\r\n\r\n".to_vec()]);
    let fits = whole("200 OK", JSON, &body[..1000]);
    let raw = Raw::start(vec![announced, streamed, fits]).await;
    let api = raw.client("t").await;
    let capped = || KubeRequest { max_reply: 1000, ..request(config_maps(Some("x")), get()) };
    for _ in 0..2 {
        let refusal = api.send(capped()).await.unwrap_err();
        assert!(refusal.reason == "TooLarge" && refusal.message.contains("1000 bytes"), "{refusal}");
    }
    assert_eq!(api.send(capped()).await.unwrap().body.len(), 1000);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_reply() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    let raw = Raw::start(vec![Answer::Pieces(vec![head.clone()]), Answer::Reset(head)]).await;
    let api = raw.client("t").await;
    for _ in 0..2 {
        let refusal = ask(&api, config_maps(Some("x")), get()).await.unwrap_err();
        assert_eq!((refusal.reason.as_str(), refusal.code, refusal.origin), ("Unreachable", 0, KubeOrigin::Host));
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_timeout() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    let raw = Raw::start(vec![Answer::Silence(head)]).await;
    let short = KubeRequest { timeout: Duration::from_millis(200), ..request(config_maps(Some("x")), get()) };
    let refusal = raw.client("t").await.send(short).await.unwrap_err();
    assert_eq!((refusal.reason.as_str(), refusal.message.as_str()), ("Timeout", "the API server did not answer within 200 ms"));
}

#[tokio::test]
async fn logs_may_be_any_bytes_and_a_cut_character_is_replaced() {
    let mut text =
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nab\xc3".to_vec();
    text.push(b'\xff');
    let raw = Raw::start(vec![Answer::Pieces(vec![text])]).await;
    let reply = ask(&raw.client("t").await, core("pods", Some("p")), KubeOperation::Logs(LogOptions::default())).await.unwrap();
    assert_eq!(reply.body, "ab\u{fffd}\u{fffd}");
}

#[tokio::test]
async fn watch_events_come_whole_however_they_are_cut() {
    let one = r#"{"type":"ADDED","object":{"metadata":{"name":"ü-1"}}}"#;
    let two = r#"{"type":"DELETED","object":{"metadata":{"name":"two"}}}"#;
    let text = format!("{one}\n\n{two}\r\n");
    let cut: Vec<Vec<u8>> = text.as_bytes().iter().map(|byte| [b"1\r\n".as_slice(), &[*byte], b"\r\n"].concat()).collect();
    let pieces = [vec![WATCH.into()], cut, vec![b"0\r\n\r\n".to_vec()]].concat();
    let together = vec![WATCH.into(), chunk(&format!("{one}\n{two}")), b"0\r\n\r\n".to_vec()];
    let raw = Raw::start(vec![Answer::Pieces(pieces), Answer::Pieces(together)]).await;
    let api = raw.client("t").await;
    for _ in 0..2 {
        let mut events = watch(&api, config_maps(None), ListOptions::default(), 60).await.unwrap();
        assert_eq!((shown(&mut *events).await, shown(&mut *events).await), ("ADDED ü-1".to_owned(), "DELETED two".to_owned()));
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn an_events_object_is_passed_on_byte_for_byte() {
    let object = r#"{ "a" : 1.0, "b": "\u00e4" }"#;
    let event = format!("{{\"object\":{object},\"type\":\"MODIFIED\"}}\n");
    let raw = Raw::start(vec![Answer::Pieces(vec![WATCH.into(), chunk(&event), b"0\r\n\r\n".to_vec()])]).await;
    let mut events = watch(&raw.client("t").await, config_maps(None), ListOptions::default(), 60).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().object, object);
}

#[tokio::test]
async fn a_watch_that_breaks_ends_with_an_error_and_then_for_good() {
    let good = chunk("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n");
    let bad = [good.clone(), chunk("{\"type\":")].concat();
    let reset = Answer::Reset([WATCH.as_bytes(), &good].concat());
    let half = Answer::Pieces(vec![WATCH.into(), bad, b"0\r\n\r\n".to_vec()]);
    let noise = Answer::Pieces(vec![WATCH.into(), good, chunk("<html>\n"), b"0\r\n\r\n".to_vec()]);
    let raw = Raw::start(vec![reset, half, noise]).await;
    let api = raw.client("t").await;
    for expected in ["Unreachable", "BadReply", "BadReply"] {
        let mut events = watch(&api, config_maps(None), ListOptions::default(), 60).await.unwrap();
        // The reset may overtake the event.
        let refusal = loop {
            if let Err(refusal) = events.next().await.unwrap() {
                break refusal;
            }
        };
        assert_eq!((refusal.reason.as_str(), refusal.origin), (expected, KubeOrigin::Host));
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn an_event_without_end_is_refused_before_it_fills_the_memory() {
    let mut pieces = vec![WATCH.as_bytes().to_vec(), chunk("{\"type\":\"ADDED\",\"object\":\"")];
    pieces.extend(std::iter::repeat_n(chunk(&"x".repeat(1 << 20)), 5));
    let raw = Raw::start(vec![Answer::Pieces(pieces)]).await;
    let mut events = watch(&raw.client("t").await, config_maps(None), ListOptions::default(), 60).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap_err().reason, "TooLarge");
}

#[tokio::test]
async fn a_write_that_times_out_says_that_it_may_have_been_made() {
    let raw = Raw::start(vec![Answer::Silence(Vec::new())]).await;
    let create = request(config_maps(None), KubeOperation::Create("{}".into(), by("test")));
    let refusal = raw.client("t").await.send(KubeRequest { timeout: Duration::from_millis(200), ..create }).await.unwrap_err();
    assert!(refusal.reason == "Timeout" && refusal.message.contains("may have been made"), "{refusal}");
}
