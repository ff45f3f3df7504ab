//! A request that was decided, on its way through the host's `Egress` and back. Bodies are whole and bounded; redirects are replies.

use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody};

use super::decision::Decided;
use super::injection;
use crate::state::Shared;

/// Bytes of a request's body. 1 MiB: forms and JSON of logins have a few KiB.
const REQUEST_MAX: usize = 1 << 20;

/// Headers that belong to the connection, and are the port's.
const OF_THE_CONNECTION: [header::HeaderName; 5] =
    [header::HOST, header::CONTENT_LENGTH, header::TE, header::TRAILER, header::EXPECT];

/// The call's deadline, or the guest's own time for the first byte if that is sooner: replies are whole.
pub(super) fn deadline(call: Instant, options: Option<RequestOptions>) -> Instant {
    let own = options.and_then(|options| options.first_byte_timeout);
    own.and_then(|own| Instant::now().checked_add(own)).map_or(call, |own| own.min(call))
}

/// One exchange.
pub(super) async fn exchange(
    shared: &Shared,
    decided: Decided,
    request: http::Request<WasiBody>,
    deadline: Instant,
) -> Result<EgressReply> {
    timeout_at(deadline, within(shared, decided, request, deadline)).await.unwrap_or(Err(Error::HttpResponseTimeout))
}

async fn within(shared: &Shared, decided: Decided, request: http::Request<WasiBody>, deadline: Instant) -> Result<EgressReply> {
    let Decided { url, rule } = decided;
    let (parts, body) = request.into_parts();
    let authorization = rule.inject.as_ref().map(|inject| injection::authorization(shared, inject)).transpose()?;
    let headers = headers(&parts.headers, authorization.is_some())?;
    let body = collect(body).await?;
    let max_reply = usize::try_from(shared.limits.host_reply).unwrap_or(usize::MAX);
    let request = EgressRequest {
        method: parts.method.as_str().to_owned(),
        url,
        headers,
        body,
        authorization,
        private: rule.private,
        within: deadline.saturating_duration_since(Instant::now()),
        max_reply,
    };
    let egress = shared.ports.egress.as_deref().ok_or(Error::HttpRequestDenied)?;
    let reply = egress.send(request).await.map_err(|error| failed(shared, error, max_reply))?;
    if reply.body.len() > max_reply { Err(too_large(max_reply)) } else { Ok(reply) }
}

/// The guest's headers, without the connection's and, if the host authorizes the request, without the guest's own `Authorization`.
fn headers(headers: &HeaderMap, authorized: bool) -> Result<Vec<(String, String)>> {
    let dropped = |name: &header::HeaderName| OF_THE_CONNECTION.contains(name) || (authorized && *name == header::AUTHORIZATION);
    let kept = headers.iter().filter(|(name, _)| !dropped(name));
    kept.map(|(name, value)| match value.to_str() {
        Ok(value) => Ok((name.as_str().to_owned(), value.to_owned())),
        Err(_) => Err(Error::HttpProtocolError),
    })
    .collect()
}

async fn collect(body: WasiBody) -> Result<Vec<u8>> {
    match Limited::new(body, REQUEST_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::HttpRequestBodySize(Some(REQUEST_MAX as u64))),
        // The guest dropped the body without finishing it.
        Err(_) => Err(Error::HttpProtocolError),
    }
}

fn too_large(max: usize) -> Error {
    Error::HttpResponseBodySize(Some(max as u64))
}

fn failed(shared: &Shared, error: EgressError, max_reply: usize) -> Error {
    let reason = error.to_string();
    tracing::debug!(plugin = shared.name, reason, "a plugin's request had no reply");
    match error {
        EgressError::Url(_) => Error::HttpRequestUriInvalid,
        EgressError::Address(_) => {
            let hint = "set `private: true` on the egress rule that covers it, if that is meant";
            tracing::warn!(plugin = shared.name, reason, hint, "a plugin's request was not sent");
            Error::DestinationIpProhibited
        }
        EgressError::Unresolved(_) => Error::DnsError { rcode: None, info_code: None },
        EgressError::Unreachable { .. } => Error::InternalError(Some(reason)),
        EgressError::Timeout(_) => Error::HttpResponseTimeout,
        EgressError::TooLarge(_) => too_large(max_reply),
    }
}
