//! The API's Status (meta/v1) read from an answer, and the host's own refusals in the same form. Must not send anything.
//! Specs: Kubernetes API Conventions, "Response Status Kind"; RFC 9110 §10.2.3 (Retry-After).

use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use portcullis_core::kube::{KubeCause, KubeOrigin, KubeStatus};
use serde::Deserialize;

/// Most characters of an answer that is no Status which are quoted in a message: one screen line or two; the rest is a proxy's HTML.
const QUOTED: usize = 200;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Body<'a> {
    kind: &'a str,
    message: Option<String>,
    reason: Option<String>,
    code: Option<u16>,
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    causes: Option<Vec<Cause>>,
    retry_after_seconds: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

/// A refusal of the host's own: no answer came, or none that can be used.
pub(crate) fn own(reason: &str, message: impl Into<String>) -> KubeStatus {
    KubeStatus { reason: reason.to_owned(), message: message.into(), origin: KubeOrigin::Host, ..KubeStatus::default() }
}

/// The Status inside an answer that is not a success.
pub(crate) fn of_answer(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> KubeStatus {
    let mut status = parse(body).unwrap_or_else(|| foreign(code, headers, body));
    status.code = code.as_u16();
    fill(&mut status);
    status.retry_after = retry_after(headers).or(status.retry_after);
    status
}

/// What came through the proxy of the API server and is not a success. Whether a pod or the API server said it, its form does not tell, so it
/// is believed to be neither: the code, and the words in quotes.
pub(crate) fn of_proxied(code: StatusCode, body: &[u8]) -> KubeStatus {
    let message = parse(body).map_or_else(|| String::from_utf8_lossy(body).into_owned(), |status| status.message);
    let words = quote(&message);
    let said = if words.is_empty() { "without a message".to_owned() } else { format!("and said: {words:?}") };
    KubeStatus { code: code.as_u16(), ..own("ProxyError", format!("the proxied path answered HTTP {} {said}", code.as_u16())) }
}

/// The Status inside a watch's ERROR event.
pub(crate) fn of_event(object: &str) -> KubeStatus {
    let unknown = || KubeStatus { message: format!("the watch failed: {}", quote(object)), ..KubeStatus::default() };
    let mut status = parse(object.as_bytes()).unwrap_or_else(unknown);
    fill(&mut status);
    status
}

fn parse(body: &[u8]) -> Option<KubeStatus> {
    let body: Body<'_> = serde_json::from_slice(body).ok().filter(|body: &Body<'_>| body.kind == "Status")?;
    let details = body.details.unwrap_or_default();
    Some(KubeStatus {
        code: body.code.unwrap_or_default(),
        reason: body.reason.unwrap_or_default(),
        message: body.message.unwrap_or_default(),
        causes: details.causes.unwrap_or_default().into_iter().map(cause).collect(),
        retry_after: details
            .retry_after_seconds
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into())),
        origin: KubeOrigin::ApiServer,
    })
}

fn cause(cause: Cause) -> KubeCause {
    KubeCause { reason: cause.reason, message: cause.message, field: cause.field }
}

/// An answer that is no Status: the API server's own plain text (`404 page not found`), or a proxy before it.
fn foreign(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> KubeStatus {
    let kind = content_type(headers);
    let text = String::from_utf8_lossy(body);
    let message = match (code.as_u16(), kind) {
        (404, kind) if kind.starts_with("text/plain") => {
            "the server does not know this API group, version or resource (404 page not found): is its CRD or API service installed?".to_owned()
        }
        (_, kind) if kind.contains("html") => format!("HTTP {code} from something before the API server (an answer in {kind})"),
        _ if text.trim().is_empty() => format!("HTTP {code} without a message"),
        _ => quote(&text),
    };
    KubeStatus { message, ..KubeStatus::default() }
}

/// A reason and a message for a Status that came without.
fn fill(status: &mut KubeStatus) {
    if status.reason.is_empty() {
        status.reason = reason_of(status.code).to_owned();
    }
    if status.message.is_empty() {
        status.message = format!("HTTP {}", status.code);
    }
}

/// The reason that the API server itself gives for a code (apimachinery, meta/v1 `StatusReason`).
fn reason_of(code: u16) -> &'static str {
    match code {
        300..400 => "BadReply",
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        409 => "Conflict",
        410 => "Expired",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        502 | 503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    }
}

/// The media type, or nothing.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Seconds only: the API server never sends the date form.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.into()))
}

/// The beginning of a text on one line, without control characters.
fn quote(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|char| !char.is_control());
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::{of_answer, of_event, of_proxied, own};
    use http::{HeaderMap, HeaderValue, StatusCode};
    use portcullis_core::kube::KubeOrigin;
    use std::time::Duration;

    fn headers(kind: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))])
    }

    #[test]
    fn a_status_brings_its_causes() {
        let body = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"Invalid","details":{"name":"db",
            "causes":[{"reason":"FieldValueInvalid","message":"too few","field":"spec.instances"}]},"code":422}"#;
        let status = of_answer(StatusCode::UNPROCESSABLE_ENTITY, &headers("application/json"), body.as_bytes());
        assert_eq!((status.code, status.reason.as_str(), status.message.as_str()), (422, "Invalid", "no"));
        assert_eq!((status.causes[0].reason.as_str(), status.causes[0].field.as_str()), ("FieldValueInvalid", "spec.instances"));
        assert_eq!((status.origin, status.retry_after), (KubeOrigin::ApiServer, None));
    }

    #[test]
    fn nulls_and_missing_fields_still_make_a_status() {
        let body = br#"{"kind":"Status","message":null,"details":{"causes":null}}"#;
        let status = of_answer(StatusCode::CONFLICT, &headers("application/json"), body);
        assert_eq!((status.code, status.reason.as_str(), status.message.as_str()), (409, "Conflict", "HTTP 409"));
    }

    #[test]
    fn the_header_says_when_to_come_back_and_else_the_details_do() {
        let body = br#"{"kind":"Status","details":{"retryAfterSeconds":7}}"#;
        let mut headers = headers("application/json");
        assert_eq!(of_answer(StatusCode::TOO_MANY_REQUESTS, &headers, body).retry_after, Some(Duration::from_secs(7)));
        headers.insert("retry-after", HeaderValue::from_static("2"));
        assert_eq!(of_answer(StatusCode::TOO_MANY_REQUESTS, &headers, body).retry_after, Some(Duration::from_secs(2)));
        headers.insert("retry-after", HeaderValue::from_static("soon"));
        assert_eq!(of_answer(StatusCode::TOO_MANY_REQUESTS, &headers, b"").retry_after, None);
    }

    #[test]
    fn a_proxys_page_is_named_as_such_and_not_quoted() {
        let status = of_answer(StatusCode::BAD_GATEWAY, &headers("text/html"), b"<html><h1>Bad gateway</h1>");
        assert_eq!((status.code, status.reason.as_str()), (502, "ServiceUnavailable"));
        assert!(status.message.contains("before the API server") && !status.message.contains("<h1>"), "{}", status.message);
    }

    #[test]
    fn what_a_pod_says_is_quoted_and_never_taken_for_a_status() {
        let forged =
            br#"{"kind":"Status","code":200,"reason":"Forbidden","message":"grant me more","details":{"retryAfterSeconds":9}}"#;
        let status = of_proxied(StatusCode::FORBIDDEN, forged);
        assert_eq!((status.code, status.reason.as_str(), status.origin), (403, "ProxyError", KubeOrigin::Host));
        assert!(status.message.ends_with("said: \"grant me more\"") && status.retry_after.is_none(), "{}", status.message);
        assert!(of_proxied(StatusCode::BAD_GATEWAY, &[b'x'; 10_000]).message.len() < 300);
    }

    #[test]
    fn an_unknown_api_group_is_explained() {
        let status = of_answer(StatusCode::NOT_FOUND, &headers("text/plain; charset=utf-8"), b"404 page not found\n");
        assert!(status.reason == "NotFound" && status.message.contains("CRD"), "{}", status.message);
    }

    #[test]
    fn a_long_text_is_quoted_in_part_and_without_control_characters() {
        let text = format!("a\u{1b}[31m\n{}", "ü".repeat(500));
        let status = of_answer(StatusCode::IM_A_TEAPOT, &HeaderMap::new(), text.as_bytes());
        assert!(status.message.starts_with("a[31m ü") && status.message.ends_with('…'));
        assert_eq!(status.message.chars().count(), 201);
    }

    #[test]
    fn an_error_event_becomes_its_status() {
        let status = of_event(r#"{"kind":"Status","message":"too old resource version: 1 (9)","reason":"Expired","code":410}"#);
        assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
        assert_eq!(of_event("{}").reason, "Unknown");
    }

    #[test]
    fn the_hosts_own_refusal_says_that_nobody_answered() {
        let status = own("Timeout", "late");
        assert_eq!((status.code, status.origin), (0, KubeOrigin::Host));
    }
}
