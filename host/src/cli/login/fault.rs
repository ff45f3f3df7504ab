//! Why a login did not work: what, where, and what to type next. Other parties' words come in through [`quoted`] only: a terminal obeys what it is
//! sent.

use std::process::ExitCode;

use portcullis_core::egress::EgressError;

/// What the steps of a login return.
pub(super) type Result<T> = std::result::Result<T, Fault>;

/// The person or the authorization server said no.
const REFUSED: u8 = 4;

/// Nobody logged in.
const NOBODY: u8 = 5;

/// Longest text of another party in a message, in characters: two lines of a terminal.
const QUOTE_MAX: usize = 200;

/// See the module. No variant holds a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("`{text}` is no URL to log in to: {reason}; type e.g. `portcullis login https://host/mcp`")]
    Url { text: String, reason: &'static str },
    #[error("{0}; is the URL right, and does this machine reach it? `curl -i URL` shows what is there")]
    Http(EgressError),
    #[error("the server leads to `{0}`, whose address is not the internet's; if you trust the server with that, add `--private`")]
    Private(String),
    #[error("{url} redirects to `{to}`; if that is the endpoint, log in there: `portcullis login URL`")]
    Moved { url: String, to: String },
    #[error("{0} wants a token and names no server that gives one (RFC 9728): ask whoever runs it for a token or a key")]
    NoServer(String),
    #[error(
        "{url} answers {status} without a token: it asks for no login, or is no MCP endpoint; `curl -i -X POST {url}` shows what is there"
    )]
    NoChallenge { url: String, status: u16 },
    #[error("{url} {reason}; tell whoever runs the server")]
    Document { url: String, reason: String },
    #[error(
        "{metadata} speaks for `{resource}`, not for {url} (RFC 9728 §3.3); log in to the URL that it names, if that is the one you mean"
    )]
    OtherResource { metadata: String, resource: String, url: String },
    #[error("the authorization server `{issuer}` has no metadata at {tried}; tell whoever runs it")]
    NoMetadata { issuer: String, tried: String },
    #[error(
        "{url} is the metadata of `{found}`, not of `{issuer}` (RFC 8414 §3.3): a token from there must not be trusted; tell whoever runs it"
    )]
    OtherIssuer { url: String, issuer: String, found: String },
    #[error(
        "the authorization server `{0}` does not offer PKCE with S256, without which a login can be stolen; tell whoever runs it"
    )]
    NoPkce(String),
    #[error(
        "the authorization server `{issuer}` registers no clients by itself; register a public one there with the redirect URI {redirect}, then \
         add `--client-id ID --port {port}`"
    )]
    NoRegistration { issuer: String, redirect: String, port: u16 },
    #[error("{endpoint} did not register this client: {reason}; with a client that exists, add `--client-id ID`")]
    Registration { endpoint: String, reason: String },
    #[error("127.0.0.1:{port} cannot be listened on: {reason}; choose another with `--port`, or none")]
    Listen { port: u16, reason: String },
    #[error(
        "the answer came from `{found}`, not from `{issuer}` (RFC 9207): somebody may have mixed up two logins; begin again with `--force`"
    )]
    MixUp { issuer: String, found: String },
    #[error("the login was refused: {0}; begin again, and ask whoever runs the server if you should have access")]
    Denied(String),
    #[error("nobody logged in within {0} s; begin again: if the page showed an error, it says what to change")]
    TimedOut(u64),
    #[error("{endpoint} gave no token: {reason}; begin again with `--force`")]
    NoToken {
        endpoint: String,
        reason: String,
        /// Whether the grant or the client is not known (any more), so that only a new login helps.
        over: bool,
    },
    #[error("the login to {0} has ended; log in again: `portcullis login {0} --force`")]
    Ended(String),
    #[error("there is nothing to refresh for {0}; log in: `portcullis login {0}`")]
    NothingKept(String),
    #[error("there is no place to keep tokens in; set HOME or XDG_STATE_HOME to a folder of yours")]
    NoPlace,
    #[error("{path} {reason}; move it away, and log in again")]
    Kept { path: String, reason: String },
}

impl Fault {
    /// How the command ends.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Denied(_) | Self::Ended(_) | Self::NothingKept(_) => ExitCode::from(REFUSED),
            Self::TimedOut(_) => ExitCode::from(NOBODY),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Another party's text as it may be shown: one line of visible characters, not too many.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().map(|c| if c.is_control() || invisible(c) { ' ' } else { c }).take(QUOTE_MAX).collect();
    if text.chars().nth(QUOTE_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that change how others are shown: directions, joiners, line and paragraph ends.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{QUOTE_MAX, quoted};

    #[test]
    fn another_partys_words_cannot_command_a_terminal_or_flood_it() {
        assert_eq!(quoted("a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}e"), "a [2Jb  c d e");
        assert_eq!(quoted(&"x".repeat(QUOTE_MAX)), "x".repeat(QUOTE_MAX));
        assert_eq!(quoted(&"x".repeat(QUOTE_MAX + 1)), format!("{}…", "x".repeat(QUOTE_MAX)));
    }
}
