//! Capability `jwt`: WIT interface `portcullis:auth/jwt`. State: the plugin's grant and the host's `Tokens`, shared by its calls. Whose keys may
//! be used is decided here, at each call; cryptography is behind the port.

use std::time::Duration;

use portcullis_core::authgrant::{JwtGrant, covers};
use portcullis_core::jwt::{Expectation, JwtCode, JwtError, Keys, LEEWAY_MAX};
use portcullis_core::ports::Tokens;
use wasmtime::component::{HasSelf, Linker};

use super::refused;
use crate::bindings::jwt as wit;
use crate::state::{CallState, Shared};

/// Bytes of a token. 16 KiB: what a credential may have, and header lines of servers take little more.
const TOKEN_MAX: usize = 16 << 10;

/// Bytes of claims to be signed: with base64 they make a token that is no longer than [`TOKEN_MAX`].
const CLAIMS_MAX: usize = 11 << 10;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

type Answer<T> = Result<T, wit::Problem>;

impl wit::Host for CallState {
    async fn verify(
        &mut self,
        token: String,
        keys: wit::Keys,
        expected: wit::Expectation,
    ) -> wasmtime::Result<Answer<wit::Verified>> {
        self.host_call()?;
        Ok(verify(&self.shared, &token, &keys.into(), expected).await.map_err(Into::into))
    }

    fn sign(&mut self, ring: String, typ: String, claims: String) -> wasmtime::Result<Answer<String>> {
        self.host_call()?;
        Ok(sign(&self.shared, &ring, &typ, &claims).map_err(Into::into))
    }

    fn public_keys(&mut self, ring: String) -> wasmtime::Result<Answer<String>> {
        self.host_call()?;
        let keys = allowed(&self.shared, &Keys::Ring(ring.clone())).and_then(|_| tokens(&self.shared)?.public_keys(&ring));
        Ok(keys.map_err(Into::into))
    }
}

async fn verify(shared: &Shared, token: &str, keys: &Keys, expected: wit::Expectation) -> Result<wit::Verified, JwtError> {
    let private = allowed(shared, keys)?;
    if token.len() > TOKEN_MAX {
        return Err(problem(JwtCode::Malformed, format!("a token has at most {TOKEN_MAX} bytes")));
    }
    let expected = Expectation {
        algorithms: expected.algorithms,
        types: expected.types,
        issuer: expected.issuer,
        leeway: Duration::from_secs(expected.leeway_s.into()).min(LEEWAY_MAX),
    };
    let verified = tokens(shared)?.verify(token, keys, &expected, private).await?;
    Ok(wit::Verified { header: verified.header, claims: verified.claims })
}

fn sign(shared: &Shared, ring: &str, typ: &str, claims: &str) -> Result<String, JwtError> {
    allowed(shared, &Keys::Ring(ring.to_owned()))?;
    if claims.len() > CLAIMS_MAX {
        return Err(problem(JwtCode::Malformed, format!("claims have at most {CLAIMS_MAX} bytes")));
    }
    tokens(shared)?.sign(ring, typ, claims)
}

/// The value fence; whether the keys may be fetched from addresses that are not the internet's.
fn allowed(shared: &Shared, keys: &Keys) -> Result<bool, JwtError> {
    let (field, value) = match keys {
        Keys::Issuer(issuer) => ("issuers", issuer),
        Keys::KeySet(url) => ("keySets", url),
        Keys::Ring(name) => ("rings", name),
    };
    let list = |grant: &JwtGrant| match keys {
        Keys::Issuer(_) => covers(&grant.issuers, value),
        Keys::KeySet(_) => covers(&grant.key_sets, value),
        Keys::Ring(_) => covers(&grant.rings, value),
    };
    match &shared.grants.jwt {
        Some(grant) if list(grant) => Ok(grant.private),
        _ => {
            let requested = shared.requests.jwt.as_ref().is_some_and(list);
            Err(problem(JwtCode::Denied, refused(shared, "jwt", field, value, requested)))
        }
    }
}

fn tokens(shared: &Shared) -> Result<&dyn Tokens, JwtError> {
    shared.ports.tokens.as_deref().ok_or_else(|| problem(JwtCode::Internal, "this host has no keys".to_owned()))
}

fn problem(code: JwtCode, message: String) -> JwtError {
    JwtError { code, message, retry_after: None }
}

impl From<JwtError> for wit::Problem {
    fn from(error: JwtError) -> Self {
        Self { code: error.code.word().to_owned(), message: error.message, retry_after_ms: error.retry_after.map(super::millis) }
    }
}

impl From<wit::Keys> for Keys {
    fn from(keys: wit::Keys) -> Self {
        match keys {
            wit::Keys::Issuer(issuer) => Self::Issuer(issuer),
            wit::Keys::KeySet(url) => Self::KeySet(url),
            wit::Keys::Ring(name) => Self::Ring(name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::sync::Arc;

    use portcullis_core::authgrant::JwtGrant;
    use portcullis_core::jwt::JwtCode;

    use crate::bindings::jwt::{Expectation, Host, Keys};
    use crate::state::CallState;
    use crate::testing::{self, FakeTokens};

    fn expected() -> Expectation {
        Expectation { algorithms: vec!["RS256".into()], types: vec![], issuer: None, leeway_s: 100_000 }
    }

    fn state(tokens: &Arc<FakeTokens>) -> CallState {
        testing::state_with(|shared| {
            let list = |value: &str| vec![value.to_owned()];
            let grant =
                JwtGrant { issuers: list("https://a"), key_sets: list("https://a/keys"), rings: list("mine"), private: true };
            shared.grants.jwt = Some(grant);
            shared.ports.tokens = Some(tokens.clone());
        })
    }

    #[tokio::test]
    async fn only_granted_keys_verify_and_sign() {
        let tokens = Arc::new(FakeTokens::default());
        let mut state = state(&tokens);
        for keys in [Keys::Issuer("https://a".into()), Keys::KeySet("https://a/keys".into()), Keys::Ring("mine".into())] {
            assert_eq!(state.verify("t".into(), keys, expected()).await.unwrap().unwrap().claims, "{}");
        }
        for keys in [Keys::Issuer("https://a/".into()), Keys::KeySet("https://a".into()), Keys::Ring("other".into())] {
            assert_eq!(state.verify("t".into(), keys, expected()).await.unwrap().unwrap_err().code, "denied");
        }
        assert_eq!(state.sign("mine".into(), "at+jwt".into(), "{}".into()).unwrap().unwrap(), "mine/at+jwt");
        assert_eq!(state.sign("other".into(), "at+jwt".into(), "{}".into()).unwrap().unwrap_err().code, "denied");
        assert_eq!(state.public_keys("mine".into()).unwrap().unwrap(), "{\"keys\":[]}");
        assert_eq!(state.public_keys("other".into()).unwrap().unwrap_err().code, "denied");
        assert_eq!(tokens.verified.lock().len(), 3);
    }

    #[tokio::test]
    async fn leeway_is_bounded_and_addresses_are_the_grants() {
        let tokens = Arc::new(FakeTokens::default());
        state(&tokens).verify("t".into(), Keys::Issuer("https://a".into()), expected()).await.unwrap().unwrap();
        assert_eq!(*tokens.verified.lock(), [(300, true)]);
    }

    #[tokio::test]
    async fn what_is_longer_than_a_token_is_refused_unread() {
        let tokens = Arc::new(FakeTokens::default());
        let mut state = state(&tokens);
        let long = "x".repeat(super::TOKEN_MAX + 1);
        let refused = state.verify(long.clone(), Keys::Ring("mine".into()), expected()).await.unwrap().unwrap_err();
        assert_eq!((refused.code.as_str(), tokens.verified.lock().len()), (JwtCode::Malformed.word(), 0));
        assert_eq!(state.sign("mine".into(), String::new(), long).unwrap().unwrap_err().code, "malformed");
    }

    #[tokio::test]
    async fn without_a_grant_nothing_is_allowed_and_the_yaml_is_named() {
        let mut state = testing::state();
        let refused = state.verify("t".into(), Keys::Ring("mine".into()), expected()).await.unwrap().unwrap_err();
        assert!(refused.message.contains("requests.jwt.rings") && refused.message.contains("- \"mine\""), "{}", refused.message);
    }

    #[test]
    fn each_is_a_host_call() {
        let mut state = testing::state_with(|shared| shared.limits.host_calls = 1);
        assert!(state.public_keys("r".into()).is_ok() && state.sign("r".into(), String::new(), String::new()).is_err());
    }
}
