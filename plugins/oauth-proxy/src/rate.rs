//! Counters per network and window, in the store, so that all replicas count together. The store has room for 100,000 records: what strangers
//! can make it keep has an end in total, and when that is reached each part of the internet still has a reserve, so that whoever has some
//! dozens of addresses does not shut out the rest of the world. Counters share slots, so that they do not fill the store either.

use std::net::IpAddr;

use portcullis_plugin::auth::Fault;
use serde::{Deserialize, Serialize};

use crate::errors::{Failure, Refusal};
use crate::port::Call;
use crate::secret::bucket;
use crate::store::{self, Found, RATE};

/// Tries to count against other requests that count at the same time; who loses them all is one of a flood.
const TRIES: u32 = 8;
/// Counters of a kind: for an IPv4 address or an IPv6 /64, for an IPv6 /48, and for the reserves. Who shares one with a flood waits with it.
const NEAR: u16 = 4_096;
const FAR: u16 = 1_024;
const RESERVES: u16 = 256;
/// Counters that share the total, so that simultaneous requests seldom meet at one.
const SHARDS: u8 = 8;
/// An IPv6 /48, which a provider gives to one customer or to hundreds, has this many times the limit of a /64.
const FAR_TIMES: u32 = 4;

/// How many of a kind are admitted in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) kind: &'static str,
    /// From one IPv4 address or IPv6 /64: whoever has one address of it has all.
    pub(crate) per_address: u32,
    /// From everywhere.
    pub(crate) in_total: u32,
    /// From each 256th of all networks when the total is reached.
    pub(crate) reserve: u32,
    /// Seconds.
    pub(crate) window: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Counter {
    count: u32,
    ends: u64,
}

/// A counter and how far it goes.
struct Place {
    id: String,
    most: u32,
    window: u64,
}

enum Outcome {
    Counted,
    /// For so many seconds.
    Full(u64),
    /// Others were always faster.
    Lost,
}

/// Counts one for the caller's network and in total. Returns the counters' names, for [`forgive`].
///
/// # Errors
/// 429 when there were too many in this window already.
pub(crate) fn admit(call: Call<'_>, limit: &Limit) -> Result<Vec<String>, Failure> {
    let networks = Networks::of(call.client);
    let own = limit.place("near", &networks.near, NEAR, limit.per_address);
    // Who is refused for being too many does not count against the neighbours.
    if let Some(seconds) = full(call, &own)? {
        return Err(Refusal::too_many(seconds).into());
    }
    let mut counted = Vec::new();
    if networks.is_v6 {
        let most = limit.per_address.saturating_mul(FAR_TIMES);
        counted.push(taken(call, limit.place("far", &networks.far, FAR, most))?);
    }
    let shard = call.host.random(1).first().map_or(0, |byte| byte % SHARDS);
    let most = limit.in_total / u32::from(SHARDS);
    let total = Place { id: [limit.kind, "/all/", &shard.to_string()].concat(), most, window: limit.window };
    counted.push(match count(call, &total)? {
        Outcome::Counted => total.id,
        Outcome::Full(_) | Outcome::Lost => taken(call, limit.place("reserve", &networks.far, RESERVES, limit.reserve))?,
    });
    counted.push(taken(call, own)?);
    Ok(counted)
}

impl Limit {
    fn place(&self, group: &str, network: &str, slots: u16, most: u32) -> Place {
        let id = [self.kind, "/", group, "/", &bucket(network, slots).to_string()].concat();
        Place { id, most, window: self.window }
    }
}

fn full(call: Call<'_>, place: &Place) -> Result<Option<u64>, Fault> {
    let found = store::get::<Counter>(call, RATE, &place.id)?.filter(|found| found.record.count >= place.most);
    Ok(found.map(|found| found.record.ends.saturating_sub(call.now())).filter(|left| *left > 0))
}

/// Counts one, or refuses.
fn taken(call: Call<'_>, place: Place) -> Result<String, Failure> {
    match count(call, &place)? {
        Outcome::Counted => Ok(place.id),
        Outcome::Full(seconds) => Err(Refusal::too_many(seconds).into()),
        Outcome::Lost => Err(Refusal::too_many(1).into()),
    }
}

fn count(call: Call<'_>, place: &Place) -> Result<Outcome, Fault> {
    let id = &place.id;
    for _ in 0..TRIES {
        let now = call.now();
        let first = Counter { count: 1, ends: now + place.window };
        let counted = match store::get::<Counter>(call, RATE, id)? {
            Some(Found { record, version }) if record.ends > now => {
                let left = record.ends - now;
                if record.count >= place.most {
                    return Ok(Outcome::Full(left));
                }
                let next = Counter { count: record.count + 1, ends: record.ends };
                store::swap(call, RATE, id, &Found { record: next, version }, left)?
            }
            Some(found) => store::swap(call, RATE, id, &Found { record: first, version: found.version }, place.window)?,
            None => store::add(call, RATE, id, &first, place.window)?,
        };
        if counted {
            return Ok(Outcome::Counted);
        }
    }
    Ok(Outcome::Lost)
}

/// Takes one back: what was counted led to a login. That a lost race counts once too often does no harm.
pub(crate) fn forgive(call: Call<'_>, counted: &[String]) -> Result<(), Fault> {
    for id in counted {
        let Some(mut found) = store::get::<Counter>(call, RATE, id)? else { continue };
        found.record.count = found.record.count.saturating_sub(1);
        let left = found.record.ends.saturating_sub(call.now()).max(1);
        store::swap(call, RATE, id, &found, left)?;
    }
    Ok(())
}

/// Where a request comes from.
struct Networks {
    /// An IPv4 address, or the /64 of an IPv6 address.
    near: String,
    /// An IPv4 /24, or the /48 of an IPv6 address.
    far: String,
    is_v6: bool,
}

impl Networks {
    fn of(client: &str) -> Self {
        let address = client.parse::<IpAddr>().map(|address| address.to_canonical());
        match address {
            Ok(IpAddr::V6(address)) => {
                let first = |count| address.segments().iter().take(count).map(|segment| format!("{segment:x}:")).collect();
                Self { near: first(4), far: first(3), is_v6: true }
            }
            Ok(IpAddr::V4(address)) => {
                let far = address.octets().iter().take(3).map(|octet| format!("{octet}.")).collect();
                Self { near: address.to_string(), far, is_v6: false }
            }
            Err(_) => Self { near: "unknown".to_owned(), far: "unknown".to_owned(), is_v6: false },
        }
    }
}
