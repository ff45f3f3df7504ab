//! The gateway itself: what the binary makes, and what all its requests share.

use std::sync::Arc;

use portcullis_core::ports::{AuditSink, PluginStore};
use portcullis_core::snapshot::Snapshot;
use tokio::sync::watch;

use crate::auth::Verdicts;
use crate::cache::WireCache;
use crate::entry::{Caller, Entry};
use crate::health::{Health, KubernetesProbe};
use crate::mcp::sealed::Sealer;
use crate::mcp::watches::Watches;
use crate::notices::Notices;
use crate::revocations::Revocations;
use crate::sessions::Sessions;

/// What the gateway is given.
pub struct GatewayParts {
    /// Where decisions and calls are recorded.
    pub audit: Arc<dyn AuditSink>,
    /// The channel that the runtime publishes to.
    pub notices: Notices,
    /// What strategies keep: asked whether a login was revoked. `None` if the host was built without one.
    pub store: Option<Arc<dyn PluginStore>>,
    /// Asks whether the API server answers, for `/readyz`; `None` if the host was built without one.
    pub kubernetes: Option<KubernetesProbe>,
}

/// MCP over HTTP and stdio, on whatever snapshot is the newest. `Clone` is cheap.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

impl Gateway {
    /// A gateway that serves nothing yet. Needs a running Tokio runtime once it serves.
    #[must_use]
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, parts: GatewayParts) -> Self {
        let wire = Arc::new(WireCache::default());
        let revocations = Revocations::new(parts.store);
        let watches = Watches::new(snapshots.clone(), Arc::clone(&wire), Arc::clone(&revocations));
        let shared = Shared {
            health: Health::new(parts.kubernetes),
            sessions: Sessions::new(),
            sealer: Sealer::with_random_key(),
            wire,
            audit: parts.audit,
            revocations,
            verdicts: Verdicts::new(),
            notices: parts.notices,
            watches,
            snapshots,
        };
        Self { shared: Arc::new(shared) }
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) audit: Arc<dyn AuditSink>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) verdicts: Verdicts,
    pub(crate) notices: Notices,
    pub(crate) health: Health,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) sealer: Sealer,
    pub(crate) watches: Arc<Watches>,
    pub(crate) wire: Arc<WireCache>,
}

impl Shared {
    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// One request's view of the world.
    pub(crate) fn enter(&self, snapshot: Arc<Snapshot>, caller: Caller) -> Entry {
        let wire = self.wire.of(&snapshot);
        Entry { snapshot, wire, caller }
    }
}
