//! The short way for the plainest request there is: `tools/call` on 2026-07-28 that wants one JSON answer.
//!
//! It repeats no judgement of rmcp's: whatever is not plainly in order (a header that is missing, doubled or encoded, a mismatch, a body
//! that does not parse, a tool with mirrored parameters, a wish for progress) goes to rmcp, which refuses it in its own words or serves
//! it. What is in order runs the same code as behind rmcp, so that policy, audit and schemas cannot differ.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use rmcp::model::{
    CallToolRequestMethod, CallToolRequestParams, ErrorCode, JsonRpcVersion2_0, ProtocolVersion, RequestId, ServerJsonRpcMessage,
    ServerResult,
};

use crate::entry::Entry;
use crate::gateway::Shared;
use crate::mcp::{Asked, call_tool};
use crate::respond::Body;

/// A request in the only form that goes this way.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(rename = "jsonrpc")]
    _version: JsonRpcVersion2_0,
    id: RequestId,
    #[serde(rename = "method")]
    _method: CallToolRequestMethod,
    params: CallToolRequestParams,
}

/// `_meta` keys that ask for more than an answer.
const WISHES: [&str; 2] = ["progressToken", "io.modelcontextprotocol/logLevel"];

/// Answers the request, or leaves it to rmcp.
pub(crate) async fn answer(shared: &Shared, entry: &Entry, headers: &HeaderMap, body: &Bytes) -> Option<Response<Body>> {
    let name = plain_headers(headers)?;
    let call: Call = serde_json::from_slice(body).ok()?;
    let meta = call.params.meta.as_ref()?;
    let wishes = WISHES.iter().any(|key| meta.contains_key(*key));
    if wishes || call.params.name != name || meta.protocol_version()? != ProtocolVersion::V_2026_07_28 {
        return None;
    }
    let client = meta.client_capabilities()?;
    if !entry.wire.has_plain_headers(name) {
        return None;
    }
    let result = call_tool(shared, Asked::plainly(entry.clone(), client), call.params).await;
    let (status, message) = match result {
        Ok(result) => (StatusCode::OK, ServerJsonRpcMessage::response(ServerResult::from(result), call.id)),
        Err(error) => (status(error.code), ServerJsonRpcMessage::error(error, Some(call.id))),
    };
    // The tool ran: from here on rmcp must not get the request, or it would run twice.
    let (status, body) =
        serde_json::to_vec(&message).map_or((StatusCode::INTERNAL_SERVER_ERROR, Vec::new()), |body| (status, body));
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(response)
}

/// The tool's name, if every header that rmcp looks at is there once and in its plainest form.
fn plain_headers(headers: &HeaderMap) -> Option<&str> {
    let plain = only(headers, "mcp-protocol-version")? == ProtocolVersion::V_2026_07_28.as_str()
        && only(headers, "mcp-method")? == "tools/call"
        && only(headers, CONTENT_TYPE.as_str())? == "application/json"
        && accepts_both(only(headers, ACCEPT.as_str())?)
        && !headers.keys().any(|name| name.as_str().starts_with("mcp-param-"));
    let name = only(headers, "mcp-name")?;
    (plain && !name.starts_with("=?")).then_some(name)
}

/// The header's value, if it is there exactly once, as text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Both types, without weights or parameters.
fn accepts_both(accept: &str) -> bool {
    let names = |wanted: &str| accept.split(',').any(|entry| entry.trim() == wanted);
    names("application/json") && names("text/event-stream")
}

/// As rmcp maps them on 2026-07-28 (T-6, T-7).
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY => StatusCode::BAD_REQUEST,
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::plain_headers;

    const PLAIN: [(&str, &str); 5] = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "echo"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_plain_call_goes_the_short_way() {
        assert_eq!(plain_headers(&headers(&PLAIN)), Some("echo"));
    }

    #[test]
    fn whatever_is_not_plain_is_left_to_rmcp() {
        for (name, _) in PLAIN {
            let rest: Vec<_> = PLAIN.into_iter().filter(|(known, _)| *known != name).collect();
            assert_eq!(plain_headers(&headers(&rest)), None, "without {name}");
        }
        for odd in [
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-method", "tools/list"),
            ("mcp-name", "=?base64?ZWNobw==?="),
            ("content-type", "text/plain"),
            ("accept", "application/json;q=0, text/event-stream"),
        ] {
            let changed: Vec<_> = PLAIN.into_iter().map(|it| if it.0 == odd.0 { odd } else { it }).collect();
            assert_eq!(plain_headers(&headers(&changed)), None, "{odd:?}");
        }
        for more in [("mcp-name", "echo"), ("mcp-method", "tools/call"), ("mcp-param-region", "eu")] {
            assert_eq!(plain_headers(&headers(&[&PLAIN[..], &[more]].concat())), None, "{more:?}");
        }
    }
}
