//! Which logins a person has: one record for each person that names them, so that they can be listed and ended (W20). A login stands here
//! before its code exists: whoever ends all ends those, too, that are about to begin. What stands here may be over, so that whoever reads it looks
//! at the login itself.

use portcullis_plugin::auth::Fault;
use portcullis_plugin::log;
use serde::{Deserialize, Serialize};

use crate::grant::{self, Grant};
use crate::port::Call;
use crate::secret::digest;
use crate::store::{self, Found, PERSON};

/// Most logins of a person. claude.ai is a new client at every connection, so that people have dozens; all of them must be read to be listed.
const LOGINS_MAX: usize = 100;
/// Tries to write against others.
const TRIES: u32 = 8;

/// The oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Logins(Vec<Login>);

#[derive(Debug, Serialize, Deserialize)]
struct Login {
    id: String,
    /// Seconds since 1970.
    ends: u64,
}

impl Logins {
    /// How long the record is kept.
    fn kept(&self, call: Call<'_>) -> u64 {
        let last = self.0.iter().map(|login| login.ends).max().unwrap_or_default();
        last.saturating_sub(call.now()).max(1)
    }

    /// Makes room for one more; returns the logins that must end for it.
    fn make_room(&mut self, call: Call<'_>) -> Result<Vec<String>, Fault> {
        self.0.retain(|login| login.ends > call.now());
        if self.0.len() >= LOGINS_MAX {
            let mut alive = Vec::new();
            for login in self.0.drain(..) {
                if grant::find(call, &login.id)?.is_some() {
                    alive.push(login);
                }
            }
            self.0 = alive;
        }
        let over = (self.0.len() + 1).saturating_sub(LOGINS_MAX);
        Ok(self.0.drain(..over).map(|login| login.id).collect())
    }
}

/// A person is a subject of a provider. No issuer has a line feed in it.
fn key(provider: &str, subject: &str) -> String {
    digest(&[provider, "\n", subject].concat())
}

/// Notes a login that is about to begin. One too many ends the person's oldest: what lives can be listed. False, and it is not noted, if others
/// were always faster.
pub(crate) fn add(call: Call<'_>, grant: &Grant) -> Result<bool, Fault> {
    let id = key(&grant.provider, &grant.subject);
    for _ in 0..TRIES {
        let (mut logins, version) = match store::get::<Logins>(call, PERSON, &id)? {
            Some(found) => (found.record, Some(found.version)),
            None => (Logins::default(), None),
        };
        let displaced = logins.make_room(call)?;
        logins.0.push(Login { id: grant.id.clone(), ends: grant.ends });
        let seconds = logins.kept(call);
        let written = match version {
            Some(version) => store::swap(call, PERSON, &id, &Found { record: logins, version }, seconds)?,
            None => store::add(call, PERSON, &id, &logins, seconds)?,
        };
        if written {
            displaced.iter().try_for_each(|oldest| displace(call, oldest))?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn displace(call: Call<'_>, id: &str) -> Result<(), Fault> {
    log::info(&["login ", id, " makes room for a new one: its person has too many"].concat());
    grant::end(call, id)
}

/// Takes a login out. That others were always faster does no harm: it is left out when it is read.
pub(crate) fn remove(call: Call<'_>, grant: &Grant) -> Result<(), Fault> {
    let id = key(&grant.provider, &grant.subject);
    for _ in 0..TRIES {
        let Some(mut found) = store::get::<Logins>(call, PERSON, &id)? else { return Ok(()) };
        found.record.0.retain(|login| login.id != grant.id);
        let seconds = found.record.kept(call);
        if store::swap(call, PERSON, &id, &found, seconds)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The logins that a person has now, the oldest first; also those whose code is not redeemed yet.
pub(crate) fn of(call: Call<'_>, provider: &str, subject: &str) -> Result<Vec<Grant>, Fault> {
    let Some(found) = store::get::<Logins>(call, PERSON, &key(provider, subject))? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for login in &found.record.0 {
        all.extend(grant::find(call, &login.id)?.map(|found| found.record));
    }
    Ok(all)
}
