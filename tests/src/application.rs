//! A public OAuth client of these tests, without a library, so that each step can be done wrong: registration, authorization request, code,
//! tokens, refresh, revocation. RFC 6749, 7591, 7636, 8707.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "part of tests, which fail by panicking"
)]

use serde_json::{Value, json};

use crate::browser::{Browser, encoded, parameter};

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where the application gets its answers; nobody listens there.
pub const HOME: &str = "http://127.0.0.1/app";

/// A public client.
#[derive(Debug)]
pub struct App {
    /// The authorization endpoint.
    pub authorize: String,
    /// The token endpoint.
    pub token: String,
    /// Its `client_id`.
    pub id: String,
}

impl App {
    /// Finds out where, and registers itself.
    #[must_use]
    pub fn register(issuer: &str) -> Self {
        let metadata = get(&format!("{issuer}/.well-known/oauth-authorization-server")).1;
        assert_eq!(metadata["issuer"], issuer);
        let asked = json!({"client_name": "tests", "redirect_uris": [HOME], "application_type": "native"});
        let (status, registered) = post_json(metadata["registration_endpoint"].as_str().unwrap(), &asked);
        assert_eq!(status, 201, "{registered}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            authorize: text(&metadata["authorization_endpoint"]),
            token: text(&metadata["token_endpoint"]),
            id: text(&registered["client_id"]),
        }
    }

    /// What the browser is to open.
    #[must_use]
    pub fn authorization(&self, resource: &str, scope: &str) -> String {
        let parameters = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", HOME),
            ("state", "the-state"),
            ("scope", scope),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", resource),
            // Binds an id_token to this login, and tells it from an access token.
            ("nonce", "n-0S6_WzA2Mj"),
        ];
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!("{}?{}", self.authorize, query.join("&"))
    }

    /// The code of a login in a new browser.
    #[must_use]
    pub fn code(&self, person: &str, resource: &str, scope: &str) -> String {
        let back = Browser::new(HOME).log_in(&self.authorization(resource, scope), person).unwrap();
        assert_eq!(parameter(&back, "state").as_deref(), Some("the-state"), "{back}");
        parameter(&back, "code").unwrap_or_else(|| panic!("no code: {back}"))
    }

    /// Redeems a code.
    #[must_use]
    pub fn redeem(&self, code: &str) -> (u16, Value) {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", HOME), ("code_verifier", VERIFIER)];
        self.ask(&self.token, &form)
    }

    /// The whole login.
    #[must_use]
    pub fn log_in(&self, person: &str, resource: &str, scope: &str) -> Value {
        let (status, tokens) = self.redeem(&self.code(person, resource, scope));
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// A refresh.
    #[must_use]
    pub fn refresh(&self, token: &Value) -> (u16, Value) {
        self.ask(&self.token, &[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())])
    }

    /// Ends the login of a token.
    #[must_use]
    pub fn revoke(&self, token: &Value) -> u16 {
        self.ask(&self.token.replace("/token", "/revoke"), &[("token", token.as_str().unwrap())]).0
    }

    fn ask(&self, url: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let form = form.iter().copied().chain([("client_id", self.id.as_str())]);
        let mut response = agent().post(url).send_form(form).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

/// An agent that follows nothing and takes every status as an answer.
#[must_use]
pub fn agent() -> ureq::Agent {
    let patience = Some(std::time::Duration::from_secs(60));
    ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(patience).build().into()
}

/// Status and JSON.
#[must_use]
pub fn get(url: &str) -> (u16, Value) {
    let mut response = agent().get(url).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_json().unwrap_or_default())
}

/// Status and JSON.
#[must_use]
pub fn post_json(url: &str, body: &Value) -> (u16, Value) {
    let mut response = agent().post(url).send_json(body).unwrap();
    (response.status().as_u16(), response.body_mut().read_json().unwrap_or_default())
}
