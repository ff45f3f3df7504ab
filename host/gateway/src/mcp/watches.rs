//! Running watches: one per caller and resource, as long as somebody is subscribed. A guest that returns is asked again, with a pause that
//! grows while it fails; a new component takes over from the old one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use portcullis_core::call::CallContext;
use portcullis_core::limits::WATCH_SHARE;
use portcullis_core::policy::{Action, Permit};
use portcullis_core::ports::Plugin;
use portcullis_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::resources;
use super::turn::quiet_context;
use crate::cache::WireCache;
use crate::entry::{Caller, Credential, Entry};
use crate::revocations::Revocations;

/// How long a guest may watch in one piece; the plugin's own limit may be shorter.
const WATCH_TIME: Duration = Duration::from_secs(3600);

/// First pause before a guest is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest pause: a resource that fails for ever costs one call per minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// A watch that ran this long was no failure: the pause begins anew.
const HEALTHY: Duration = Duration::from_secs(10);

/// One caller may have one watch in this many of all that can run.
const CALLER_SHARE: usize = 8;

/// And this many at least, in a host with few places.
const CALLER_MIN: usize = 4;

/// Callers differ in what the API server shows them (impersonation): a watch is never shared between two, nor between two proofs of one
/// caller, which end at different times.
type Key = (String, Credential, String);

struct Running {
    subscribers: usize,
    task: JoinHandle<()>,
}

/// All running watches of a gateway.
pub(crate) struct Watches {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    wire: Arc<WireCache>,
    revocations: Arc<Revocations>,
    running: Mutex<HashMap<Key, Running>>,
}

impl Watches {
    pub(crate) fn new(
        snapshots: watch::Receiver<Arc<Snapshot>>,
        wire: Arc<WireCache>,
        revocations: Arc<Revocations>,
    ) -> Arc<Self> {
        Arc::new(Self { snapshots, wire, revocations, running: Mutex::default() })
    }

    /// Most watches of one caller, so that nobody takes every place. Over stdio there is only one.
    pub(super) fn most(&self, caller: &Caller) -> usize {
        let places = self.snapshots.borrow().config.max_concurrent_calls.div_ceil(WATCH_SHARE);
        match caller.credential {
            Credential::Stdio => places,
            _ => (places / CALLER_SHARE).max(CALLER_MIN).min(places),
        }
    }

    /// Those of the resources that the caller may begin to watch now, or watches already.
    pub(super) fn fitting<'a>(&self, caller: &Caller, uris: impl Iterator<Item = &'a String>) -> Vec<String> {
        let (most, mut new) = (self.most(caller), 0);
        let running = self.running.lock();
        let held = count(&running, caller);
        let fits = |uri: &&String| {
            let known = running.contains_key(&key(caller, uri));
            new += usize::from(!known);
            known || held + new <= most
        };
        uris.filter(fits).cloned().collect()
    }

    /// One more subscriber, until the guard is dropped; `None` if the caller has as many watches as it may.
    pub(super) fn join(watches: &Arc<Self>, caller: &Caller, uri: &str) -> Option<WatchGuard> {
        let (key, most) = (key(caller, uri), watches.most(caller));
        let mut running = watches.running.lock();
        if !running.contains_key(&key) && count(&running, caller) >= most {
            tracing::info!(principal = %caller.principal, uri, most, "not watched: the caller has as many watches as it may");
            return None;
        }
        let entry = running.entry(key.clone()).or_insert_with(|| {
            let task = tokio::spawn(keep_watching(Arc::clone(watches), caller.clone(), uri.to_owned()));
            Running { subscribers: 0, task }
        });
        entry.subscribers += 1;
        Some(WatchGuard { watches: Arc::clone(watches), key })
    }

    fn leave(&self, key: &Key) {
        let mut running = self.running.lock();
        let Some(entry) = running.get_mut(key) else { return };
        entry.subscribers -= 1;
        if entry.subscribers == 0 {
            entry.task.abort();
            running.remove(key);
        }
    }
}

fn key(caller: &Caller, uri: &str) -> Key {
    (caller.principal.to_string(), caller.credential.clone(), uri.to_owned())
}

fn count(running: &HashMap<Key, Running>, caller: &Caller) -> usize {
    let name = caller.principal.to_string();
    running.keys().filter(|(principal, ..)| *principal == name).count()
}

/// A subscriber's part in a watch.
pub(super) struct WatchGuard {
    watches: Arc<Watches>,
    key: Key,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.watches.leave(&self.key);
    }
}

/// Never ends by itself: the last subscriber ends it.
async fn keep_watching(watches: Arc<Watches>, caller: Caller, uri: String) {
    let (mut snapshots, mut pause) = (watches.snapshots.clone(), PAUSE);
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let Some((plugin, permit, context)) = prepare(&watches, snapshot, &caller, &uri).await else {
            // Nobody serves it now, or not to this caller; the next snapshot may change that, or a store that answers again.
            match tokio::time::timeout(PAUSE_MAX, snapshots.changed()).await {
                Ok(Err(_)) => return,
                Ok(Ok(())) | Err(_) => continue,
            }
        };
        let started = Instant::now();
        let ended = tokio::select! {
            ended = plugin.watch_resource(permit, context) => ended,
            () = replaced((&mut snapshots, &watches.revocations), &caller, &plugin, &uri) => continue,
        };
        if let Err(error) = ended {
            tracing::debug!(uri, %error, "a watch ended; it is started again");
        }
        if started.elapsed() >= HEALTHY {
            pause = PAUSE;
        }
        drop(plugin);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// What a watch needs, and nothing that would keep the snapshot alive.
async fn prepare(
    watches: &Watches,
    snapshot: Arc<Snapshot>,
    caller: &Caller,
    uri: &str,
) -> Option<(Arc<dyn Plugin>, Permit, CallContext)> {
    if !caller.is_still_valid(&snapshot, &watches.revocations) {
        return None;
    }
    let entry = Entry { wire: watches.wire.of(&snapshot), snapshot, caller: caller.clone() };
    let plugin = resources::owner(&entry, uri).await.filter(|plugin| plugin.descriptor().exports.subscriptions)?;
    let permit = entry.snapshot.policy.decide(entry.principal(), Action::ReadResource, uri).ok()?;
    Some((plugin, permit, quiet_context(&entry, WATCH_TIME)))
}

/// Returns when a snapshot comes in which this watch would be another one: another component, policy or token; or when the token or its login
/// ends.
async fn replaced(
    (snapshots, revocations): (&mut watch::Receiver<Arc<Snapshot>>, &Revocations),
    caller: &Caller,
    plugin: &Arc<dyn Plugin>,
    uri: &str,
) {
    loop {
        let changed = tokio::select! {
            changed = snapshots.changed() => changed,
            () = caller.ended(revocations) => return,
        };
        if changed.is_err() {
            // No more snapshots will come: the watch itself decides how long it runs.
            return std::future::pending().await;
        }
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let served = snapshot.catalogue.plugins().iter().any(|it| Arc::ptr_eq(it, plugin));
        let allowed = snapshot.policy.allows(&caller.principal, Action::ReadResource, uri);
        if !(served && allowed && caller.is_still_valid(&snapshot, revocations)) {
            return;
        }
    }
}
