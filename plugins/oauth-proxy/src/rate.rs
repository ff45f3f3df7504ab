//! Counters per address and window, in the store, so that all replicas count together.

use std::net::IpAddr;

use portcullis_plugin::auth::Fault;
use serde::{Deserialize, Serialize};

use crate::errors::{Failure, Refusal};
use crate::port::Call;
use crate::secret::digest;
use crate::store::{self, Found, RATE};

/// Tries to count against other requests that count at the same time; who loses them all is one of a flood.
const TRIES: u32 = 8;

#[derive(Debug, Serialize, Deserialize)]
struct Counter {
    count: u32,
    ends: u64,
}

/// Counts one of `kind` for the caller's address. Returns the counter's name, for [`forgive`].
///
/// # Errors
/// 429 when there were `limit` in this window already.
pub(crate) fn admit(call: Call<'_>, kind: &str, limit: u32, window: u64) -> Result<String, Failure> {
    count(call, [kind, "/", &slot(&network(call.client))].concat(), limit, window)
}

/// Counts one of `kind` for all addresses together: the store has room for 100,000 records, and whoever has many addresses must not fill it.
///
/// # Errors
/// 429 when there were `limit` in this window already.
pub(crate) fn admit_in_total(call: Call<'_>, kind: &str, limit: u32, window: u64) -> Result<(), Failure> {
    count(call, [kind, "/all"].concat(), limit, window).map(drop)
}

fn count(call: Call<'_>, id: String, limit: u32, window: u64) -> Result<String, Failure> {
    for _ in 0..TRIES {
        let now = call.now();
        match store::get::<Counter>(call, RATE, &id)? {
            Some(found) if found.record.ends > now => {
                let left = found.record.ends - now;
                if found.record.count >= limit {
                    return Err(Refusal::too_many(left).into());
                }
                let next = Counter { count: found.record.count + 1, ends: found.record.ends };
                if store::swap(call, RATE, &id, &Found { record: next, version: found.version }, left)? {
                    return Ok(id);
                }
            }
            Some(found) => {
                let first = Found { record: Counter { count: 1, ends: now + window }, version: found.version };
                if store::swap(call, RATE, &id, &first, window)? {
                    return Ok(id);
                }
            }
            None => {
                if store::add(call, RATE, &id, &Counter { count: 1, ends: now + window }, window)? {
                    return Ok(id);
                }
            }
        }
    }
    Err(Refusal::too_many(1).into())
}

/// Takes one back: what was counted led to a login. That a lost race counts once too often does no harm.
pub(crate) fn forgive(call: Call<'_>, id: &str) -> Result<(), Fault> {
    let Some(mut found) = store::get::<Counter>(call, RATE, id)? else { return Ok(()) };
    found.record.count = found.record.count.saturating_sub(1);
    let left = found.record.ends.saturating_sub(call.now()).max(1);
    store::swap(call, RATE, id, &found, left).map(drop)
}

/// One of 4,096 counters of a kind: were there one for each network, whoever has many of them would fill the store with counters. Who shares
/// one with a flood waits with it.
fn slot(network: &str) -> String {
    digest(network).chars().take(2).collect()
}

/// An IPv4 address, or the /64 of an IPv6 address: whoever has one has all of it.
fn network(client: &str) -> String {
    match client.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            address.segments().iter().take(4).map(|segment| format!("{segment:x}:")).collect()
        }
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => "unknown".to_owned(),
    }
}
