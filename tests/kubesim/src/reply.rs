//! Replies: JSON, text, streams, `Status` errors, `Warning:` headers.
//! Must not decide what is answered.

use std::io;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use crate::error::ApiError;

/// Body of every reply.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A reply.
pub(crate) type Reply = Response<Body>;

/// A body that is there at once.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A reply of any type.
pub(crate) fn bytes(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(full(body));
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A JSON reply.
pub(crate) fn json(code: u16, value: &Value) -> Reply {
    bytes(code, "application/json", value.to_string())
}

/// A plain text reply.
pub(crate) fn text(code: u16, text: impl Into<Bytes>) -> Reply {
    bytes(code, "text/plain; charset=utf-8", text)
}

/// A `Status` error.
pub(crate) fn error(error: &ApiError) -> Reply {
    let mut reply = json(error.code, &error.status());
    if let Some(seconds) = error.retry_after {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Adds a `Warning:` header for each text (RFC 7234 §5.5, code 299, as the API server writes them).
pub(crate) fn warn(mut reply: Reply, warnings: &[String]) -> Reply {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            reply.headers_mut().append(header::WARNING, value);
        }
    }
    reply
}

/// A stream of JSON documents, one per line; an error breaks the connection.
pub(crate) fn stream(lines: impl Stream<Item = io::Result<Value>> + Send + 'static) -> Reply {
    let frames = lines.map(|line| line.map(|line| Frame::data(Bytes::from(format!("{line}\n")))));
    let mut reply = Response::new(StreamBody::new(frames).boxed_unsync());
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
