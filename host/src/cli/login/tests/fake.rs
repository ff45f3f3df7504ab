//! An endpoint and its authorization server on one port of this machine, strict where real ones are, and wrong in one way where a test says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::form::{decode, encode};

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Nothing,
    /// The challenge names nothing: the well-known place must do.
    BareChallenge,
    Redirect,
    Resource,
    Issuer,
    Plain,
    NoRegistration,
    Registration,
    State,
    Iss,
    NoIss,
    Denied,
    Challenge,
    Forgets,
}

/// See the module.
pub(super) struct Fake {
    pub(super) origin: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// `METHOD path` of every request.
    requests: Vec<String>,
    /// Of the last authorization request.
    asked: BTreeMap<String, String>,
    registered: Value,
    refresh: String,
    given: usize,
}

impl Fake {
    pub(super) async fn start(wrong: Wrong) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let fake = Self { origin: origin.clone(), seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (origin, seen) = (origin.clone(), Arc::clone(&seen));
                tokio::spawn(serve(stream, move |head, body| seen.lock().unwrap().answer(wrong, &origin, head, body)));
            }
        });
        fake
    }

    pub(super) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// How often `METHOD path` was asked for.
    pub(super) fn hits(&self, request: &str) -> usize {
        self.seen.lock().unwrap().requests.iter().filter(|seen| *seen == request).count()
    }

    pub(super) fn asked(&self, name: &str) -> String {
        self.seen.lock().unwrap().asked.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn registered(&self) -> Value {
        self.seen.lock().unwrap().registered.clone()
    }
}

type Answer = (u16, Vec<(&'static str, String)>, Value);

impl Seen {
    fn answer(&mut self, wrong: Wrong, origin: &str, head: &str, body: &str) -> Answer {
        let mut words = head.split_whitespace();
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.requests.push(format!("{method} {path}"));
        match (method, path) {
            ("POST", "/mcp") if wrong == Wrong::Redirect => (307, vec![("Location", "/mcp/".to_owned())], Value::Null),
            ("POST", "/mcp") => (401, vec![("WWW-Authenticate", challenge(wrong, origin))], Value::Null),
            ("GET", "/.well-known/oauth-protected-resource/mcp") => {
                let resource =
                    if wrong == Wrong::Resource { "https://evil.example/mcp".to_owned() } else { format!("{origin}/mcp") };
                ok(json!({"resource": resource, "authorization_servers": [origin], "scopes_supported": ["baseline"]}))
            }
            ("GET", "/.well-known/oauth-authorization-server") => ok(metadata(wrong, origin)),
            ("POST", "/register") if wrong == Wrong::Registration => {
                (400, Vec::new(), json!({"error": "invalid_redirect_uri", "client_id": "c1"}))
            }
            ("POST", "/register") => {
                self.registered = serde_json::from_str(body).unwrap();
                (201, Vec::new(), json!({"client_id": "c1", "token_endpoint_auth_method": "none"}))
            }
            ("GET", "/authorize") => (302, vec![("Location", self.authorize(wrong, origin, query))], Value::Null),
            ("POST", "/token") => self.token(wrong, body),
            _ => (404, Vec::new(), Value::Null),
        }
    }

    fn authorize(&mut self, wrong: Wrong, origin: &str, query: &str) -> String {
        self.asked = decode(query).unwrap().into_iter().collect();
        let state = if wrong == Wrong::State { "guessed" } else { &self.asked["state"] };
        let mut answer = vec![("state", state)];
        match wrong {
            Wrong::Denied => answer.extend([("error", "access_denied"), ("error_description", "not today")]),
            _ => answer.push(("code", "the-code")),
        }
        match wrong {
            Wrong::Iss => answer.push(("iss", "https://other.example")),
            Wrong::NoIss => {}
            _ => answer.push(("iss", origin)),
        }
        format!("{}?{}", self.asked["redirect_uri"], encode(&answer))
    }

    fn token(&mut self, wrong: Wrong, body: &str) -> Answer {
        let form: BTreeMap<String, String> = decode(body).unwrap().into_iter().collect();
        let has = |name: &str, value: &str| form.get(name).is_some_and(|own| own == value);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier").cloned().unwrap_or_default()));
        let code = has("grant_type", "authorization_code")
            && has("code", "the-code")
            && has("redirect_uri", &self.asked["redirect_uri"])
            && challenge == self.asked["code_challenge"]
            && wrong != Wrong::Challenge;
        let refresh = has("grant_type", "refresh_token") && has("refresh_token", &self.refresh) && wrong != Wrong::Forgets;
        if !(code || refresh) || !has("client_id", &self.asked["client_id"]) || !has("resource", &self.asked["resource"]) {
            return (400, Vec::new(), json!({"error": "invalid_grant", "error_description": "no such code"}));
        }
        self.given += 1;
        self.refresh = format!("refresh-{}", self.given);
        ok(json!({
            "access_token": format!("access-{}", self.given), "token_type": "Bearer", "expires_in": 3600,
            "refresh_token": self.refresh, "scope": self.asked.get("scope"),
        }))
    }
}

fn ok(document: Value) -> Answer {
    (200, Vec::new(), document)
}

fn challenge(wrong: Wrong, origin: &str) -> String {
    match wrong {
        Wrong::BareChallenge => "Bearer".to_owned(),
        _ => format!(r#"Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp", scope="one two""#),
    }
}

fn metadata(wrong: Wrong, origin: &str) -> Value {
    let issuer = if wrong == Wrong::Issuer { format!("{origin}/") } else { origin.to_owned() };
    let methods = if wrong == Wrong::Plain { json!(["plain"]) } else { json!(["S256"]) };
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "code_challenge_methods_supported": methods,
        "scopes_supported": ["one", "two", "offline_access"],
        "authorization_response_iss_parameter_supported": true,
    });
    if wrong != Wrong::NoRegistration {
        document["registration_endpoint"] = format!("{origin}/register").into();
    }
    document
}

/// Answers one request on a connection.
async fn serve(mut stream: TcpStream, answer: impl FnOnce(&str, &str) -> Answer) {
    let mut text = String::new();
    let (head, body) = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap_or_default();
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break (head, body);
            }
        }
        if read == 0 {
            return;
        }
    };
    let (status, headers, document) = answer(head, body);
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let document = document.to_string();
    let length = document.len();
    let text = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{document}");
    stream.write_all(text.as_bytes()).await.unwrap();
}
