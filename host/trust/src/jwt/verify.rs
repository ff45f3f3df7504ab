//! The way of a token through all checks. The order is part of the design: what is cheap and needs no key comes first, and no claim is read before
//! the signature over it is known to be good.

use std::collections::HashMap;

use portcullis_core::jwt::{Expectation, JwtCode, JwtError, Keys, Verified};

use super::algorithm::Algorithm;
use super::compact::Compact;
use super::error;
use super::expect::{check_claims, check_header};
use crate::clock::Clock;
use crate::keys::{KeySet, KeySets, Ring, Source};

/// Most keys that are tried for a token that names none, or several of one name.
const TRIES: usize = 4;

/// What tokens are verified with.
pub(crate) struct Verifier<'a> {
    pub(crate) sets: &'a KeySets,
    pub(crate) rings: &'a HashMap<String, Ring>,
    pub(crate) clock: &'a dyn Clock,
}

/// Verifies a token.
pub(crate) async fn verify(
    verifier: Verifier<'_>,
    token: &str,
    keys: &Keys,
    expected: &Expectation,
    private: bool,
) -> Result<Verified, JwtError> {
    let token = Compact::read(token)?;
    let algorithm = check_header(&token, expected)?;
    match keys {
        Keys::Ring(name) => by_ring(verifier.rings, name, &token, algorithm)?,
        Keys::Issuer(issuer) => by_set(verifier.sets, Source::Issuer(issuer), &token, algorithm, private).await?,
        Keys::KeySet(url) => by_set(verifier.sets, Source::Url(url), &token, algorithm, private).await?,
    }
    let (claims, members) = token.claims()?;
    check_claims(&members, expected, verifier.clock.unix())?;
    Ok(Verified { header: token.header_text, claims })
}

fn by_ring(rings: &HashMap<String, Ring>, name: &str, token: &Compact<'_>, algorithm: &str) -> Result<(), JwtError> {
    let ring = rings.get(name).ok_or_else(|| no_ring(name))?;
    if ring.algorithm_name() != algorithm {
        return Err(unfit());
    }
    ring.verify(token.text("kid")?, token.signed, &token.signature)
}

async fn by_set(sets: &KeySets, source: Source<'_>, token: &Compact<'_>, algorithm: &str, private: bool) -> Result<(), JwtError> {
    let algorithm = Algorithm::parse(algorithm).ok_or_else(unfit)?;
    let id = token.text("kid")?;
    let judge = |set: &KeySet| judge(set, id, algorithm, token);
    let Err(refusal) = judge(sets.get(source, private).await?.as_ref()) else { return Ok(()) };
    // A key that is not there may be new; of a token that names no key, every refusal may be because of that.
    let renewable = refusal.code == JwtCode::UnknownKey || id.is_none();
    if renewable && sets.renew(source, private, |set| judge(set).is_ok()).await { Ok(()) } else { Err(refusal) }
}

fn judge(set: &KeySet, id: Option<&str>, algorithm: Algorithm, token: &Compact<'_>) -> Result<(), JwtError> {
    let mut candidates = set.candidates(id, algorithm).take(TRIES).peekable();
    if candidates.peek().is_none() {
        return Err(if id.is_some_and(|id| set.has(id)) {
            unfit()
        } else {
            error(JwtCode::UnknownKey, "the issuer has no such key")
        });
    }
    if candidates.any(|key| algorithm.verify(key, token.signed, &token.signature)) {
        return Ok(());
    }
    Err(error(JwtCode::Signature, "the signature is not the issuer's"))
}

fn unfit() -> JwtError {
    error(JwtCode::Algorithm, "the algorithm does not fit the key")
}

/// The configuration names no such ring.
pub(crate) fn no_ring(name: &str) -> JwtError {
    error(JwtCode::Internal, &format!("there is no key ring `{name}`; add it to the configuration under `rings`"))
}
