//! What a session of an older revision hears: list changes, and updates of the resources that it subscribed to. It goes on for as long as the session,
//! past the end of any one token: while its caller has proved nothing anew, it rests, and no guest watches for it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_core::notice::Notice;
use rmcp::RoleServer;
use rmcp::model::{
    PromptListChangedNotification, ResourceListChangedNotification, ResourceUpdatedNotification,
    ResourceUpdatedNotificationParam, ServerNotification, ToolListChangedNotification,
};
use rmcp::service::Peer;
use tokio::time::{Interval, MissedTickBehavior};

use super::listen::{Change, Changes, Ended, expand};
use super::watches::{WatchGuard, Watches};
use crate::entry::{Caller, LOOK};

/// The resources that a session subscribed to, each with its watch unless it rests. `Clone` is cheap.
#[derive(Clone, Default)]
pub(super) struct Watching(Arc<Mutex<HashMap<String, Option<WatchGuard>>>>);

impl Watching {
    pub(super) fn uris(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }

    /// Adds one, unless the session has `most` already.
    pub(super) fn add(&self, uri: &str, most: usize, join: impl FnOnce() -> Option<WatchGuard>) -> Added {
        let mut watching = self.0.lock();
        if watching.len() >= most && !watching.contains_key(uri) {
            return Added::Full;
        }
        let Some(guard) = join() else { return Added::Refused };
        watching.insert(uri.to_owned(), Some(guard));
        Added::Watched
    }

    pub(super) fn remove(&self, uri: &str) {
        self.0.lock().remove(uri);
    }

    fn rest(&self) {
        self.0.lock().values_mut().for_each(|guard| drop(guard.take()));
    }

    fn go_on(&self, watches: &Arc<Watches>, caller: &Caller) {
        self.0.lock().iter_mut().for_each(|(uri, guard)| *guard = Watches::join(watches, caller, uri));
    }

    fn lacks(&self) -> bool {
        self.0.lock().values().any(Option::is_none)
    }

    /// Watches those that did not fit before and do now.
    fn catch_up(&self, watches: &Arc<Watches>, caller: &Caller) -> Vec<String> {
        let mut watching = self.0.lock();
        let fitting = watches.fitting(caller, watching.iter().filter(|(_, guard)| guard.is_none()).map(|(uri, _)| uri));
        for uri in &fitting {
            watching.insert(uri.clone(), Watches::join(watches, caller, uri));
        }
        fitting
    }
}

/// What became of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It is there.
    Watched,
    /// The session has as many as it may.
    Full,
    /// The caller has as many watches as it may.
    Refused,
}

/// See the module.
pub(super) struct Notifier {
    changes: Changes,
    watches: Arc<Watches>,
    watching: Watching,
    peer: Peer<RoleServer>,
    /// When to try again what did not fit.
    again: Interval,
}

impl Notifier {
    pub(super) fn new(changes: Changes, watches: Arc<Watches>, watching: Watching, peer: Peer<RoleServer>) -> Self {
        let mut again = tokio::time::interval(LOOK);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { changes, watches, watching, peer, again }
    }

    /// Until the session or the host ends.
    pub(super) async fn run(mut self) {
        while let Some(change) = self.next().await {
            let uris = self.watching.uris();
            for notice in self.changes.visible(expand(change, &uris)) {
                let Some(notification) = notification(notice, &uris) else { continue };
                if self.peer.send_notification(notification).await.is_err() {
                    return;
                }
            }
        }
        self.watching.rest();
    }

    async fn next(&mut self) -> Option<Change> {
        loop {
            tokio::select! {
                change = self.changes.next() => match change {
                    Ok(change) => return Some(change),
                    Err(Ended::Host) => return None,
                    Err(Ended::Proof) => break,
                },
                // Another session's watches with the last token may have had their places.
                _ = self.again.tick(), if self.watching.lacks() => {
                    let watched = self.watching.catch_up(&self.watches, self.changes.caller());
                    if !watched.is_empty() {
                        return Some(updated(watched));
                    }
                }
            }
        }
        self.watching.rest();
        let caller = self.changes.proven().await?;
        self.watching.go_on(&self.watches, &caller);
        Some(updated(self.watching.uris()))
    }
}

/// Nobody watched them for a while.
fn updated(uris: Vec<String>) -> Change {
    Change::Said(uris.into_iter().map(|uri| Notice::ResourceUpdated { uri }).collect())
}

/// List changes go to everybody, updates to subscribers.
fn notification(notice: Notice, uris: &[String]) -> Option<ServerNotification> {
    Some(match notice {
        Notice::ToolsChanged => ToolListChangedNotification::default().into(),
        Notice::PromptsChanged => PromptListChangedNotification::default().into(),
        Notice::ResourcesChanged => ResourceListChangedNotification::default().into(),
        Notice::ResourceUpdated { uri } if uris.contains(&uri) => {
            ResourceUpdatedNotification::new(ResourceUpdatedNotificationParam::new(uri)).into()
        }
        Notice::ResourceUpdated { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Added, Watching};

    #[test]
    fn a_session_subscribes_to_so_many_resources_and_to_those_again() {
        let watching = Watching::default();
        watching.0.lock().insert("a".into(), None);
        assert_eq!(watching.add("b", 1, || None), Added::Full);
        assert_eq!(watching.add("a", 1, || None), Added::Refused, "there is room for it; the watch is another question");
        assert_eq!(watching.add("b", 2, || None), Added::Refused);
    }
}
