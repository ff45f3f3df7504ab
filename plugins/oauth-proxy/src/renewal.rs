//! Whether the person is still welcome: when the provider's access token is over, the provider is asked for a new one before we issue ours. Of
//! all requests on all replicas one asks, the others wait for what it gets: providers that rotate refresh tokens end a login that is
//! refreshed twice.

use portcullis_plugin::auth::Fault;
use portcullis_plugin::log;

use crate::errors::{Failure, Refusal};
use crate::id_token::{self, Doubt, Person};
use crate::port::Call;
use crate::provider::{self, Granted, Tokens, Trouble};
use crate::store::{self, Found, LOCK, TOKENS};
use crate::{details, grant};

/// A token that ends within so many seconds counts as over.
const EARLY_SECONDS: u64 = 60;
/// The lock falls by itself: longer than an exchange takes.
const LOCK_SECONDS: u64 = 20;
/// How long others wait for who has the lock.
const WAITS: u32 = 80;
const WAIT_MS: u64 = 100;
/// Tries to write a record against others.
const TRIES: u32 = 4;

/// Renews the provider's tokens of a login if they are over, and notes in its record what the provider now says of the person. True: the record
/// must be read again, since this or another request may have written it.
///
/// # Errors
/// `invalid_grant`, and the login is over, if the provider refuses; 503 if it does not answer.
pub(crate) fn renew(call: Call<'_>, id: &str) -> Result<bool, Failure> {
    for waited in 0..WAITS {
        let Some(found) = store::get::<Tokens>(call, TOKENS, id)? else { return Err(over().into()) };
        if due(call, &found.record).is_none() {
            return Ok(waited > 0);
        }
        if store::add(call, LOCK, id, &(), LOCK_SECONDS)? {
            let outcome = locked(call, id);
            store::delete(call, LOCK, id)?;
            return outcome.map(|()| true);
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
fn locked(call: Call<'_>, id: &str) -> Result<(), Failure> {
    let Some(found) = store::get::<Tokens>(call, TOKENS, id)? else { return Err(over().into()) };
    let Some(refresh) = due(call, &found.record) else { return Ok(()) };
    match provider::refresh(call, refresh) {
        Ok(granted) => taken_over(call, id, &granted),
        Err(Trouble::Away) => Err(Refusal::away("the identity provider does not answer").into()),
        Err(Trouble::Refused) => {
            log::info(&["the provider no longer refreshes login ", id, ": it ends"].concat());
            grant::end(call, id)?;
            Err(over().into())
        }
    }
}

/// Keeps the tokens first of all, since the old refresh token may be void already, but as ones that are over: until it is known whose they are,
/// the next request asks again.
fn taken_over(call: Call<'_>, id: &str, granted: &Granted) -> Result<(), Failure> {
    keep(call, id, granted, &Tokens { ends: 0, ..granted.tokens.clone() })?;
    let Some(found) = grant::find(call, id)? else { return Err(over().into()) };
    let person = match &granted.id_token {
        None => None,
        Some(token) => match id_token::person(call, token, None, &granted.tokens.access) {
            Ok(person) if person.subject == found.record.subject => Some(person),
            Ok(_) | Err(Doubt::Bad(_)) => return Err(ended(call, id, "the new id_token is somebody else's or not good")?.into()),
            Err(Doubt::Away) => return Err(Refusal::away("the identity provider does not answer").into()),
            Err(Doubt::Fault(fault)) => return Err(fault.into()),
        },
    };
    noted(call, id, person.as_ref(), granted)?;
    keep(call, id, granted, &granted.tokens)
}

/// Ends a login of which the provider says what cannot be.
fn ended(call: Call<'_>, id: &str, why: &str) -> Result<Refusal, Fault> {
    log::error(&["the provider refreshed login ", id, ", but ", why, ": it ends"].concat());
    grant::end(call, id)?;
    Ok(over())
}

/// Writes the provider's tokens over those that are there. If there are none, somebody ended the login meanwhile, and could not know of these.
fn keep(call: Call<'_>, id: &str, granted: &Granted, tokens: &Tokens) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let (Some(old), Some(grant)) = (store::get::<Tokens>(call, TOKENS, id)?, grant::find(call, id)?) else {
            provider::revoke(call, &granted.tokens);
            return Err(over().into());
        };
        let next = Found { record: tokens.clone(), version: old.version };
        if store::swap(call, TOKENS, id, &next, grant.record.kept(call))? {
            return Ok(());
        }
    }
    Err(busy().into())
}

/// Writes what the provider says of the person and the login, against requests that rotate at the same time.
fn noted(call: Call<'_>, id: &str, person: Option<&Person>, granted: &Granted) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let Some(mut found) = grant::find(call, id)? else { return Err(over().into()) };
        let old = found.record.clone();
        let Some(details) = details::left(call, &old.details, granted.details.as_ref()) else {
            return Err(ended(call, id, "grants nothing of its authorization_details any more")?.into());
        };
        let grant = &mut found.record;
        grant.details = details;
        if let Some(person) = person {
            grant.groups.clone_from(&person.groups);
            grant.name = person.name.clone().or_else(|| old.name.clone());
        }
        if (&grant.details, &grant.groups, &grant.name) == (&old.details, &old.groups, &old.name) {
            return Ok(());
        }
        if grant::advance(call, &found)? {
            return Ok(());
        }
    }
    Err(busy().into())
}

fn busy() -> Refusal {
    Refusal::away("too many requests refresh this login at once")
}

fn over() -> Refusal {
    Refusal::grant("the login is over: log in again")
}
