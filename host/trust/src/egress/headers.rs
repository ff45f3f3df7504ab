//! Which headers go out and come back. Those that frame the message or belong to the connection are the client's own: a guest that could set
//! them could smuggle a second request (RFC 9112 §11.2).

use portcullis_core::secret::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// Most headers either way: identity providers send about twenty.
pub(super) const HEADERS_MAX: usize = 64;

/// Most bytes of an answer's headers, names and values together (64 KiB): beyond, somebody fills memory.
pub(super) const HEADER_BYTES_MAX: usize = 64 << 10;

/// Set by the client alone (RFC 9110 §7.6.1, RFC 9112).
const OWN: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "expect",
];

/// Headers to send, or what is wrong with them. `authorization` replaces any of the request's own.
pub(super) fn outgoing(headers: &[(String, String)], authorization: Option<&Secret>) -> Result<HeaderMap, &'static str> {
    if headers.len() > HEADERS_MAX {
        return Err("the request has too many headers");
    }
    let mut map = HeaderMap::with_capacity(headers.len() + 1);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header of the request has no valid name")?;
        let value = HeaderValue::from_str(value).map_err(|_| "a header of the request has no valid value")?;
        if !OWN.contains(&name.as_str()) {
            map.append(name, value);
        }
    }
    if let Some(secret) = authorization {
        let mut value = HeaderValue::from_str(secret.reveal()).map_err(|_| "the injected secret cannot be a header")?;
        value.set_sensitive(true);
        map.insert(AUTHORIZATION, value);
    }
    Ok(map)
}

/// Headers of an answer; `None`: more than allowed.
pub(super) fn incoming(headers: &HeaderMap) -> Option<Vec<(String, String)>> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    (headers.len() <= HEADERS_MAX && bytes <= HEADER_BYTES_MAX)
        .then(|| headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
}

#[cfg(test)]
mod tests {
    use portcullis_core::secret::Secret;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{HEADER_BYTES_MAX, HEADERS_MAX, incoming, outgoing};

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn headers_that_frame_a_message_stay_with_the_client() {
        let sent = outgoing(
            &pairs(&[("Host", "evil"), ("transfer-encoding", "chunked"), ("Content-Length", "1"), ("accept", "a")]),
            None,
        );
        assert_eq!(sent.unwrap().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn an_injected_secret_replaces_what_the_guest_wrote_and_does_not_print() {
        let sent = outgoing(&pairs(&[("authorization", "mine")]), Some(&Secret::new("Bearer theirs".into()))).unwrap();
        assert_eq!(sent.get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer theirs"]);
        assert!(!format!("{sent:?}").contains("theirs"));
    }

    #[test]
    fn a_line_break_is_no_header_value_and_a_flood_no_request() {
        assert!(outgoing(&pairs(&[("a", "b\r\nc: d")]), None).is_err());
        assert!(outgoing(&pairs(&[("a b", "c")]), None).is_err());
        assert!(outgoing(&vec![("a".to_owned(), "b".to_owned()); HEADERS_MAX], None).is_ok());
        assert!(outgoing(&vec![("a".to_owned(), "b".to_owned()); HEADERS_MAX + 1], None).is_err());
    }

    #[test]
    fn an_answer_with_too_many_or_too_long_headers_is_refused() {
        let mut many = HeaderMap::new();
        for _ in 0..HEADERS_MAX {
            many.append("a", HeaderValue::from_static("b"));
        }
        assert!(incoming(&many).is_some());
        many.append("a", HeaderValue::from_static("b"));
        assert!(incoming(&many).is_none());
        let long = HeaderValue::from_str(&"b".repeat(HEADER_BYTES_MAX)).unwrap();
        assert!(incoming(&HeaderMap::from_iter([(HeaderName::from_static("a"), long)])).is_none());
    }
}
