//! Refresh tokens: each is good once and replaced by the next (OAuth 2.1 §4.3.1). A token is the login's name, a number, and a MAC of both under a
//! key that only the login's encrypted record holds: nothing that is stored is a token, every older token is known for what it is, and a
//! login is one record however often it is refreshed.
//!
//! A token that was replaced a moment ago is answered with the same successor: claude.ai refreshes from two places at once (fastmcp #4265). One
//! that was replaced longer ago is in two hands, and ends the login (W4).

use portcullis_plugin::log;

use crate::clients;
use crate::errors::{Answer, Failure, Refusal};
use crate::grant::{self, Grant};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::secret::{decode, encode, mac, mac_fits};
use crate::store::Found;
use crate::{renewal, token};

/// Marks our tokens for secret scanners.
const PREFIX: &str = "pcl_rt_";
const LABEL: &[u8] = b"refresh";
/// Bytes of the login's name and of the number.
const NAME: usize = 16;
const NUMBER: usize = 4;
/// Rotations that are remembered for the grace window.
const REPLACED_MAX: usize = 8;
/// Tries to rotate against others; each loser finds out in the next try what became of its token.
const TRIES: u32 = 6;

/// A token that is taken apart; not yet checked.
struct Parts {
    grant: String,
    number: u32,
    signed: Vec<u8>,
    mac: Vec<u8>,
}

/// The login's token that is good now.
pub(crate) fn token(grant: &Grant) -> Option<String> {
    let mut bytes = decode(&grant.id)?;
    bytes.extend(grant.generation.to_be_bytes());
    let tag = mac(&decode(&grant.key)?, &[LABEL, &bytes])?;
    bytes.extend(tag);
    Some([PREFIX, &encode(&bytes)].concat())
}

fn parts(token: &str) -> Option<Parts> {
    let bytes = decode(token.strip_prefix(PREFIX)?)?;
    let (signed, mac) = bytes.split_at_checked(NAME + NUMBER)?;
    let (name, number) = signed.split_at_checked(NAME)?;
    let number = u32::from_be_bytes(number.try_into().ok()?);
    Some(Parts { grant: encode(name), number, signed: signed.to_vec(), mac: mac.to_vec() })
}

/// The login that a token belongs to, whichever of its tokens that is: for revocation and introspection.
pub(crate) fn login(call: Call<'_>, token: &str) -> Result<Option<(Found<Grant>, u32)>, portcullis_plugin::auth::Fault> {
    let Some(parts) = parts(token) else { return Ok(None) };
    let Some(found) = grant::find(call, &parts.grant)? else { return Ok(None) };
    let key = decode(&found.record.key).unwrap_or_default();
    Ok(mac_fits(&key, &[LABEL, &parts.signed], &parts.mac).then_some((found, parts.number)))
}

/// What becomes of a token.
enum Standing {
    Good,
    /// Replaced a moment ago.
    Recent,
    /// Replaced long ago, or never issued.
    Reused,
}

fn standing(call: Call<'_>, grant: &Grant, number: u32) -> Standing {
    let Some(behind) = grant.generation.checked_sub(number) else { return Standing::Reused };
    if behind == 0 {
        return Standing::Good;
    }
    let at = usize::try_from(behind)
        .ok()
        .and_then(|behind| grant.replaced.len().checked_sub(behind))
        .and_then(|at| grant.replaced.get(at));
    match at {
        Some(at) if number > 0 && call.now() <= at.saturating_add(call.settings.lifetimes.grace_seconds) => Standing::Recent,
        _ => Standing::Reused,
    }
}

/// Answers a refresh.
///
/// # Errors
/// `invalid_grant` when the login is over; 503 when the provider must be asked and does not answer: then nothing changed.
pub(crate) fn refresh(call: Call<'_>, client: &str, parameters: &Parameters) -> Answer {
    let text = parameters.need("refresh_token")?;
    let client = clients::find(call, client)?;
    let mut asked = false;
    for _ in 0..TRIES {
        let (found, number) = login(call, text)?.ok_or_else(over)?;
        if found.record.client != client.id || found.record.provider != call.settings.upstream.issuer {
            return Err(over().into());
        }
        let extent = token::extent(call, &found.record, parameters)?;
        match standing(call, &found.record, number) {
            Standing::Recent => return Ok(token::issued(call, &found.record, &extent)?),
            Standing::Reused => return Err(reused(call, &found.record)?.into()),
            // The provider is asked before anything changes; what it says is in the record then. Once: tokens of a provider may last no
            // longer than what counts as over (Keycloak's: 60 s).
            Standing::Good if !asked && renewal::renew(call, &found.record.id)? => {
                asked = true;
                continue;
            }
            Standing::Good => {}
        }
        if let Some(grant) = rotated(call, found)? {
            client.touch(call)?;
            return Ok(token::issued(call, &grant, &extent)?);
        }
    }
    Err(Refusal::away("too many requests refresh this login at once").into())
}

/// Counts on; `None` if another request was faster.
fn rotated(call: Call<'_>, mut found: Found<Grant>) -> Result<Option<Grant>, Failure> {
    let grant = &mut found.record;
    grant.generation = grant.generation.saturating_add(1);
    if grant.replaced.len() >= REPLACED_MAX {
        grant.replaced.remove(0);
    }
    grant.replaced.push(call.now());
    Ok(grant::advance(call, &found)?.then_some(found.record))
}

fn reused(call: Call<'_>, grant: &Grant) -> Result<Refusal, portcullis_plugin::auth::Fault> {
    log::warn(&["a refresh token that was replaced came again: login ", &grant.id, " ends"].concat());
    grant::end(call, &grant.id)?;
    Ok(over())
}

fn over() -> Refusal {
    Refusal::grant("the refresh token is not valid (any more): log in again")
}
