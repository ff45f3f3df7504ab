//! Authorization codes: 256 random bits of which the hash is kept, for a minute, for one use. A second use ends the login (W4).

use portcullis_plugin::auth::Fault;
use portcullis_plugin::log;
use serde::{Deserialize, Serialize};

use crate::authorize::Pending;
use crate::errors::{Failure, Refusal};
use crate::grant::{self, Grant};
use crate::parameters::Parameters;
use crate::port::Call;
use crate::secret::{digest, secret, verifies};
use crate::store::{self, CODE, Found, SPENT};

/// How long a replay is known for one, in seconds.
const SPENT_SECONDS: u64 = 3_600;

/// To what a code is bound.
#[derive(Debug, Serialize, Deserialize)]
struct Code {
    grant: String,
    client: String,
    redirect_uri: String,
    challenge: String,
}

/// Issues one. What becomes of it is noted before it exists, so that no replay slips through between two steps.
pub(crate) fn issue(call: Call<'_>, pending: &Pending, grant: &Grant) -> Result<String, Fault> {
    let code = secret(call);
    let (id, seconds) = (digest(&code), call.settings.lifetimes.code_seconds);
    let record = Code {
        grant: grant.id.clone(),
        client: pending.client.clone(),
        redirect_uri: pending.redirect_uri.clone(),
        challenge: pending.challenge.clone(),
    };
    store::set(call, SPENT, &id, &grant.id, SPENT_SECONDS)?;
    store::set(call, CODE, &id, &record, seconds)?;
    Ok(code)
}

/// Redeems one: of several requests, also at several replicas, one gets the login.
///
/// # Errors
/// `invalid_grant`. The code is gone then, whatever was wrong.
pub(crate) fn redeem(call: Call<'_>, client: &str, parameters: &Parameters) -> Result<Found<Grant>, Failure> {
    let (code, verifier) = (parameters.need("code")?, parameters.need("code_verifier")?);
    let redirect_uri = parameters.one("redirect_uri")?;
    let id = digest(code);
    let Some(record) = store::take::<Code>(call, CODE, &id)? else { return Err(replayed(call, &id)?.into()) };
    let refused = |why: &str| Refusal::grant(["the code ", why].concat());
    if record.client != client {
        return Err(refused("was issued to another client").into());
    }
    if redirect_uri.is_some_and(|uri| uri != record.redirect_uri) {
        return Err(refused("was issued for another redirect_uri").into());
    }
    if !verifies(verifier, &record.challenge) {
        return Err(refused("was asked for with another code_verifier").into());
    }
    let found = grant::find(call, &record.grant)?;
    found.ok_or_else(|| refused("belongs to a login that is over").into())
}

/// Nothing there: it never was, or is over, or was used. In the last case somebody has it who should not.
fn replayed(call: Call<'_>, id: &str) -> Result<Refusal, Fault> {
    if let Some(grant) = store::get::<String>(call, SPENT, id)? {
        log::warn(&["an authorization code came a second time: login ", &grant.record, " ends"].concat());
        grant::end(call, &grant.record)?;
    }
    Ok(Refusal::grant("the code is not valid (any more): log in again"))
}
