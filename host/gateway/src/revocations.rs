//! Which logins were ended, as far as this replica knows, and for how long it has not known. Requests are refused while it is not known; what
//! runs on for a caller bears it for a while.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::ports::PluginStore;
use tokio::time::Instant;

/// How long streams go on while revocations are not known: 30 s are a database's failover, and all that a stolen login gains by it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nobody looked for this long (5 s; streams look every second): what was seen before tells nothing.
const STALE: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct Revocations {
    store: Option<Arc<dyn PluginStore>>,
    /// Since when they are not known, and when somebody last saw it.
    unknown: Mutex<Option<(Instant, Instant)>>,
}

impl Revocations {
    /// Without a store there is nothing that could be revoked.
    pub(crate) fn new(store: Option<Arc<dyn PluginStore>>) -> Arc<Self> {
        Arc::new(Self { store, unknown: Mutex::new(None) })
    }

    /// Whether the login was ended.
    pub(crate) fn ended(&self, plugin: &str, grant: &str) -> bool {
        self.store.as_ref().is_some_and(|store| store.is_revoked(plugin, grant))
    }

    /// Whether that can be believed.
    pub(crate) fn are_known(&self) -> bool {
        self.store.as_ref().is_none_or(|store| store.knows_revocations())
    }

    /// Whether it cannot be believed for so long that nothing goes on for a login that may have been ended.
    pub(crate) fn are_lost(&self) -> bool {
        let known = self.are_known();
        let (now, mut unknown) = (Instant::now(), self.unknown.lock());
        *unknown = match *unknown {
            _ if known => None,
            Some((since, seen)) if now - seen < STALE => Some((since, now)),
            _ => Some((now, now)),
        };
        unknown.is_some_and(|(since, now)| now - since > PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use portcullis_core::keyvalue::{Entry, KeyValueError, Write};
    use portcullis_core::ports::{BoxFuture, PluginStore};
    use tokio::time::advance;

    use super::{PATIENCE, Revocations, STALE};

    #[derive(Default)]
    struct Away(AtomicBool);

    impl PluginStore for Away {
        fn get<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
            Box::pin(async { Ok(None) })
        }
        fn put<'a>(&'a self, _: &'a str, _: &'a str, _: Write) -> BoxFuture<'a, Result<bool, KeyValueError>> {
            Box::pin(async { Ok(false) })
        }
        fn take<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
            Box::pin(async { Ok(None) })
        }
        fn revoke<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
            Box::pin(async { Ok(()) })
        }
        fn is_revoked(&self, _: &str, _: &str) -> bool {
            false
        }
        fn knows_revocations(&self) -> bool {
            !self.0.load(Ordering::SeqCst)
        }
    }

    /// Looks every second for as long, and says whether they were lost at some look.
    async fn lost(revocations: &Revocations, looks: Duration) -> bool {
        let mut lost = revocations.are_lost();
        for _ in 0..looks.as_secs() {
            advance(Duration::from_secs(1)).await;
            lost |= revocations.are_lost();
        }
        lost
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_lost_when_they_were_unknown_for_longer_than_a_failover_takes() {
        let store = Arc::new(Away::default());
        let revocations = Revocations::new(Some(Arc::clone(&store) as Arc<dyn PluginStore>));
        assert!(!lost(&revocations, PATIENCE * 2).await);
        store.0.store(true, Ordering::SeqCst);
        assert!(!lost(&revocations, PATIENCE).await);
        assert!(lost(&revocations, Duration::from_secs(1)).await);
        store.0.store(false, Ordering::SeqCst);
        assert!(!revocations.are_lost());
        store.0.store(true, Ordering::SeqCst);
        assert!(!lost(&revocations, PATIENCE).await, "counted anew");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_long_ago_does_not_count() {
        let store = Arc::new(Away(AtomicBool::new(true)));
        let revocations = Revocations::new(Some(store as Arc<dyn PluginStore>));
        assert!(!revocations.are_lost());
        advance(PATIENCE + STALE).await;
        assert!(!revocations.are_lost());
        assert!(!Revocations::new(None).are_lost());
    }
}
