//! A login: one person, one client, what was agreed to. Everything that is issued for it names it, so that it can be ended as one.

use portcullis_plugin::auth::Fault;
use portcullis_plugin::log;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authorize::Pending;
use crate::id_token::Person;
use crate::index;
use crate::port::Call;
use crate::provider::{self, Tokens};
use crate::secret::{name, secret};
use crate::store::{self, Found, GRANT, TOKENS};

/// How long a login waits for its code to be redeemed, in seconds: longer than any code.
const UNREDEEMED_SECONDS: u64 = 600;
/// After so many seconds with the provider no further token is revoked there: clients wait for the answer, and nobody has the token any more.
const REVOKING_SECONDS: u64 = 10;

/// A login.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// 128 random bits in base64url.
    pub(crate) id: String,
    pub(crate) client: String,
    #[serde(default)]
    pub(crate) client_name: String,
    pub(crate) subject: String,
    /// The provider who vouches for the subject.
    pub(crate) provider: String,
    pub(crate) name: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) details: Vec<Value>,
    pub(crate) auth_time: u64,
    /// Seconds since 1970.
    #[serde(default)]
    pub(crate) begun: u64,
    /// Seconds since 1970, however often it is refreshed.
    pub(crate) ends: u64,
    /// Key of its refresh tokens.
    pub(crate) key: String,
    /// Number of the refresh token that is good now; 0 before the code is redeemed.
    pub(crate) generation: u32,
    /// When the last few were replaced, the latest at the end.
    pub(crate) replaced: Vec<u64>,
}

impl Grant {
    /// A login that has just happened.
    pub(crate) fn begin(call: Call<'_>, pending: &Pending, person: Person, tokens: &Tokens) -> Self {
        let (now, lifetimes) = (call.now(), &call.settings.lifetimes);
        let lasts = if tokens.refresh.is_some() {
            lifetimes.login_seconds
        } else {
            lifetimes.unrefreshed_seconds.min(lifetimes.login_seconds)
        };
        Self {
            id: name(call),
            client: pending.client.clone(),
            client_name: pending.client_name.clone(),
            subject: person.subject,
            provider: call.settings.upstream.issuer.clone(),
            name: person.name,
            groups: person.groups,
            scopes: pending.scopes.clone(),
            resources: pending.resources.clone(),
            details: pending.details.clone(),
            auth_time: person.auth_time.unwrap_or(now),
            begun: now,
            ends: now.saturating_add(lasts),
            key: secret(call),
            generation: 0,
            replaced: Vec::new(),
        }
    }

    /// How long its records are kept from now on.
    pub(crate) fn kept(&self, call: Call<'_>) -> u64 {
        self.ends.saturating_sub(call.now()).min(call.settings.lifetimes.idle_seconds).max(1)
    }
}

/// Keeps a new login until its code is redeemed, among those of its person. The provider's tokens are in a record of their own: the host encrypts
/// both. False: the login is over, since more of this person began at the same moment than could be noted, and what cannot be listed must not live.
pub(crate) fn keep(call: Call<'_>, grant: &Grant, tokens: &Tokens) -> Result<bool, Fault> {
    store::set(call, GRANT, &grant.id, grant, UNREDEEMED_SECONDS)?;
    store::set(call, TOKENS, &grant.id, tokens, UNREDEEMED_SECONDS)?;
    let noted = index::add(call, grant)?;
    if !noted {
        log::warn("a login was refused: too many of its person begin at once");
        end(call, &grant.id)?;
    }
    Ok(noted)
}

/// The login of this id, unless it has ended.
pub(crate) fn find(call: Call<'_>, id: &str) -> Result<Option<Found<Grant>>, Fault> {
    Ok(store::get::<Grant>(call, GRANT, id)?.filter(|found| found.record.ends > call.now()))
}

/// Writes what changed and lets both records live on; whether nobody else wrote meanwhile.
pub(crate) fn advance(call: Call<'_>, found: &Found<Grant>) -> Result<bool, Fault> {
    let (id, seconds) = (&found.record.id, found.record.kept(call));
    if !store::swap(call, GRANT, id, found, seconds)? {
        return Ok(false);
    }
    if let Some(tokens) = store::get::<Tokens>(call, TOKENS, id)? {
        // Who wrote them meanwhile let them live on, too.
        let _ = store::swap(call, TOKENS, id, &tokens, seconds)?;
    }
    Ok(true)
}

/// Ends a login: access tokens at once on every replica, then its refresh tokens, then what the provider gave, there and here.
pub(crate) fn end(call: Call<'_>, id: &str) -> Result<(), Fault> {
    end_all(call, &[id])
}

/// Ends several. All are over here before the provider hears of the first.
pub(crate) fn end_all(call: Call<'_>, ids: &[impl AsRef<str>]) -> Result<(), Fault> {
    let mut theirs = Vec::new();
    let ended: Vec<Result<(), Fault>> = ids.iter().map(|id| end_here(call, id.as_ref(), &mut theirs)).collect();
    let until = call.now().saturating_add(REVOKING_SECONDS);
    for tokens in &theirs {
        if call.now() >= until {
            log::warn("the provider is slow: tokens of logins that are over here were not revoked there");
            break;
        }
        provider::revoke(call, tokens);
    }
    ended.into_iter().collect()
}

/// Ends a login, and adds the provider's tokens of it to those that are to be revoked there.
fn end_here(call: Call<'_>, id: &str, theirs: &mut Vec<Tokens>) -> Result<(), Fault> {
    let grant = store::take::<Grant>(call, GRANT, id);
    // Before its code is redeemed, a login has no access token, and what is taken here is not redeemed any more. Of too many revocations the host
    // forgets the oldest: none is wasted. A login whose record is gone may have idled out before its last access token.
    let revoked = match &grant {
        Ok(Some(grant)) if grant.generation == 0 => Ok(()),
        _ => call.host.revoke(id),
    };
    // Whatever became of that, no refresh token of it is good any longer.
    let grant = grant?;
    let tokens = store::take::<Tokens>(call, TOKENS, id)?;
    // Tokens of the provider that the settings named before are none of the present one's business (#5120).
    if grant.as_ref().is_none_or(|grant| grant.provider == call.settings.upstream.issuer) {
        theirs.extend(tokens);
    }
    if let Some(grant) = grant {
        log::info(&["login ", id, " of ", &grant.subject, " ends, with client ", &grant.client].concat());
        index::remove(call, &grant)?;
    }
    Ok(revoked?)
}
