//! Records in the host's key-value store: JSON under `kind/site/id`, so that logins at one listener are nothing at another. Each function is
//! one atomic step over all replicas; nothing here reads and then writes.

use std::time::Duration;

use portcullis_plugin::auth::Fault;
use portcullis_plugin::auth::keyvalue::Entry;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::port::Call;
use crate::secret::digest;

/// A kind of record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind(&'static str);

/// Registered clients, by `client_id`.
pub(crate) const CLIENT: Kind = Kind("client");
/// Client documents, by the hash of their URL.
pub(crate) const DOCUMENT: Kind = Kind("document");
/// Client documents that could not be had, by the hash of their URL.
pub(crate) const MISSING: Kind = Kind("missing");
/// Counters, by what they count.
pub(crate) const RATE: Kind = Kind("rate");
/// Authorization requests before consent, by the hash of their handle.
pub(crate) const PENDING: Kind = Kind("pending");
/// Logins that are on their way to the provider, by the hash of `state`.
pub(crate) const LEG: Kind = Kind("leg");
/// Logins that wait for their person to confirm who it is, by the hash of their handle.
pub(crate) const CONFIRM: Kind = Kind("confirm");
/// Authorization codes, by their hash.
pub(crate) const CODE: Kind = Kind("code");
/// What became of codes, by the same hash: outlives them, so that a replay is known for one.
pub(crate) const SPENT: Kind = Kind("spent");
/// Logins, by their id.
pub(crate) const GRANT: Kind = Kind("grant");
/// The provider's tokens of a login, by its id.
pub(crate) const TOKENS: Kind = Kind("tokens");
/// Which logins a person has, by the hash of who it is.
pub(crate) const PERSON: Kind = Kind("person");
/// Who refreshes the provider's tokens, by the login's id.
pub(crate) const LOCK: Kind = Kind("lock");

/// A record and the version that it has.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) record: T,
    pub(crate) version: u64,
}

/// Reads.
pub(crate) fn get<T: DeserializeOwned>(call: Call<'_>, kind: Kind, id: &str) -> Result<Option<Found<T>>, Fault> {
    call.host.get(&key(call, kind, id))?.map(|entry| found(kind, &entry)).transpose()
}

/// Reads and deletes: of several callers, one gets it.
pub(crate) fn take<T: DeserializeOwned>(call: Call<'_>, kind: Kind, id: &str) -> Result<Option<T>, Fault> {
    let entry = call.host.take(&key(call, kind, id))?;
    entry.map(|entry| found(kind, &entry).map(|found| found.record)).transpose()
}

/// Writes.
pub(crate) fn set<T: Serialize>(call: Call<'_>, kind: Kind, id: &str, record: &T, seconds: u64) -> Result<(), Fault> {
    Ok(call.host.set(&key(call, kind, id), &bytes(record)?, Some(Duration::from_secs(seconds)))?)
}

/// Writes if there is none; whether it did.
pub(crate) fn add<T: Serialize>(call: Call<'_>, kind: Kind, id: &str, record: &T, seconds: u64) -> Result<bool, Fault> {
    Ok(call.host.set_if_absent(&key(call, kind, id), &bytes(record)?, Some(Duration::from_secs(seconds)))?)
}

/// Writes if nobody wrote since it was read; whether it did.
pub(crate) fn swap<T: Serialize>(call: Call<'_>, kind: Kind, id: &str, found: &Found<T>, seconds: u64) -> Result<bool, Fault> {
    let value = bytes(&found.record)?;
    Ok(call.host.compare_and_swap(&key(call, kind, id), found.version, &value, Some(Duration::from_secs(seconds)))?)
}

/// Deletes; whether there was one.
pub(crate) fn delete(call: Call<'_>, kind: Kind, id: &str) -> Result<bool, Fault> {
    Ok(call.host.delete(&key(call, kind, id))?)
}

/// Keys have at most 512 bytes and are stored in clear: what comes from outside or is a secret is hashed by the caller; a `client_id` of ours
/// is short. The site stands for the issuer.
fn key(call: Call<'_>, kind: Kind, id: &str) -> String {
    let site = digest(call.issuer());
    [kind.0, "/", site.get(..16).unwrap_or_default(), "/", id].concat()
}

fn bytes<T: Serialize>(record: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(record).map_err(|error| Fault::internal(error.to_string()))
}

fn found<T: DeserializeOwned>(kind: Kind, entry: &Entry) -> Result<Found<T>, Fault> {
    let unreadable =
        |_| Fault::internal(["a record of kind ", kind.0, " does not read: was it written by another version?"].concat());
    Ok(Found { record: serde_json::from_slice(&entry.value).map_err(unreadable)?, version: entry.version })
}
