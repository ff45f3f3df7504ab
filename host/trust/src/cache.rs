//! What was fetched from other parties, kept: any copy answers at once, one probe at a time goes out, failures back off. For discovery documents
//! and key sets alike; what is fetched and how, the caller says. The rules of one entry, without time and tasks, are in `cache/entry.rs`.

mod entry;
mod lifetime;
mod slot;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::Clock;
pub(crate) use entry::{Failure, Found, Kind, Missing};
pub(crate) use lifetime::lifetime;
use slot::Slot;
pub(crate) use slot::slow;

/// Most entries of a cache. At 256 KiB each they have 16 MiB; an installation trusts a handful of issuers.
pub(crate) const ENTRIES_MAX: usize = 64;

/// Longest wait for something of which there is no copy (2 s): a login page may take this long, and so may a first call.
pub(crate) const WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// What an entry is of. An address that may be private makes another entry: who may reach the internet only must not learn the other's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Character for character; empty for a key set without issuer.
    pub(crate) issuer: String,
    /// Where it is fetched.
    pub(crate) url: String,
    /// Whether it may have an address that is not the internet's.
    pub(crate) private: bool,
}

/// What a fetch brought.
pub(crate) struct Fetched<T> {
    /// The thing itself.
    pub(crate) value: T,
    /// For how long it is fresh.
    pub(crate) lifetime: std::time::Duration,
}

/// A cache; the least recently used entry makes room.
pub(crate) struct Cache<T> {
    slots: Mutex<Slots<T>>,
    clock: Arc<dyn Clock>,
}

struct Slots<T> {
    by_key: HashMap<Key, (Arc<Slot<T>>, u64)>,
    uses: u64,
}

impl<T: Send + Sync + 'static> Cache<T> {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { slots: Mutex::new(Slots { by_key: HashMap::new(), uses: 0 }), clock }
    }

    /// The copy, if there is any; else what the fetch brings within [`WAIT_MAX`]. `fetch` runs in a task of its own, at most once at a time and
    /// not while its last failure is recent; dropping this future does not end it.
    pub(crate) async fn get<F, R>(&self, key: &Key, fetch: F) -> Result<Found<T>, Missing>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Fetched<T>, Failure>> + Send + 'static,
    {
        self.slot(key).get(fetch).await
    }

    /// Fetches again because the copy lacks something, and waits for it for [`WAIT_MAX`] at most. Whether that was worth a try: it is once in a
    /// while only, so that whoever names unknown things does not make this host send requests.
    pub(crate) async fn renew<F, R>(&self, key: &Key, fetch: F) -> bool
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Fetched<T>, Failure>> + Send + 'static,
    {
        self.slot(key).renew(fetch).await
    }

    fn slot(&self, key: &Key) -> Arc<Slot<T>> {
        let mut slots = self.slots.lock();
        slots.uses += 1;
        let now = slots.uses;
        if let Some((slot, used)) = slots.by_key.get_mut(key) {
            *used = now;
            return Arc::clone(slot);
        }
        if slots.by_key.len() >= ENTRIES_MAX {
            let oldest = slots.by_key.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            oldest.and_then(|key| slots.by_key.remove(&key));
        }
        let slot = Arc::new(Slot::new(Arc::clone(&self.clock)));
        slots.by_key.insert(key.clone(), (Arc::clone(&slot), now));
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Cache, ENTRIES_MAX, Fetched, Key};
    use crate::clock::SystemClock;

    fn key(issuer: usize) -> Key {
        Key { issuer: issuer.to_string(), url: String::new(), private: false }
    }

    #[tokio::test]
    async fn a_cache_holds_so_many_entries_and_forgets_the_one_that_nobody_used() {
        let (cache, fetches) = (Cache::new(Arc::new(SystemClock::default())), Arc::new(AtomicUsize::new(0)));
        let get = async |issuer| {
            let fetches = Arc::clone(&fetches);
            let fetch =
                || async move { Ok(Fetched { value: fetches.fetch_add(1, Ordering::SeqCst), lifetime: Duration::from_secs(9) }) };
            *cache.get(&key(issuer), fetch).await.unwrap().value
        };
        for issuer in 0..ENTRIES_MAX {
            assert_eq!(get(issuer).await, issuer);
        }
        assert_eq!(get(0).await, 0);
        assert_eq!(get(1000).await, ENTRIES_MAX);
        assert_eq!((get(0).await, cache.slots.lock().by_key.len()), (0, ENTRIES_MAX));
        assert_eq!(get(1).await, ENTRIES_MAX + 1);
    }

    #[tokio::test]
    async fn what_a_private_address_said_is_not_told_to_who_may_reach_the_internet_only() {
        let cache = Cache::new(Arc::new(SystemClock::default()));
        let put = |value| move || async move { Ok(Fetched { value, lifetime: Duration::from_secs(9) }) };
        let private = Key { private: true, ..key(0) };
        assert_eq!(*cache.get(&private, put(1)).await.unwrap().value, 1);
        assert_eq!(*cache.get(&key(0), put(2)).await.unwrap().value, 2);
    }
}
