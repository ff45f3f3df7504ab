//! A host that knows no cryptography: a "token" verifies if its last part is "good"; problems are scripted by that part.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_plugin::auth::discovery::{self, Document};
use portcullis_plugin::auth::http::{HttpError, Reply, Request};
use portcullis_plugin::auth::jwt::{Expectation, Keys, Problem, Verified};
use portcullis_plugin::auth::{Clock, Discovery, Http, Jwt};
use serde_json::{Value, json};

use crate::settings::Settings;

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://id.example.com/";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";

#[derive(Default)]
pub(crate) struct Fake {
    /// By issuer.
    pub(crate) documents: BTreeMap<String, String>,
    /// Answers to forms, by URL.
    pub(crate) replies: BTreeMap<String, Result<(u16, String), HttpError>>,
    /// What was asked.
    pub(crate) forms: RefCell<Vec<(String, String)>>,
    pub(crate) verified: RefCell<Vec<(Keys, Expectation)>>,
}

impl Clock for Fake {
    fn now(&self) -> u64 {
        NOW
    }
}

impl Jwt for Fake {
    fn verify(&self, token: &str, keys: &Keys, expected: &Expectation) -> Result<Verified, Problem> {
        self.verified.borrow_mut().push((keys.clone(), expected.clone()));
        let parts: Vec<&str> = token.split('.').collect();
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        match parts[2] {
            "good" => Ok(Verified { header: text(parts[0]), claims: text(parts[1]) }),
            code => Err(Problem { code: code.to_owned(), message: "scripted".to_owned(), retry_after_ms: Some(700) }),
        }
    }

    fn sign(&self, _: &str, _: &str, _: &str) -> Result<String, Problem> {
        panic!("this strategy signs nothing")
    }

    fn public_keys(&self, _: &str) -> Result<String, Problem> {
        panic!("this strategy has no keys")
    }
}

impl Discovery for Fake {
    fn discover(&self, issuer: &str) -> Result<Document, discovery::Problem> {
        let away = || discovery::Problem { code: "unavailable".to_owned(), message: "scripted".to_owned(), retry_after_ms: None };
        self.documents.get(issuer).map(|body| Document { body: body.clone(), stale: false }).ok_or_else(away)
    }
}

impl Http for Fake {
    fn send(&self, request: Request) -> Result<Reply, HttpError> {
        assert_eq!(request.method, "POST");
        self.forms.borrow_mut().push((request.url.clone(), String::from_utf8(request.body).unwrap()));
        self.replies[&request.url].clone().map(|(status, body)| Reply { status, headers: Vec::new(), body: body.into_bytes() })
    }
}

/// Settings with these members added to the one issuer's.
pub(crate) fn settings(members: Value) -> Settings {
    let mut issuer = json!({"issuer": ISSUER});
    issuer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Settings::parse(&json!({"issuers": [issuer]}).to_string()).unwrap()
}

/// Claims of a good access token, with these members added; null takes one away.
pub(crate) fn claims(members: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "sub": "alice", "aud": RESOURCE, "exp": NOW + 600, "iat": NOW});
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// In compact form; `end` is "good", or the problem's code.
pub(crate) fn token(header: &Value, claims: &Value, end: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{end}", part(header), part(claims))
}
