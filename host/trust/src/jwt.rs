//! JSON Web Tokens in compact form (RFC 7515 §7.1): reading, judging, writing. Which keys there are is in `keys`; what fits what is in
//! `jwt/algorithm.rs`, and is the place to review when an algorithm joins.

mod algorithm;
mod compact;
mod expect;
mod sign;
mod verify;

pub(crate) use algorithm::Algorithm;
pub(crate) use sign::sign;
pub(crate) use verify::{Verifier, no_ring, verify};

use portcullis_core::jwt::{JwtCode, JwtError};

/// Longest token in bytes (16 KiB), as of any credential: a header line of more does not pass most proxies.
pub(crate) const TOKEN_MAX: usize = 16 << 10;

/// An error without a time to come back.
pub(crate) fn error(code: JwtCode, message: &str) -> JwtError {
    JwtError { code, message: message.to_owned(), retry_after: None }
}
