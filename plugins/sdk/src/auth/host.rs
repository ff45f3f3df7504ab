//! The capabilities of strategies as traits, one each, so that their logic can be tested without a host. The methods are those of
//! `wit/portcullis-auth`.

use std::time::Duration;

use super::http::Http;
use super::{discovery, jwt, keyvalue};

/// Capability `jwt`: tokens, verified and signed by the host.
pub trait Jwt {
    /// Verifies a JWS in compact form. The code of the problem tells a bad token from keys that cannot be had.
    ///
    /// # Errors
    /// [`jwt::Problem`]: the token proves nothing.
    fn verify(&self, token: &str, keys: &jwt::Keys, expected: &jwt::Expectation) -> Result<jwt::Verified, jwt::Problem>;

    /// Signs JSON claims, of which `exp` is required, with the ring's active key.
    ///
    /// # Errors
    /// [`jwt::Problem`].
    fn sign(&self, ring: &str, typ: &str, claims: &str) -> Result<String, jwt::Problem>;

    /// The ring's public keys: JSON text of a JWK Set.
    ///
    /// # Errors
    /// [`jwt::Problem`].
    fn public_keys(&self, ring: &str) -> Result<String, jwt::Problem>;
}

/// Capability `discovery`: documents of authorization servers, through the host's cache.
pub trait Discovery {
    /// The document of an issuer. Waits for the network only if there is no copy, and then for 2 s at most, and no
    /// longer than half of the time that the call has left.
    ///
    /// # Errors
    /// [`discovery::Problem`].
    fn discover(&self, issuer: &str) -> Result<discovery::Document, discovery::Problem>;
}

/// Capability `keyvalue`: what outlives a call, atomic over all replicas. Time to live counts in whole seconds, rounded up; `None`: it stays.
#[expect(clippy::missing_errors_doc, reason = "all are `keyvalue::Problem`")]
pub trait KeyValue {
    /// Reads.
    fn get(&self, key: &str) -> Result<Option<keyvalue::Entry>, keyvalue::Problem>;

    /// Writes.
    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), keyvalue::Problem>;

    /// Writes if there is no value; whether it did.
    fn set_if_absent(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, keyvalue::Problem>;

    /// Writes if the version is still this one; whether it did.
    fn compare_and_swap(&self, key: &str, version: u64, value: &[u8], ttl: Option<Duration>) -> Result<bool, keyvalue::Problem>;

    /// Reads and deletes: of several callers, one gets the value.
    fn take(&self, key: &str) -> Result<Option<keyvalue::Entry>, keyvalue::Problem>;

    /// Deletes; whether there was a value.
    fn delete(&self, key: &str) -> Result<bool, keyvalue::Problem>;

    /// Voids every verdict whose identity names this grant: here at once, on other replicas within a second.
    fn revoke(&self, grant: &str) -> Result<(), keyvalue::Problem>;
}

/// Capability `secrets`: values that the operator holds for plugins.
pub trait Secrets {
    /// The value; `None` if the grant does not name it.
    fn secret(&self, name: &str) -> Option<String>;
}

/// Capability `clocks`.
pub trait Clock {
    /// Seconds since 1970.
    fn now(&self) -> u64;
}

/// Capability `random`.
pub trait Random {
    /// Bytes of the host's CSPRNG, at most 64 KiB.
    fn random(&self, bytes: usize) -> Vec<u8>;
}

/// All of them.
pub trait AuthHost: Jwt + Discovery + KeyValue + Secrets + Http + Clock + Random {}

impl<T: Jwt + Discovery + KeyValue + Secrets + Http + Clock + Random> AuthHost for T {}
