//! The token endpoint (RFC 6749 §4.1.3 and §6): a code or a refresh token becomes an access token.

use portcullis_core::egress::EgressReply;
use portcullis_core::secret::Secret;
use serde_json::Value;

use super::client::Client;
use super::fault::{Fault, Result};
use super::place::Place;
use super::web::{Web, complaint, object};

/// Longest lifetime that is believed, in seconds (ten years): more is a mistake, and would not fit into a date.
const LIFETIME_MAX: u64 = 10 * 366 * 24 * 3600;

/// What the endpoint gave.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    /// As granted; `None`: as asked for.
    pub(super) scope: Option<String>,
    /// In seconds.
    pub(super) lifetime: Option<u64>,
}

/// Asks for tokens.
///
/// # Errors
/// [`Fault::NoToken`] for what the endpoint answers.
pub(super) async fn exchange(
    web: &Web,
    endpoint: &Place,
    client: &Client,
    resource: &str,
    grant: &[(&str, &str)],
) -> Result<Tokens> {
    let mut form = grant.to_vec();
    form.push(("resource", resource));
    let (body, authorization) = client.sign(&form);
    let reply = web.post(endpoint, body, authorization).await?;
    read(&reply).map_err(|(reason, over)| Fault::NoToken { endpoint: endpoint.to_string(), reason, over })
}

/// The tokens, or why there are none and whether the grant is over.
fn read(reply: &EgressReply) -> std::result::Result<Tokens, (String, bool)> {
    let other = |reason: &str| (reason.to_owned(), false);
    let document = match object(reply) {
        Some(document) if reply.status == 200 => document,
        Some(_) if reply.status < 500 => return Err(refusal(reply)),
        _ => return Err((format!("it answers {}", reply.status), false)),
    };
    let text = |member: &str| document.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access = text("access_token").ok_or_else(|| other("its answer has no `access_token`"))?;
    if !access.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
        return Err(other("its token has characters that no header can carry (RFC 6750 §2.1)"));
    }
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(other("its token is no bearer token"));
    }
    Ok(Tokens {
        access: Secret::new(access.to_owned()),
        refresh: text("refresh_token").map(|token| Secret::new(token.to_owned())),
        scope: text("scope").map(str::to_owned),
        lifetime: document.get("expires_in").and_then(lifetime).map(|seconds| seconds.min(LIFETIME_MAX)),
    })
}

/// Some servers send the number as text.
fn lifetime(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A client that is not known any more has no grants either: servers forget clients that nobody uses.
fn refusal(reply: &EgressReply) -> (String, bool) {
    let (code, words) = complaint(reply);
    (words, matches!(code.as_deref(), Some("invalid_grant" | "invalid_client" | "unauthorized_client")))
}

#[cfg(test)]
mod tests {
    use portcullis_core::egress::EgressReply;
    use serde_json::{Value, json};

    use super::{LIFETIME_MAX, Tokens, read};

    fn answer(status: u16, body: &Value) -> Result<Tokens, (String, bool)> {
        read(&EgressReply { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }

    fn reason(status: u16, body: &Value) -> String {
        match answer(status, body) {
            Err((reason, false)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tokens_are_read_as_servers_write_them() {
        let tokens =
            answer(200, &json!({"access_token": "a.b-c", "token_type": "bEARER", "expires_in": "60", "refresh_token": "r"}))
                .unwrap();
        assert_eq!((tokens.access.reveal(), tokens.lifetime, tokens.scope), ("a.b-c", Some(60), None));
        assert_eq!(tokens.refresh.unwrap().reveal(), "r");
        let long = answer(200, &json!({"access_token": "a", "token_type": "Bearer", "expires_in": u64::MAX})).unwrap();
        assert_eq!(long.lifetime, Some(LIFETIME_MAX));
    }

    #[test]
    fn what_is_no_bearer_token_is_refused_and_not_shown() {
        for body in [
            json!({}),
            json!({"access_token": "", "token_type": "Bearer"}),
            json!({"access_token": "hunter2\n", "token_type": "Bearer"}),
            json!({"access_token": "hunter2", "token_type": "DPoP"}),
            json!({"access_token": "hunter2"}),
        ] {
            assert!(!reason(200, &body).contains("hunter2"), "{body}");
        }
    }

    #[test]
    fn a_refusal_is_told_and_a_dead_grant_is_its_own_case() {
        assert!(matches!(answer(400, &json!({"error": "invalid_grant"})), Err((_, true))));
        assert!(matches!(answer(401, &json!({"error": "invalid_client"})), Err((_, true))));
        assert_eq!(reason(400, &json!({"error": "invalid_target", "error_description": "no\u{1b}"})), "invalid_target (no )");
        // A server that is down has not ended anything.
        assert_eq!(reason(503, &json!({"error": "invalid_grant"})), "it answers 503");
        assert_eq!(reason(302, &json!(null)), "it answers 302");
    }
}
