//! The request that the person's browser carries (RFC 6749 §4.1.1, PKCE of RFC 7636, resource of RFC 8707), and what only this login knows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::secret::Secret;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

use super::discover::{Resource, Server};
use super::form::encode;

/// Bytes of a state and of a verifier: 256 bits, 43 characters, the shortest verifier that RFC 7636 §4.1 allows.
const BYTES: usize = 32;

/// What only this login knows.
pub(super) struct Ours {
    pub(super) state: Secret,
    pub(super) verifier: Secret,
}

impl Ours {
    /// Drawn anew for each login.
    pub(super) fn draw() -> Self {
        Self { state: random(), verifier: random() }
    }

    /// S256 (RFC 7636 §4.2).
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.reveal()))
    }
}

fn random() -> Secret {
    let mut bytes = [0; BYTES];
    rand::rng().fill_bytes(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// What to ask for: what the person named, else what the resource named, and what makes the server give a refresh token.
pub(super) fn scope(asked: Option<&str>, resource: &Resource, server: &Server) -> String {
    let mut scopes: Vec<&str> = match asked {
        Some(asked) => asked.split([' ', ',']).filter(|scope| !scope.is_empty()).collect(),
        None => resource.scopes.iter().map(String::as_str).collect(),
    };
    if server.offline_access && !scopes.contains(&OFFLINE) {
        scopes.push(OFFLINE);
    }
    scopes.join(" ")
}

/// OpenID Connect Core 1.0 §11.
const OFFLINE: &str = "offline_access";

/// The URL to open.
pub(super) fn url(server: &Server, resource: &str, client: &str, redirect: &str, scope: &str, ours: &Ours) -> String {
    let challenge = ours.challenge();
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("state", ours.state.reveal()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", resource),
    ];
    if !scope.is_empty() {
        query.push(("scope", scope));
    }
    if scope.split(' ').any(|scope| scope == OFFLINE) {
        // Without it, servers that follow OpenID Connect Core 1.0 §11 leave the scope out.
        query.push(("prompt", "consent"));
    }
    let endpoint = server.authorize.to_string();
    let join = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{join}{}", encode(&query))
}

#[cfg(test)]
mod tests {
    use portcullis_core::secret::Secret;

    use super::super::place::Place;
    use super::{Ours, Resource, Server, scope, url};

    fn server(offline_access: bool) -> Server {
        let place = |url: &str| Place::parse(url).unwrap();
        Server {
            issuer: "https://as".into(),
            authorize: place("https://as/a?tenant=1"),
            token: place("https://as/t"),
            register: None,
            offline_access,
            sends_iss: true,
        }
    }

    #[test]
    fn the_challenge_is_the_one_of_rfc_7636_appendix_b() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
        assert_eq!(
            Ours { state: Secret::new(String::new()), verifier }.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn every_login_draws_its_own_secrets() {
        let (one, other) = (Ours::draw(), Ours::draw());
        let all = [one.state, one.verifier, other.state, other.verifier];
        let different: std::collections::BTreeSet<_> = all.iter().map(Secret::reveal).collect();
        assert_eq!((different.len(), different.iter().all(|text| text.len() == 43)), (4, true));
    }

    #[test]
    fn scopes_are_the_persons_or_the_resources_and_offline_access_where_there_is_one() {
        let resource = Resource { id: "https://h/mcp".into(), issuer: "https://as".into(), scopes: vec!["a".into(), "b".into()] };
        assert_eq!(scope(None, &resource, &server(false)), "a b");
        assert_eq!(scope(None, &resource, &server(true)), "a b offline_access");
        assert_eq!(scope(Some("c, offline_access"), &resource, &server(true)), "c offline_access");
        assert_eq!(scope(Some(""), &resource, &server(false)), "");
    }

    #[test]
    fn the_url_has_each_parameter_once_and_keeps_what_the_endpoint_has() {
        let ours = Ours { state: Secret::new("s".into()), verifier: Secret::new("v".into()) };
        let url = url(&server(true), "https://h/mcp", "c&d", "http://127.0.0.1:1/callback", "a offline_access", &ours);
        assert_eq!(
            url,
            format!(
                "https://as/a?tenant=1&response_type=code&client_id=c%26d&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&state=s\
                 &code_challenge={}&code_challenge_method=S256&resource=https%3A%2F%2Fh%2Fmcp&scope=a%20offline_access&prompt=consent",
                ours.challenge()
            )
        );
    }
}
