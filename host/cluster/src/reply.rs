//! Reads a body up to a cap and makes a reply of it. Must not parse it: JSON reaches the guest byte for byte.

use http::Response;
use http_body_util::BodyExt as _;
use kube::client::Body;
use portcullis_core::kube::{KubeReply, KubeStatus};

use crate::plan::Plan;
use crate::{fault, status, warning};

/// Largest Status that is read (bytes, default 256 KiB): an Invalid with a cause per field of the largest object stays below it.
const STATUS_MAX: u64 = 256 * 1024;

/// Most memory taken before the first byte has come (bytes, default 64 KiB): a Content-Length is a promise, not data.
const FIRST: u64 = 64 * 1024;

/// The reply of a success.
pub(crate) async fn of(response: Response<Body>, plan: &Plan, max: u64) -> Result<KubeReply, KubeStatus> {
    let (parts, body) = response.into_parts();
    let kind = status::content_type(&parts.headers);
    if !plan.text && !kind.contains("json") {
        return Err(fault::bad_reply(format_args!("it is {kind:?}, not JSON; is a proxy in between?")));
    }
    let bytes = read(body, max).await?;
    let body =
        if plan.text { lossy(bytes) } else { String::from_utf8(bytes).map_err(|_| fault::bad_reply("it is not UTF-8"))? };
    let warnings = if plan.proxied { Vec::new() } else { warning::texts(&parts.headers) };
    Ok(KubeReply { body, warnings })
}

/// The refusal in an answer that is not a success.
pub(crate) async fn refusal(response: Response<Body>, plan: &Plan) -> KubeStatus {
    let (parts, body) = response.into_parts();
    // A Status that is too large or broke off still has its code.
    let bytes = read(body, STATUS_MAX).await.unwrap_or_default();
    if plan.proxied { status::of_proxied(parts.status, &bytes) } else { status::of_answer(parts.status, &parts.headers, &bytes) }
}

/// Logs and proxied pages are whatever a process wrote, and a byte limit may cut a character in two.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

async fn read(mut body: Body, max: u64) -> Result<Vec<u8>, KubeStatus> {
    use http_body::Body as _;
    let expected = body.size_hint().lower();
    if expected > max {
        return Err(fault::too_large(max));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(expected.min(FIRST)).unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|why| fault::of_body(&why))?.into_data() else { continue };
        if bytes.len() as u64 + data.len() as u64 > max {
            return Err(fault::too_large(max));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
