//! Every error on its way out: one function to HTTP, one to MCP, one to a tool's result. Nothing else builds an error response.
//!
//! Codes: JSON-RPC 2.0 §5.1; MCP 2026-07-28, basic (T-6, T-16). Tool failures that a model can act upon are results with `isError`
//! (MCP 2025-11-25, server/tools, Error Handling), arguments that break the schema included, and so is a tool that its plugin withholds; what
//! names no tool is a protocol error.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use portcullis_core::call::{CallError, FailureCode};
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ClientCapabilities, ContentBlock, ErrorCode};
use serde_json::{Value, json};

use crate::auth::Stranger;
use crate::origin::Elsewhere;

/// Body of every response: rmcp's type, so that its answers pass through unboxed.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// A request that HTTP refuses before MCP sees it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// 400, 401, 403 or 503.
    #[error("{0}")]
    Stranger(Stranger, Option<HeaderValue>),
    /// 403: more scopes would do.
    #[error("`{target}` needs the scopes {scopes}: log in again and ask for them")]
    Scopes {
        /// What was asked for.
        target: String,
        /// All that it needs, with spaces between.
        scopes: String,
        /// The challenge.
        challenge: Option<HeaderValue>,
    },
    /// 503.
    #[error("calls are refused while this host cannot write its audit trail: try again later, and tell its operator")]
    Unrecorded,
    /// 405: the path is a strategy's, the method is not.
    #[error("this path does not take this method")]
    Method,
    /// 500 or 503: a strategy did not answer one of its routes.
    #[error("this cannot be answered now: try again later")]
    Route {
        /// Something that it needs does not answer.
        unavailable: bool,
        /// When it may be better.
        retry_after: Option<Duration>,
    },
    /// 400 or 403.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// 404: neither an endpoint nor a health path.
    #[error("nothing is served at this path: see `listeners[].endpoints[].path` of portcullis.yaml")]
    NoEndpoint,
    /// 421: the address of this listener changed.
    #[error("this listener moved to another address: connect to the one that its configuration names now")]
    Moved,
    /// 404, in the same words as for one that never was.
    #[error("Session not found: send `initialize` again")]
    Session,
    /// 503.
    #[error("too many sessions are open: try again later, or use MCP 2026-07-28, which needs none")]
    Sessions,
    /// 413.
    #[error("the request body is over {0} bytes: send less, or raise `maxBody` of this listener")]
    TooLarge(usize),
    /// 408.
    #[error("the request body did not arrive in time")]
    Slow,
    /// 400: the connection broke, or the framing is wrong.
    #[error("the request body could not be read")]
    Unreadable,
    /// 400.
    #[error("the request body is not JSON: {0}")]
    NotJson(String),
    /// 400.
    #[error("the request body is not one JSON-RPC 2.0 message")]
    NotJsonRpc,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Stranger(Stranger::Malformed, _) | Self::Elsewhere(Elsewhere::NoHost) => StatusCode::BAD_REQUEST,
            Self::Stranger(Stranger::Exposed, _) | Self::Elsewhere(_) | Self::Scopes { .. } => StatusCode::FORBIDDEN,
            Self::Stranger(Stranger::Unavailable(_), _) | Self::Route { unavailable: true, .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Stranger(..) => StatusCode::UNAUTHORIZED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Route { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Moved => StatusCode::MISDIRECTED_REQUEST,
            Self::NoEndpoint | Self::Session => StatusCode::NOT_FOUND,
            Self::Sessions | Self::Unrecorded => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable | Self::NotJson(_) | Self::NotJsonRpc => StatusCode::BAD_REQUEST,
        }
    }

    /// What tells the caller how to get in.
    fn challenge(&self) -> Option<&HeaderValue> {
        match self {
            Self::Stranger(_, challenge) | Self::Scopes { challenge, .. } => challenge.as_ref(),
            _ => None,
        }
    }

    /// When the same request may succeed.
    fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::Sessions => Some(COME_BACK),
            Self::Stranger(Stranger::Unavailable(after), _) | Self::Route { unavailable: true, retry_after: after } => {
                let seconds = after.map(|after| after.as_secs_f64().ceil().clamp(1.0, 3600.0));
                Some(seconds.and_then(|it| HeaderValue::from_str(&it.to_string()).ok()).unwrap_or(COME_BACK))
            }
            _ => None,
        }
    }
}

/// Seconds after which a client that was turned away for lack of room may come back.
const COME_BACK: HeaderValue = HeaderValue::from_static("5");

/// A refusal as HTTP.
pub(crate) fn http(refusal: &Refusal) -> Response<Body> {
    let code = if matches!(refusal, Refusal::NotJson(_)) { ErrorCode::PARSE_ERROR } else { ErrorCode::INVALID_REQUEST };
    let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code.0, "message": refusal.to_string()}});
    let mut response = json_response(refusal.status(), &body);
    if let Some(challenge) = refusal.challenge() {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge.clone());
    }
    if let Some(after) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    response
}

/// A JSON document as HTTP.
pub(crate) fn json_response(status: StatusCode, document: &Value) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Nothing but a status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed());
    *response.status_mut() = status;
    response
}

/// An MCP request that has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// No such tool, or none for this caller.
    #[error("Unknown tool: {0}")]
    UnknownTool(String),
    /// A tool that its plugin does not offer now, in the plugin's words.
    #[error("`{tool}` is not offered here: {reason}")]
    Withheld {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
    /// No such prompt, or none for this caller.
    #[error("Unknown prompt: {0}")]
    UnknownPrompt(String),
    /// No such resource, or none for this caller.
    #[error("Resource not found: {0}")]
    UnknownResource(String),
    /// Arguments that break the schema, one violation per line.
    #[error("the arguments do not fit the input schema of `{tool}`:\n{violations}")]
    Arguments {
        /// The tool.
        tool: String,
        /// From the schema.
        violations: String,
    },
    /// Anything else in the request's params.
    #[error("{0}")]
    Params(String),
    /// The host or the guest said so.
    #[error(transparent)]
    Call(#[from] CallError),
    /// `requestState` was not ours, not for this, or is too old.
    #[error("requestState is not valid for this request, or has expired: send the request again without it")]
    State,
    /// The plugin must ask what this client cannot answer.
    #[error("Missing required client capability")]
    Capability(Box<ClientCapabilities>),
    /// The plugin keeps asking.
    #[error("plugin `{plugin}` asked more than {rounds} times in one call")]
    Rounds {
        /// The plugin.
        plugin: String,
        /// The limit.
        rounds: usize,
    },
    /// The client did not answer a question.
    #[error("the question `{key}` was not answered: {reason}")]
    NoAnswer {
        /// The question.
        key: String,
        /// What the client said instead.
        reason: String,
    },
    /// Nothing runs unrecorded.
    #[error("calls are refused while this host cannot write its audit trail: try again later, and tell its operator")]
    Unrecorded,
    /// The client went away; nobody reads this.
    #[error("the request was cancelled")]
    Cancelled,
}

/// An error as MCP says it. rmcp turns the resource code into -32602 on 2026-07-28.
pub(crate) fn mcp(trouble: Trouble) -> ErrorData {
    let message = trouble.to_string();
    match trouble {
        Trouble::UnknownResource(uri) => ErrorData::resource_not_found(message, Some(json!({"uri": uri}))),
        Trouble::Capability(required) => ErrorData::missing_required_client_capability(*required),
        Trouble::UnknownTool(_)
        | Trouble::Withheld { .. }
        | Trouble::UnknownPrompt(_)
        | Trouble::Arguments { .. }
        | Trouble::Params(_)
        | Trouble::State => ErrorData::invalid_params(message, None),
        Trouble::Call(error) => call(&error, message),
        Trouble::Rounds { .. } | Trouble::NoAnswer { .. } | Trouble::Unrecorded | Trouble::Cancelled => {
            ErrorData::internal_error(message, None)
        }
    }
}

fn call(error: &CallError, message: String) -> ErrorData {
    let retry = retry_after(error).map(|after| json!({"retryAfterMs": u64::try_from(after.as_millis()).unwrap_or(u64::MAX)}));
    match error {
        CallError::Failure(failure) => match failure.code {
            FailureCode::UnknownTool | FailureCode::UnknownPrompt | FailureCode::InvalidArguments | FailureCode::Denied => {
                ErrorData::invalid_params(message, retry)
            }
            FailureCode::UnknownResource => ErrorData::resource_not_found(message, retry),
            FailureCode::MissingCapability => ErrorData::missing_required_client_capability(named_capabilities(&message)),
            FailureCode::Unavailable | FailureCode::Internal => ErrorData::internal_error(message, retry),
        },
        _ => ErrorData::internal_error(message, retry),
    }
}

fn retry_after(error: &CallError) -> Option<Duration> {
    match error {
        CallError::Failure(failure) => failure.retry_after,
        CallError::Overloaded { retry_after } => Some(*retry_after),
        _ => None,
    }
}

/// A guest's `missing-capability` names its question methods in the message; a failure has no other place for them.
fn named_capabilities(message: &str) -> ClientCapabilities {
    let mut required = ClientCapabilities::default();
    if message.contains("sampling") {
        required.sampling = Some(rmcp::model::SamplingCapability::default());
    }
    if message.contains("roots") {
        required.roots = Some(rmcp::model::RootsCapabilities::default());
    }
    if message.contains("elicitation") || (required.sampling.is_none() && required.roots.is_none()) {
        required.elicitation = Some(rmcp::model::ElicitationCapability::default());
    }
    required
}

/// An error as a tool's result, unless the protocol wants it said otherwise.
///
/// # Errors
/// What the protocol wants as an error: a name that is no tool, params that make no sense, a capability that is missing.
pub(crate) fn tool(trouble: Trouble) -> Result<CallToolResult, ErrorData> {
    let for_the_model = match &trouble {
        Trouble::Withheld { .. } | Trouble::Arguments { .. } | Trouble::Rounds { .. } | Trouble::NoAnswer { .. } => true,
        Trouble::Call(CallError::Failure(failure)) => {
            !matches!(failure.code, FailureCode::UnknownTool | FailureCode::MissingCapability)
        }
        Trouble::Call(_) => true,
        _ => false,
    };
    if !for_the_model {
        return Err(mcp(trouble));
    }
    let retry = if let Trouble::Call(error) = &trouble { retry_after(error) } else { None };
    let hint = retry.map(|after| format!("\nTry again in {} s.", after.as_secs_f64().ceil())).unwrap_or_default();
    Ok(CallToolResult::error(vec![ContentBlock::text(format!("{trouble}{hint}"))]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use std::time::Duration;

    use portcullis_core::call::{CallError, Failure, FailureCode};

    use super::{Refusal, Trouble, http, mcp, tool};
    use crate::auth::Stranger;

    #[test]
    fn who_cannot_be_judged_now_hears_when_to_come_back() {
        let answer = http(&Refusal::Stranger(Stranger::Unavailable(Some(Duration::from_millis(1500))), None));
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "2"));
        assert!(!http(&Refusal::Route { unavailable: false, retry_after: None }).headers().contains_key("retry-after"));
    }

    #[test]
    fn a_tool_that_fails_is_a_result_and_a_tool_that_is_not_there_is_an_error() {
        let stopped = CallError::Deadline { plugin: "p".into(), after: Duration::from_secs(1) };
        assert_eq!(tool(stopped.into()).unwrap().is_error, Some(true));
        assert_eq!(tool(Trouble::UnknownTool("x".into())).unwrap_err().code.0, -32602);
    }

    #[test]
    fn a_retry_hint_reaches_the_caller_on_both_ways() {
        let busy = || CallError::Overloaded { retry_after: Duration::from_millis(1500) };
        assert_eq!(mcp(busy().into()).data.unwrap()["retryAfterMs"], 1500);
        let text = serde_json::to_string(&tool(busy().into()).unwrap()).unwrap();
        assert!(text.contains("Try again in 2 s."), "{text}");
    }

    #[test]
    fn a_missing_capability_is_an_object_that_names_it() {
        let failure =
            Failure { code: FailureCode::MissingCapability, message: "needs sampling/createMessage".into(), retry_after: None };
        let error = tool(CallError::Failure(failure).into()).unwrap_err();
        assert_eq!(error.code.0, -32021);
        assert_eq!(error.data.unwrap()["requiredCapabilities"], serde_json::json!({"sampling": {}}));
    }
}
