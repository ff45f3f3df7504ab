//! This program as an OAuth client: registered on the spot (RFC 7591) as a native one, or known already.

use portcullis_core::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::discover::Server;
use super::fault::{Fault, Result, quoted};
use super::form::{encode, escape};
use super::kept::revealed;
use super::web::{Body, Object, Web, complaint, object};

/// A client as the authorization server knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Client {
    pub(super) id: String,
    /// Some servers give one to everybody who registers.
    #[serde(default, with = "revealed::optional", skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<Secret>,
    /// Whether the secret goes into the form (`client_secret_post`) and not into a header (`client_secret_basic`).
    #[serde(default)]
    pub(super) in_form: bool,
}

impl Client {
    /// One that was registered by hand.
    pub(super) fn public(id: &str) -> Self {
        Self { id: id.to_owned(), secret: None, in_form: false }
    }

    /// A form for the token endpoint, and the `Authorization` header to send with it (RFC 6749 §2.3.1).
    pub(super) fn sign(&self, form: &[(&str, &str)]) -> (Body, Option<Secret>) {
        let mut form = form.to_vec();
        let header = match &self.secret {
            Some(secret) if !self.in_form => Some(self.basic(secret)),
            Some(secret) => {
                form.extend([("client_id", self.id.as_str()), ("client_secret", secret.reveal())]);
                None
            }
            None => {
                form.push(("client_id", &self.id));
                None
            }
        };
        (Body::Form(encode(&form)), header)
    }

    fn basic(&self, secret: &Secret) -> Secret {
        use base64::Engine as _;
        let pair = Secret::new(format!("{}:{}", escape(&self.id), escape(secret.reveal())));
        Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair.reveal())))
    }
}

/// Registers.
pub(super) async fn register(web: &Web, server: &Server, redirect: &str, port: u16, scope: &str) -> Result<Client> {
    let endpoint = server.register.as_ref().ok_or_else(|| Fault::NoRegistration {
        issuer: quoted(&server.issuer),
        redirect: redirect.to_owned(),
        port,
    })?;
    let mut wish = json!({
        "client_name": "Portcullis CLI",
        "application_type": "native",
        "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    if let (Some(wish), false) = (wish.as_object_mut(), scope.is_empty()) {
        wish.insert("scope".to_owned(), scope.into());
    }
    let reply = web.post(endpoint, Body::Json(wish.to_string()), None).await?;
    let refused = |reason: String| Fault::Registration { endpoint: endpoint.to_string(), reason };
    match object(&reply) {
        Some(document) if matches!(reply.status, 200 | 201) => read(&document).map_err(refused),
        _ => Err(refused(complaint(&reply).1)),
    }
}

fn read(document: &Object) -> std::result::Result<Client, String> {
    let text = |member: &str| document.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("client_id").ok_or("its answer has no `client_id`")?.to_owned();
    let secret = text("client_secret").map(|secret| Secret::new(secret.to_owned()));
    match (text("token_endpoint_auth_method"), secret) {
        (Some("none"), _) | (None, None) => Ok(Client { id, secret: None, in_form: false }),
        (Some("client_secret_post"), Some(secret)) => Ok(Client { id, secret: Some(secret), in_form: true }),
        // RFC 7591 §2: the default.
        (Some("client_secret_basic") | None, Some(secret)) => Ok(Client { id, secret: Some(secret), in_form: false }),
        (Some(method), _) => Err(format!("it wants clients to prove themselves by `{}`", quoted(method))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Body, Client, read};

    fn client(value: &Value) -> Result<Client, String> {
        read(value.as_object().unwrap())
    }

    fn signed(client: &Client) -> (String, Option<String>) {
        let (Body::Form(text) | Body::Json(text), header) = client.sign(&[("a", "b")]);
        (text, header.map(|header| header.reveal().to_owned()))
    }

    #[test]
    fn a_client_proves_itself_as_the_server_said() {
        let public = client(&json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "none"})).unwrap();
        assert_eq!(signed(&public), ("a=b&client_id=c".into(), None));
        let post = client(&json!({"client_id": "c", "client_secret": "s&", "token_endpoint_auth_method": "client_secret_post"}))
            .unwrap();
        assert_eq!(signed(&post), ("a=b&client_id=c&client_secret=s%26".into(), None));
        let basic = client(&json!({"client_id": "c:", "client_secret": "s"})).unwrap();
        assert_eq!(signed(&basic), ("a=b".into(), Some("Basic YyUzQTpz".into())));
        assert_eq!(signed(&client(&json!({"client_id": "c"})).unwrap()).1, None);
    }

    #[test]
    fn an_answer_that_is_no_registration_is_refused() {
        for answer in
            [json!({}), json!({"client_id": ""}), json!({"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"})]
        {
            assert!(client(&answer).is_err(), "{answer}");
        }
    }
}
