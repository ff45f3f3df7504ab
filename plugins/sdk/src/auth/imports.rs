//! The capabilities by way of the host's imports. Nothing but passing on.

use std::time::{Duration, SystemTime};

use super::http::{Http, HttpError, Reply, Request};
use super::{Clock, Discovery, Jwt, KeyValue, Random, Secrets, discovery, jwt, keyvalue};
use crate::bindings::auth::portcullis::auth as imported;

/// The capabilities behind the host. Only inside a component: natively every method but [`Clock::now`] panics, so tests bring their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl Jwt for Host {
    fn verify(&self, token: &str, keys: &jwt::Keys, expected: &jwt::Expectation) -> Result<jwt::Verified, jwt::Problem> {
        imported::jwt::verify(token, keys, expected)
    }

    fn sign(&self, ring: &str, typ: &str, claims: &str) -> Result<String, jwt::Problem> {
        imported::jwt::sign(ring, typ, claims)
    }

    fn public_keys(&self, ring: &str) -> Result<String, jwt::Problem> {
        imported::jwt::public_keys(ring)
    }
}

impl Discovery for Host {
    fn discover(&self, issuer: &str) -> Result<discovery::Document, discovery::Problem> {
        imported::discovery::fetch(issuer)
    }
}

impl KeyValue for Host {
    fn get(&self, key: &str) -> Result<Option<keyvalue::Entry>, keyvalue::Problem> {
        imported::keyvalue::get(key)
    }

    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), keyvalue::Problem> {
        imported::keyvalue::set(key, value, ttl.map(seconds))
    }

    fn set_if_absent(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, keyvalue::Problem> {
        imported::keyvalue::set_if_absent(key, value, ttl.map(seconds))
    }

    fn compare_and_swap(&self, key: &str, version: u64, value: &[u8], ttl: Option<Duration>) -> Result<bool, keyvalue::Problem> {
        imported::keyvalue::compare_and_swap(key, version, value, ttl.map(seconds))
    }

    fn take(&self, key: &str) -> Result<Option<keyvalue::Entry>, keyvalue::Problem> {
        imported::keyvalue::take(key)
    }

    fn delete(&self, key: &str) -> Result<bool, keyvalue::Problem> {
        imported::keyvalue::delete(key)
    }

    fn revoke(&self, grant: &str) -> Result<(), keyvalue::Problem> {
        imported::revocation::revoke(grant)
    }
}

impl Secrets for Host {
    fn secret(&self, name: &str) -> Option<String> {
        imported::secrets::get(name)
    }
}

impl Http for Host {
    fn send(&self, request: Request) -> Result<Reply, HttpError> {
        #[cfg(target_family = "wasm")]
        return super::outgoing::send(&request);
        #[cfg(not(target_family = "wasm"))]
        unreachable!("{} {}: there is no host outside a component", request.method, request.url)
    }
}

impl Clock for Host {
    fn now(&self) -> u64 {
        SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
    }
}

impl Random for Host {
    fn random(&self, bytes: usize) -> Vec<u8> {
        #[cfg(target_family = "wasm")]
        return wasip2::random::random::get_random_bytes(bytes as u64);
        #[cfg(not(target_family = "wasm"))]
        unreachable!("{bytes} random bytes: there is no host outside a component")
    }
}

/// Rounded up: 0 s would be gone before it is read.
fn seconds(time: Duration) -> u32 {
    let whole = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Duration, seconds};

    #[test]
    fn a_time_to_live_is_never_rounded_down() {
        assert_eq!([0, 1, 1_000, 1_001].map(|ms| seconds(Duration::from_millis(ms))), [0, 1, 1, 2]);
        assert_eq!(seconds(Duration::MAX), u32::MAX);
    }
}
