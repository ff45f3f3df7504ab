//! The strategy `tokens`: bearer tokens of the configuration, by their SHA-256.

use std::sync::Arc;

use portcullis_core::config::Config;
use portcullis_core::principal::Principal;
use portcullis_core::secret::TokenHash;

use super::chain::Gate;
use crate::entry::{Caller, Credential};

/// The name of the token. Looks at every one whatever it finds, so that time tells nothing about which was near.
pub(crate) fn find(config: &Config, hash: TokenHash) -> Option<&str> {
    config.tokens.iter().fold(None, |found, (name, token)| if token.hash.matches(&hash) { Some(name.as_str()) } else { found })
}

/// Who has the token of that name, at an endpoint that asks for it.
pub(crate) fn caller(gate: Gate<'_>, name: &str, hash: TokenHash) -> Caller {
    let principal = Principal {
        subject: name.to_owned(),
        issuer: Principal::CONFIG_ISSUER.to_owned(),
        name: Some(name.to_owned()),
        groups: Vec::new(),
        project: None,
        scopes: None,
    };
    let (listener, path) = (gate.listener.name.clone(), gate.endpoint.path.clone());
    Caller { principal: Arc::new(principal), credential: Credential::Token { listener, path, name: name.to_owned(), hash } }
}
