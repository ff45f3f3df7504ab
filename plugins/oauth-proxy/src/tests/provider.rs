//! A provider: one user, whose tokens are made to measure. It checks what a real one checks of us.

use std::collections::BTreeMap;

use portcullis_plugin::auth::http::{HttpError, Reply, Request};
use serde_json::{Value, json};

use super::fake::signed;
use crate::parameters::Parameters;
use crate::secret::verifies;

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const CLIENT: &str = "ours";

pub(crate) struct Provider {
    pub(crate) document: Option<Value>,
    pub(crate) keys_away: bool,
    /// Instead of any answer.
    pub(crate) trouble: Option<Result<(u16, Value), HttpError>>,
    /// Added to the id_token's claims; null takes one away.
    pub(crate) claims: Value,
    pub(crate) header: Value,
    pub(crate) signed_by: String,
    /// Added to the token answer; null takes one away.
    pub(crate) members: Value,
    /// Code → challenge, nonce.
    pub(crate) codes: BTreeMap<String, (String, String)>,
    /// Forms that came, without codes that were refused.
    pub(crate) forms: Vec<(String, String)>,
    pub(crate) refreshes: u32,
}

impl Default for Provider {
    fn default() -> Self {
        let url = |path: &str| format!("{ISSUER}{path}");
        Self {
            document: Some(json!({
                "issuer": ISSUER,
                "authorization_endpoint": url("/authorize"),
                "token_endpoint": url("/token"),
                "revocation_endpoint": url("/revoke"),
                "authorization_response_iss_parameter_supported": true,
            })),
            keys_away: false,
            trouble: None,
            claims: json!({}),
            header: json!({"alg": "RS256", "typ": "JWT"}),
            signed_by: ISSUER.to_owned(),
            members: json!({}),
            codes: BTreeMap::new(),
            forms: Vec::new(),
            refreshes: 0,
        }
    }
}

fn overlaid(mut base: Value, over: &Value) -> Value {
    for (name, value) in over.as_object().unwrap() {
        match value {
            Value::Null => drop(base.as_object_mut().unwrap().remove(name)),
            value => base[name] = value.clone(),
        }
    }
    base
}

impl Provider {
    pub(crate) fn answer(&mut self, request: &Request, now: u64) -> Result<Reply, HttpError> {
        let form = String::from_utf8(request.body.clone()).unwrap();
        self.forms.push((request.url.clone(), form.clone()));
        let reply = |status: u16, body: &Value| Ok(Reply { status, headers: Vec::new(), body: body.to_string().into_bytes() });
        if let Some(trouble) = &self.trouble {
            let (status, body) = trouble.clone()?;
            return reply(status, &body);
        }
        if request.url.ends_with("/revoke") {
            return reply(200, &json!({}));
        }
        let form = Parameters::parse(&form).unwrap();
        let one = |name: &str| form.need(name).unwrap().to_owned();
        assert_eq!(one("client_id"), CLIENT);
        let nonce = match one("grant_type").as_str() {
            "authorization_code" => {
                let Some((challenge, nonce)) = self.codes.remove(&one("code")) else {
                    return reply(400, &json!({"error": "invalid_grant"}));
                };
                assert!(
                    verifies(&one("code_verifier"), &challenge) && one("redirect_uri") == "https://mcp.example.com/auth/callback"
                );
                json!(nonce)
            }
            _ => {
                self.refreshes += 1;
                Value::Null
            }
        };
        let claims = json!({"iss": ISSUER, "sub": "alice", "aud": CLIENT, "exp": now + 300, "iat": now, "name": "Alice", "groups": ["dba"]});
        let claims = overlaid(overlaid(claims, &json!({"nonce": nonce})), &self.claims);
        let answer = json!({
            "access_token": format!("upstream-access-{}", self.refreshes),
            "refresh_token": format!("upstream-refresh-{}", self.refreshes),
            "id_token": signed(&self.header, &claims, &self.signed_by),
            "token_type": "Bearer",
            "expires_in": 3600,
        });
        reply(200, &overlaid(answer, &self.members))
    }
}
