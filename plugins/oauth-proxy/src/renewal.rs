//! Whether the person is still welcome: when the provider's access token is over, the provider is asked for a new one before we issue ours. Of
//! all requests on all replicas one asks, the others wait for what it gets: providers that rotate refresh tokens end a login that is
//! refreshed twice.

use portcullis_plugin::log;

use crate::errors::{Failure, Refusal};
use crate::grant;
use crate::id_token::{self, Doubt, Person};
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

/// Keeps the tokens first of all, since the old refresh token may be void already; then looks at whose they are.
fn taken_over(call: Call<'_>, id: &str, granted: &Granted) -> Result<(), Failure> {
    let Some(found) = grant::find(call, id)? else {
        // Somebody ended the login meanwhile, and could not know of these.
        provider::revoke(call, &granted.tokens);
        return Err(over().into());
    };
    store::set(call, TOKENS, id, &granted.tokens, found.record.kept(call))?;
    let Some(token) = &granted.id_token else { return Ok(()) };
    match id_token::person(call, token, None, &granted.tokens.access) {
        Ok(person) if person.subject == found.record.subject => noted(call, id, &person),
        Ok(_) | Err(Doubt::Bad(_)) => {
            log::error(
                &["the provider's new id_token of login ", id, " is somebody else's or not good: the login ends"].concat(),
            );
            grant::end(call, id)?;
            Err(over().into())
        }
        Err(Doubt::Away) => Err(Refusal::away("the identity provider does not answer").into()),
        Err(Doubt::Fault(fault)) => Err(fault.into()),
    }
}

/// Writes what the provider says of the person, against requests that rotate at the same time.
fn noted(call: Call<'_>, id: &str, person: &Person) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let Some(mut found) = grant::find(call, id)? else { return Err(over().into()) };
        let grant = &mut found.record;
        let name = person.name.clone().or_else(|| grant.name.clone());
        if grant.groups == person.groups && grant.name == name {
            return Ok(());
        }
        (grant.name, grant.groups) = (name, person.groups.clone());
        if grant::advance(call, &found)? {
            return Ok(());
        }
    }
    Err(Refusal::away("too many requests refresh this login at once").into())
}

fn over() -> Refusal {
    Refusal::grant("the login is over: log in again")
}
