//! Credentials that the operator's rule puts into a request. The guest never sees them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portcullis_core::egress::Injection;
use portcullis_core::secret::Secret;
use wasmtime_wasi_http::{Error, Result};

use crate::state::Shared;

/// The whole value of `Authorization`.
pub(super) fn authorization(shared: &Shared, injection: &Injection) -> Result<Secret> {
    let source = shared.ports.secrets.as_deref();
    let Some(secret) = source.and_then(|source| source.secret(&injection.secret)) else {
        let reason = format!("the secret `{}`, which the egress rule injects, cannot be read", injection.secret);
        tracing::error!(plugin = shared.name, reason, "a plugin's request was not sent");
        return Err(Error::InternalError(Some(reason)));
    };
    Ok(match &injection.user {
        None => Secret::new(["Bearer ", secret.reveal()].concat()),
        Some(user) => basic(user, &secret),
    })
}

/// RFC 7617 §2 over the encoding of RFC 6749 §2.3.1. What is in between is wiped, too.
fn basic(user: &str, password: &Secret) -> Secret {
    let password = Secret::new(form(password.reveal()));
    let pair = Secret::new([&form(user), ":", password.reveal()].concat());
    let encoded = Secret::new(BASE64_STANDARD.encode(pair.reveal()));
    Secret::new(["Basic ", encoded.reveal()].concat())
}

/// `application/x-www-form-urlencoded`, one value.
fn form(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => encoded.push(byte.into()),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::sync::Arc;

    use base64::Engine as _;
    use portcullis_core::egress::Injection;

    use super::{authorization, basic, form};
    use crate::testing::{self, FakeSecrets};
    use portcullis_core::secret::Secret;

    #[test]
    fn a_secret_is_a_bearer_or_with_a_user_a_basic_password() {
        let mut shared = testing::shared();
        shared.ports.secrets = Some(Arc::new(FakeSecrets));
        let value = |user: Option<&str>| {
            let injection = Injection { secret: "mine".into(), user: user.map(str::to_owned) };
            authorization(&shared, &injection).unwrap().reveal().to_owned()
        };
        assert_eq!(value(None), "Bearer value of mine");
        let pair = base64::prelude::BASE64_STANDARD.decode(value(Some("me")).strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"me:value+of+mine");
    }

    #[test]
    fn both_parts_of_a_basic_pair_are_form_encoded() {
        assert_eq!(form("a:b c+é*-._~"), "a%3Ab+c%2B%C3%A9*-._%7E");
        let pair = basic("a:b", &Secret::new("c%".into())).reveal().to_owned();
        assert_eq!(pair, "Basic YSUzQWI6YyUyNQ==");
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_named() {
        let error = authorization(&testing::shared(), &Injection { secret: "gone".into(), user: None }).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
