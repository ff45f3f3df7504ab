//! The strategy `tokens`: bearer tokens of the configuration, by their SHA-256.

use std::sync::Arc;

use portcullis_core::config::Config;
use portcullis_core::principal::Principal;
use portcullis_core::secret::TokenHash;

use crate::entry::{Caller, Credential};

/// Looks at every token whatever it finds, so that time tells nothing about which one was near.
pub(crate) fn by_token(config: &Config, hash: TokenHash) -> Option<Caller> {
    let found =
        config.tokens.iter().fold(None, |found, (name, token)| if token.hash.matches(&hash) { Some(name) } else { found });
    let name = found?;
    let principal = Principal {
        subject: name.clone(),
        issuer: Principal::CONFIG_ISSUER.to_owned(),
        name: Some(name.clone()),
        groups: Vec::new(),
        project: None,
        scopes: None,
    };
    Some(Caller { principal: Arc::new(principal), credential: Credential::Token { name: name.clone(), hash } })
}
