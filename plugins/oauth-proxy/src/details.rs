//! Rich authorization requests (RFC 9396): which are accepted, what is left of them, and that they never grow.

use serde_json::Value;

use crate::errors::Refusal;
use crate::port::Call;

/// Most bytes of the whole, since it travels in every access token; and most entries, since people must read them.
const BYTES_MAX: usize = 2_048;
const COUNT_MAX: usize = 16;

/// The details of a request.
///
/// # Errors
/// `invalid_authorization_details` (RFC 9396 §5).
pub(crate) fn asked(call: Call<'_>, text: Option<&str>) -> Result<Vec<Value>, Refusal> {
    let Some(text) = text else { return Ok(Vec::new()) };
    if text.len() > BYTES_MAX {
        return Err(refused("longer than 2048 bytes"));
    }
    let all: Vec<Value> = serde_json::from_str(text).map_err(|_| refused("not a JSON array"))?;
    accepted(call, &all)?;
    Ok(all)
}

fn accepted(call: Call<'_>, all: &[Value]) -> Result<(), Refusal> {
    let types = &call.settings.authorization_details.types;
    let known = |one: &Value| one.get("type").and_then(Value::as_str).is_some_and(|kind| types.iter().any(|known| known == kind));
    match all.len() <= COUNT_MAX && all.iter().all(known) {
        true => Ok(()),
        false => Err(refused("of a type that is not supported, or too many")),
    }
}

/// What the provider granted of them (RFC 9396 §7), if it is asked; what the user agreed to, if not.
///
/// # Errors
/// The provider granted what cannot be carried; or nothing, and a login without details is one without that restriction.
pub(crate) fn granted(call: Call<'_>, asked: Vec<Value>, upstream: Option<&Value>) -> Result<Vec<Value>, Refusal> {
    if asked.is_empty() || !call.settings.authorization_details.forward {
        return Ok(asked);
    }
    let granted = upstream.and_then(Value::as_array).cloned().unwrap_or_default();
    if granted.is_empty() {
        return Err(refused("not granted by the identity provider"));
    }
    if Value::Array(granted.clone()).to_string().len() > BYTES_MAX {
        return Err(refused("longer than 2048 bytes"));
    }
    accepted(call, &granted)?;
    Ok(granted)
}

/// What is left of a login's after the provider was asked again: it may narrow, never widen. An answer that says nothing changes nothing
/// (RFC 6749 §6). `None`: nothing is left, and since no details are no restriction, nothing may be issued.
pub(crate) fn left(call: Call<'_>, granted: &[Value], upstream: Option<&Value>) -> Option<Vec<Value>> {
    let Some(now) = upstream.filter(|now| !now.is_null() && call.settings.authorization_details.forward) else {
        return Some(granted.to_vec());
    };
    let now = now.as_array().map_or(&[][..], Vec::as_slice);
    let left: Vec<Value> = granted.iter().filter(|one| now.contains(one)).cloned().collect();
    (left.is_empty() == granted.is_empty()).then_some(left)
}

/// What a token request leaves of them: entries of the login, whole.
///
/// # Errors
/// `invalid_authorization_details` if one is not the login's.
pub(crate) fn narrowed(text: Option<&str>, granted: &[Value]) -> Result<Vec<Value>, Refusal> {
    let Some(text) = text else { return Ok(granted.to_vec()) };
    let asked: Vec<Value> = serde_json::from_str(text).map_err(|_| refused("not a JSON array"))?;
    // None at all would be no restriction any more.
    match asked.iter().all(|one| granted.contains(one)) && asked.is_empty() == granted.is_empty() {
        true => Ok(asked),
        false => Err(refused("not granted to this login")),
    }
}

fn refused(why: &str) -> Refusal {
    Refusal::other("invalid_authorization_details", ["`authorization_details` is ", why].concat())
}
