//! `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1): what a caller who was refused does next. Everything in it comes from the configuration and
//! from strategies, nothing from the request.

use http::HeaderValue;
use portcullis_core::config::{Endpoint, Listener};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::origin;

use super::scopes;
use super::stranger::Stranger;

/// Bytes of all scopes in a challenge: proxies cut headers at 4 to 8 KiB, and servers their `scope` parameter at 2 KiB.
const SCOPES_MAX: usize = 1024;

/// Where an endpoint's metadata is, and what to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    metadata: Option<String>,
    scopes: Vec<String>,
}

impl Challenge {
    /// Of an endpoint. One that knows tokens of the configuration only has no authorization server to point at.
    pub(crate) fn of(snapshot: &Snapshot, listener: &Listener, endpoint: &Endpoint) -> Self {
        let known =
            snapshot.strategies.of(&listener.name, &endpoint.guard).any(|it| !it.strategy.authorization_servers.is_empty());
        let metadata = known.then(|| format!("{}/.well-known/oauth-protected-resource{}", origin(listener), endpoint.path));
        Self { metadata, scopes: scopes::advertised(snapshot, listener, endpoint) }
    }

    /// For a 401; `None` if no challenge helps.
    pub(crate) fn unauthorized(&self, stranger: &Stranger) -> Option<HeaderValue> {
        if !stranger.is_challenged() {
            return None;
        }
        let described = stranger.error().filter(|_| self.metadata.is_some()).map(|_| stranger.to_string());
        self.header(stranger.error(), described.as_deref(), &self.scopes)
    }

    /// For a 403: all the scopes that the operation needs (RS-6), and those that the caller already has: some clients ask for what they read
    /// here and nothing else.
    pub(crate) fn insufficient(&self, needed: &[String], held: &[String]) -> Option<HeaderValue> {
        let mut all: Vec<String> = needed.to_vec();
        all.extend(held.iter().filter(|scope| !needed.contains(scope)).cloned());
        self.header(Some("insufficient_scope"), Some("the token lacks a scope that this operation needs"), &all)
    }

    fn header(&self, error: Option<&str>, description: Option<&str>, scopes: &[String]) -> Option<HeaderValue> {
        let mut value = "Bearer realm=\"portcullis\"".to_owned();
        let mut add = |name: &str, text: &str| value.push_str(&format!(", {name}=\"{text}\""));
        if let Some(error) = error {
            add("error", error);
        }
        if let Some(description) = description {
            add("error_description", &plain(description));
        }
        if let Some(metadata) = &self.metadata {
            add("resource_metadata", metadata);
            let scopes = fitting(scopes);
            if !scopes.is_empty() {
                add("scope", &scopes);
            }
        }
        HeaderValue::from_str(&value).ok()
    }
}

/// RFC 6749 §4.1.2.1, `error_description`: visible ASCII and spaces but the quote and the backslash.
fn plain(text: &str) -> String {
    let fits = |c: char| (c == ' ' || c.is_ascii_graphic()) && c != '"' && c != '\\';
    text.chars().map(|c| if fits(c) { c } else { '\'' }).take(300).collect()
}

/// As many as fit, in their order.
fn fitting(scopes: &[String]) -> String {
    let mut text = String::new();
    for scope in scopes.iter().filter(|scope| scopes::is_token(scope)) {
        if text.len() + scope.len() + 1 > SCOPES_MAX {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(scope);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Challenge, SCOPES_MAX};
    use crate::auth::stranger::Stranger;
    use portcullis_core::strategy::{Rejection, RejectionCode};

    fn challenge(scopes: &[&str]) -> Challenge {
        Challenge {
            metadata: Some("https://h/.well-known/oauth-protected-resource/mcp".into()),
            scopes: scopes.iter().map(|&it| it.to_owned()).collect(),
        }
    }

    #[test]
    fn without_credentials_there_is_no_error_and_with_bad_ones_there_is() {
        let told = |stranger: &Stranger| challenge(&["read"]).unauthorized(stranger).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(
            told(&Stranger::NoCredentials).unwrap(),
            r#"Bearer realm="portcullis", resource_metadata="https://h/.well-known/oauth-protected-resource/mcp", scope="read""#
        );
        assert!(
            told(&Stranger::InvalidToken).unwrap().starts_with(r#"Bearer realm="portcullis", error="invalid_token", error_desc"#)
        );
        assert_eq!(told(&Stranger::Malformed), None);
        assert_eq!(told(&Stranger::Unavailable(None)), None);
    }

    #[test]
    fn nothing_that_a_strategy_says_breaks_out_of_the_header() {
        let rejection = Rejection { code: RejectionCode::Invalid, message: "a\"b\\c\r\nSet-Cookie: x=ä".into() };
        let value = challenge(&["ok", "a\"b", "c d", "e\r\nX: y"]).unauthorized(&Stranger::Rejected(rejection)).unwrap();
        let text = value.to_str().unwrap();
        assert!(text.contains(r#"scope="ok""#) && !text.contains('\n') && !text.contains('\\'), "{text}");
        assert_eq!(text.matches('"').count(), 10, "{text}");
    }

    #[test]
    fn scopes_beyond_a_kilobyte_are_left_out() {
        let many: Vec<String> = (0..500).map(|number| format!("scope-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(challenge(&many).unauthorized(&Stranger::NoCredentials).unwrap().len() < SCOPES_MAX + 200);
    }

    #[test]
    fn a_step_up_asks_for_what_is_needed_and_what_is_held() {
        let value = challenge(&["read"]).insufficient(&["delete".into()], &["read".into(), "delete".into()]).unwrap();
        assert!(value.to_str().unwrap().contains(r#"error="insufficient_scope""#));
        assert!(value.to_str().unwrap().ends_with(r#"scope="delete read""#));
    }
}
