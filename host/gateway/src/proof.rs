//! The newest proof of who a session's caller is. Access tokens end within minutes and sessions do not: whatever runs for a session beyond its
//! requests goes on with the last token that a request of it came with.

use std::sync::Arc;

use portcullis_core::snapshot::Snapshot;
use tokio::sync::watch;

use crate::entry::Caller;
use crate::revocations::Revocations;

/// See the module.
pub(crate) struct Proof(watch::Sender<Caller>);

impl Proof {
    pub(crate) fn new(caller: Caller) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(caller)))
    }

    /// The caller of an admitted request takes over if it lasts longer, or if the one before is nobody any more.
    pub(crate) fn renew(&self, caller: &Caller, snapshot: &Snapshot, revocations: &Revocations) {
        self.0.send_if_modified(|newest| {
            let differs = newest.credential != caller.credential;
            let later = differs && (caller.ends() > newest.ends() || !newest.is_still_valid(snapshot, revocations));
            if later {
                newest.clone_from(caller);
            }
            later
        });
    }

    /// Who it is by the newest.
    pub(crate) fn caller(&self) -> Caller {
        self.0.borrow().clone()
    }

    /// Hears of newer ones.
    pub(crate) fn follow(&self) -> watch::Receiver<Caller> {
        self.0.subscribe()
    }
}
