//! Running watches: one per caller and resource, as long as somebody is subscribed. A guest that returns is asked again, with a pause that
//! grows while it fails; a new component takes over from the old one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use portcullis_core::call::CallContext;
use portcullis_core::policy::{Action, Permit};
use portcullis_core::ports::Plugin;
use portcullis_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::resources;
use super::turn::quiet_context;
use crate::cache::WireCache;
use crate::entry::{Caller, Credential, Entry};

/// How long a guest may watch in one piece; the plugin's own limit may be shorter.
const WATCH_TIME: Duration = Duration::from_secs(3600);

/// First pause before a guest is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest pause: a resource that fails for ever costs one call per minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// A watch that ran this long was no failure: the pause begins anew.
const HEALTHY: Duration = Duration::from_secs(10);

/// Resources that one caller may have watched, over all its subscriptions and connections. 1,024: four subscriptions of the largest size; each is
/// a task, and each start of one a guest.
const PER_CALLER: usize = 1_024;

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
    running: Mutex<HashMap<Key, Running>>,
}

impl Watches {
    pub(crate) fn new(snapshots: watch::Receiver<Arc<Snapshot>>, wire: Arc<WireCache>) -> Arc<Self> {
        Arc::new(Self { snapshots, wire, running: Mutex::default() })
    }

    /// One more subscriber, until the guard is dropped.
    pub(super) fn join(watches: &Arc<Self>, caller: &Caller, uri: &str) -> WatchGuard {
        let key = (caller.principal.to_string(), caller.credential.clone(), uri.to_owned());
        let mut running = watches.running.lock();
        let known = running.contains_key(&key);
        if !known && running.keys().filter(|(caller, ..)| *caller == key.0).count() >= PER_CALLER {
            tracing::warn!(
                caller = key.0,
                uri,
                "the caller has {PER_CALLER} resources watched; this one is not, and its changes may not be told"
            );
            return WatchGuard { watches: Arc::clone(watches), key: None };
        }
        let entry = running.entry(key.clone()).or_insert_with(|| {
            let task = tokio::spawn(keep_watching(Arc::clone(watches), caller.clone(), uri.to_owned()));
            Running { subscribers: 0, task }
        });
        entry.subscribers += 1;
        WatchGuard { watches: Arc::clone(watches), key: Some(key) }
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

/// A subscriber's part in a watch.
pub(super) struct WatchGuard {
    watches: Arc<Watches>,
    /// `None`: the caller had too many already.
    key: Option<Key>,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.watches.leave(key);
        }
    }
}

/// Never ends by itself: the last subscriber ends it.
async fn keep_watching(watches: Arc<Watches>, caller: Caller, uri: String) {
    let (mut snapshots, mut pause) = (watches.snapshots.clone(), PAUSE);
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let Some((plugin, permit, context)) = prepare(&watches, snapshot, &caller, &uri).await else {
            // Nobody serves it now, or not to this caller; the next snapshot may change that.
            if snapshots.changed().await.is_err() {
                return;
            }
            continue;
        };
        let started = Instant::now();
        let ended = tokio::select! {
            ended = plugin.watch_resource(permit, context) => ended,
            () = replaced(&mut snapshots, &caller, &plugin, &uri) => continue,
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
    if !caller.is_still_valid(&snapshot.config) {
        return None;
    }
    let entry = Entry { wire: watches.wire.of(&snapshot), snapshot, caller: caller.clone() };
    let plugin = resources::owner(&entry, uri).await.filter(|plugin| plugin.descriptor().exports.subscriptions)?;
    let permit = entry.snapshot.policy.decide(entry.principal(), Action::ReadResource, uri).ok()?;
    Some((plugin, permit, quiet_context(&entry, WATCH_TIME)))
}

/// Returns when a snapshot comes in which this watch would be another one: another component, policy or token.
async fn replaced(snapshots: &mut watch::Receiver<Arc<Snapshot>>, caller: &Caller, plugin: &Arc<dyn Plugin>, uri: &str) {
    loop {
        if snapshots.changed().await.is_err() {
            // No more snapshots will come: the watch itself decides how long it runs.
            return std::future::pending().await;
        }
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let served = snapshot.catalogue.plugins().iter().any(|it| Arc::ptr_eq(it, plugin));
        let allowed = snapshot.policy.allows(&caller.principal, Action::ReadResource, uri);
        if !(served && allowed && caller.is_still_valid(&snapshot.config)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use portcullis_core::catalogue::Catalogue;
    use portcullis_core::config::{Config, KubernetesConfig};
    use portcullis_core::policy::Policy;
    use portcullis_core::principal::Principal;
    use portcullis_core::snapshot::Snapshot;
    use tokio::sync::watch;

    use super::{PER_CALLER, Watches};
    use crate::entry::{Caller, Credential};

    #[tokio::test]
    async fn a_caller_has_only_so_many_resources_watched_and_gets_places_back() {
        let config = Config {
            listeners: Vec::new(),
            tokens: BTreeMap::new(),
            plugin_directory: "plugins".into(),
            plugins: BTreeMap::new(),
            kubernetes: KubernetesConfig::default(),
            audit: None,
            cache_directory: "cache".into(),
            max_concurrent_calls: 1,
            queue_timeout: Duration::ZERO,
            list_ttl: Duration::ZERO,
            instructions: None,
        };
        let snapshot = Snapshot {
            generation: 1,
            config: Arc::new(config),
            catalogue: Catalogue::default(),
            policy: Policy::default(),
            findings: Vec::new(),
        };
        let (_keep, snapshots) = watch::channel(Arc::new(snapshot));
        let watches = Watches::new(snapshots, Arc::default());
        let caller = Caller { principal: Arc::new(Principal::local()), credential: Credential::Stdio };
        let join = |uri: usize| Watches::join(&watches, &caller, &format!("a://{uri}"));
        let mut guards: Vec<_> = (0..PER_CALLER).map(join).collect();
        let (known, beyond) = (join(0), join(PER_CALLER));
        assert_eq!(watches.running.lock().len(), PER_CALLER);
        guards.truncate(1);
        drop((known, beyond));
        assert_eq!(watches.running.lock().len(), 1);
        guards.push(join(PER_CALLER));
        assert_eq!(watches.running.lock().len(), 2);
    }
}
