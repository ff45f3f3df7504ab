//! [`super::Http`] by way of `wasi:http/outgoing-handler` 0.2: one exchange, blocking. The host decides what is sent and puts secrets in.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use super::http::{HttpError, Reply, Request, parts};

/// Bytes that `blocking-write-and-flush` takes at once.
const WRITE: usize = 4_096;

/// Bytes that are read at once.
const READ: u64 = 64 << 10;

pub(super) fn send(request: &Request) -> Result<Reply, HttpError> {
    let invalid = || HttpError::Invalid("not an absolute http or https URL".to_owned());
    let (scheme, authority, path) = parts(&request.url).ok_or_else(invalid)?;
    let outgoing = outgoing(request, scheme, authority, &path)?;
    let body = outgoing.body().map_err(|()| invalid())?;
    let pending = outgoing_handler::handle(outgoing, options(request)).map_err(|code| error(authority, &code))?;
    write(body, &request.body, authority)?;
    pending.subscribe().block();
    let answer = pending.get().and_then(Result::ok).ok_or_else(|| broken(authority))?;
    reply(&answer.map_err(|code| error(authority, &code))?, authority)
}

fn outgoing(request: &Request, scheme: &str, authority: &str, path: &str) -> Result<OutgoingRequest, HttpError> {
    let invalid = |what: &str| HttpError::Invalid([what, " cannot be sent"].concat());
    let fields = Fields::new();
    for (name, value) in &request.headers {
        fields.append(name, value.as_bytes()).map_err(|_| invalid(&["the header `", name, "`"].concat()))?;
    }
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_method(&method(&request.method)).map_err(|()| invalid("the method"))?;
    let scheme = if scheme.eq_ignore_ascii_case("https") { Scheme::Https } else { Scheme::Other(scheme.to_owned()) };
    let scheme =
        if matches!(&scheme, Scheme::Other(other) if other.eq_ignore_ascii_case("http")) { Scheme::Http } else { scheme };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| invalid("the scheme"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| invalid("the host"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| invalid("the path"))?;
    Ok(outgoing)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.to_owned()),
    }
}

/// The host takes the smallest for the whole exchange.
fn options(request: &Request) -> Option<RequestOptions> {
    let nanoseconds = u64::try_from(request.timeout.as_nanos()).ok()?;
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(nanoseconds)).ok()?;
    Some(options)
}

fn write(body: OutgoingBody, bytes: &[u8], authority: &str) -> Result<(), HttpError> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| broken(authority))?;
        // A refusal closes the stream early; the pending answer says why.
        if bytes.chunks(WRITE).try_for_each(|piece| stream.blocking_write_and_flush(piece)).is_err() {
            return Ok(());
        }
    }
    // For the same reason.
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

fn reply(response: &IncomingResponse, authority: &str) -> Result<Reply, HttpError> {
    let text = |(name, value): (String, Vec<u8>)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned());
    let headers = response.headers().entries().into_iter().map(text).collect();
    let body = response.consume().map_err(|()| broken(authority))?;
    Ok(Reply { status: response.status(), headers, body: read(&body, authority)? })
}

fn read(body: &IncomingBody, authority: &str) -> Result<Vec<u8>, HttpError> {
    let stream = body.stream().map_err(|()| broken(authority))?;
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(piece) => whole.extend(piece),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(_)) => return Err(broken(authority)),
        }
    }
}

fn broken(authority: &str) -> HttpError {
    HttpError::Unavailable(["`", authority, "`: the connection broke"].concat())
}

/// Texts of the host's errors name the host's reasons; they go to the operator's log, not to callers.
fn error(authority: &str, code: &ErrorCode) -> HttpError {
    let say = |what: &str| ["`", authority, "`: ", what].concat();
    match code {
        ErrorCode::HttpRequestDenied => {
            HttpError::Denied(say("no egress rule covers the request; the host's log says which would"))
        }
        ErrorCode::DestinationIpProhibited => HttpError::Denied(say("its address may not be reached")),
        ErrorCode::ConnectionTimeout | ErrorCode::HttpResponseTimeout | ErrorCode::ConnectionReadTimeout => {
            HttpError::Timeout(say("no answer in time"))
        }
        ErrorCode::HttpResponseBodySize(_) | ErrorCode::HttpResponseHeaderSectionSize(_) => {
            HttpError::TooLarge(say("the answer is too long"))
        }
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestMethodInvalid | ErrorCode::HttpRequestBodySize(_) => {
            HttpError::Invalid(say("the request cannot be sent"))
        }
        ErrorCode::InternalError(Some(reason)) => HttpError::Unavailable(say(reason)),
        ErrorCode::DnsError(_) => HttpError::Unavailable(say("the name does not resolve")),
        _ => HttpError::Unavailable(say("no answer")),
    }
}
