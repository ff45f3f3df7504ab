//! Whether the person is still welcome: when the provider's access token is over, the provider is asked for a new one before we issue ours. Of
//! all requests on all replicas one asks, the others wait for what it gets: providers that rotate refresh tokens end a login that is
//! refreshed twice.

use portcullis_plugin::log;

use crate::errors::{Failure, Refusal};
use crate::grant::{self, Grant};
use crate::id_token::{self, Doubt};
use crate::port::Call;
use crate::provider::{self, Granted, Tokens, Trouble};
use crate::store::{self, LOCK, TOKENS};

/// A token that ends within so many seconds counts as over.
const EARLY_SECONDS: u64 = 60;
/// The lock falls by itself: longer than an exchange takes.
const LOCK_SECONDS: u64 = 20;
/// How long others wait for who has the lock.
const WAITS: u32 = 80;
const WAIT_MS: u64 = 100;

/// Renews the provider's tokens of a login if they are over, and takes over what the provider now says of the person.
///
/// # Errors
/// `invalid_grant`, and the login is over, if the provider refuses; 503 if it does not answer.
pub(crate) fn renew(call: Call<'_>, grant: &mut Grant) -> Result<(), Failure> {
    for _ in 0..WAITS {
        let Some(found) = store::get::<Tokens>(call, TOKENS, &grant.id)? else { return Err(over().into()) };
        if due(call, &found.record).is_none() {
            return Ok(());
        }
        if store::add(call, LOCK, &grant.id, &(), LOCK_SECONDS)? {
            let outcome = locked(call, grant);
            store::delete(call, LOCK, &grant.id)?;
            return outcome;
        }
        call.host.pause(WAIT_MS);
    }
    Err(Refusal::away("the identity provider takes long to answer").into())
}

/// The refresh token, if it is time to use it.
fn due<'a>(call: Call<'_>, tokens: &'a Tokens) -> Option<&'a str> {
    let over = tokens.ends <= call.now().saturating_add(EARLY_SECONDS);
    tokens.refresh.as_deref().filter(|_| over)
}

/// With the lock: another request may have been here just before.
fn locked(call: Call<'_>, grant: &mut Grant) -> Result<(), Failure> {
    let Some(found) = store::get::<Tokens>(call, TOKENS, &grant.id)? else { return Err(over().into()) };
    let Some(refresh) = due(call, &found.record) else { return Ok(()) };
    match provider::refresh(call, refresh) {
        Ok(granted) => taken_over(call, grant, &granted),
        Err(Trouble::Away) => Err(Refusal::away("the identity provider does not answer").into()),
        Err(Trouble::Refused) => {
            log::info(&["the provider no longer refreshes login ", &grant.id, ": it ends"].concat());
            grant::end(call, &grant.id)?;
            Err(over().into())
        }
    }
}

fn taken_over(call: Call<'_>, grant: &mut Grant, granted: &Granted) -> Result<(), Failure> {
    // First of all: the old refresh token may be void already.
    store::set(call, TOKENS, &grant.id, &granted.tokens, grant.kept(call))?;
    let Some(token) = &granted.id_token else { return Ok(()) };
    match id_token::person(call, token, None, &granted.tokens.access) {
        Ok(person) if person.subject == grant.subject => {
            grant.name = person.name.or_else(|| grant.name.take());
            grant.groups = person.groups;
            Ok(())
        }
        Ok(_) | Err(Doubt::Bad(_)) => {
            log::error(
                &["the provider's new id_token of login ", &grant.id, " is somebody else's or not good: the login ends"].concat(),
            );
            grant::end(call, &grant.id)?;
            Err(over().into())
        }
        Err(Doubt::Away) => Err(Refusal::away("the identity provider does not answer").into()),
        Err(Doubt::Fault(fault)) => Err(fault.into()),
    }
}

fn over() -> Refusal {
    Refusal::grant("the login is over: log in again")
}
