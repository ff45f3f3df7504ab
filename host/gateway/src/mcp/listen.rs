//! What changed, for one caller: plugins' notices, and the difference that a new snapshot makes. Feeds `subscriptions/listen`
//! (MCP 2026-07-28, basic/utilities/subscriptions: T-11) and, through `legacy`, the notifications of older revisions.

use std::sync::Arc;

use portcullis_core::notice::Notice;
use portcullis_core::policy::Action;
use portcullis_core::resource::URI_MAX;
use portcullis_core::snapshot::Snapshot;
use rmcp::model::SubscriptionFilter;
use rmcp::service::{SubscriptionContext, SubscriptionSendError, SubscriptionSink};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::watches::{WatchGuard, Watches};
use super::{Handler, digest, record, resources};
use crate::cache::WireCatalogue;
use crate::entry::{Caller, Entry, LOOK};
use crate::gateway::Shared;

/// Most resources of one subscription, or of one session of an older revision: each may run a guest.
pub(super) const URIS_MAX: usize = 256;

/// The part of a filter that this caller may have. Denied resources are left out, as unknown ones would be, and those that are more than one
/// caller may watch; all of them while the audit trail cannot be written.
pub(super) fn accepted(shared: &Shared, entry: &Entry, requested: &SubscriptionFilter) -> SubscriptionFilter {
    let recorded = shared.audit.ready().is_ok();
    let may_read = |uri: &str| entry.snapshot.policy.allows(entry.principal(), Action::ReadResource, uri);
    let allowed = |uri: &&String| recorded && uri.len() <= URI_MAX && may_read(uri);
    let uris = requested.resource_subscriptions.as_ref();
    let mut filter = requested.clone();
    filter.resource_subscriptions =
        uris.map(|uris| shared.watches.fitting(&entry.caller, uris.iter().take(URIS_MAX).filter(allowed)));
    filter
}

/// Serves one subscription until the client leaves, the caller loses its token, or the host closes.
pub(super) async fn run(handler: &Handler, context: SubscriptionContext) {
    let entry = handler.entry(&context.request_context().extensions);
    let uris = context.accepted().resource_subscriptions.clone().unwrap_or_default();
    for uri in context.requested().resource_subscriptions.iter().flatten().take(URIS_MAX) {
        if record::may_subscribe(&handler.shared.audit, &entry, uri).is_err() {
            return;
        }
    }
    // Listens before anything watches: a guest's first notice must not be missed.
    let mut changes = Changes::new(handler, &entry);
    let join = |uri: &String| Watches::join(&handler.shared.watches, &entry.caller, uri);
    let _watching: Vec<WatchGuard> = uris.iter().filter_map(join).collect();
    drop(entry);
    handler.release(&context.request_context().extensions);
    loop {
        let change = tokio::select! {
            biased;
            () = context.cancelled() => return,
            change = changes.next() => change,
        };
        let Ok(notices) = change else { return };
        for notice in changes.visible(expand(notices, &uris)) {
            if matches!(
                send(context.sink(), notice).await,
                Err(SubscriptionSendError::SubscriptionClosed | SubscriptionSendError::Service(_))
            ) {
                return;
            }
        }
    }
}

/// What to tell a subscriber: a lost notice may have been about any of its resources.
pub(super) fn expand(change: Change, uris: &[String]) -> Vec<Notice> {
    match change {
        Change::Said(notices) => notices,
        Change::Everything => {
            let updated = uris.iter().map(|uri| Notice::ResourceUpdated { uri: uri.clone() });
            [Notice::ToolsChanged, Notice::PromptsChanged, Notice::ResourcesChanged].into_iter().chain(updated).collect()
        }
    }
}

/// What was not asked for is refused by the sink, and that is fine.
async fn send(sink: &SubscriptionSink, notice: Notice) -> Result<(), SubscriptionSendError> {
    match notice {
        Notice::ToolsChanged => sink.notify_tool_list_changed().await,
        Notice::PromptsChanged => sink.notify_prompt_list_changed().await,
        Notice::ResourcesChanged => sink.notify_resource_list_changed().await,
        Notice::ResourceUpdated { uri } => sink.notify_resource_updated(uri).await,
    }
}

/// One step of a stream of changes.
#[derive(Debug)]
pub(super) enum Change {
    /// These, in order.
    Said(Vec<Notice>),
    /// Notices were lost.
    Everything,
}

/// Why there are no more changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The caller's proof ended, or holds no longer.
    Proof,
    /// The host closes.
    Host,
}

/// The stream itself.
pub(super) struct Changes {
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    notices: broadcast::Receiver<Notice>,
    caller: Caller,
    proofs: watch::Receiver<Caller>,
    seen: Lists,
    closing: CancellationToken,
}

impl Changes {
    pub(super) fn new(handler: &Handler, entry: &Entry) -> Self {
        let seen = Lists::of(&entry.snapshot, &entry.wire, &entry.caller);
        let shared = Arc::clone(&handler.shared);
        let mut snapshots = shared.snapshots.clone();
        // The newest snapshot may be newer than the entry's: compare at once.
        snapshots.mark_changed();
        let (notices, caller) = (shared.notices.subscribe(), entry.caller.clone());
        Self { shared, snapshots, notices, caller, proofs: handler.proof.follow(), seen, closing: handler.closing.clone() }
    }

    /// The next change.
    ///
    /// # Errors
    /// [`Ended`]: there will be none for this caller.
    pub(super) async fn next(&mut self) -> Result<Change, Ended> {
        loop {
            let revocations = &self.shared.revocations;
            let change = tokio::select! {
                () = self.closing.cancelled() => return Err(Ended::Host),
                () = self.caller.ended(revocations) => return Err(Ended::Proof),
                changed = self.snapshots.changed() => {
                    changed.map_err(|_| Ended::Host)?;
                    Change::Said(self.compare()?)
                }
                // A login that was ended hears no more.
                notice = self.notices.recv() => match notice {
                    _ if self.caller.is_over(revocations) => return Err(Ended::Proof),
                    Ok(notice) => Change::Said(vec![notice]),
                    Err(RecvError::Lagged(_)) => Change::Everything,
                    Err(RecvError::Closed) => return Err(Ended::Host),
                },
            };
            if !matches!(&change, Change::Said(notices) if notices.is_empty()) {
                return Ok(change);
            }
        }
    }

    /// After [`Ended::Proof`]: waits until the caller has proved itself anew, and goes on as that caller. `None` if the host or the session ends.
    pub(super) async fn proven(&mut self) -> Option<Caller> {
        loop {
            let newest = self.proofs.borrow_and_update().clone();
            let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
            let lost = self.shared.revocations.are_lost();
            if newest.is_still_valid(&snapshot, &self.shared.revocations) {
                self.caller = newest.clone();
                // Its lists may be others now.
                self.snapshots.mark_changed();
                return Some(newest);
            }
            tokio::select! {
                () = self.closing.cancelled() => return None,
                changed = self.proofs.changed() => changed.ok()?,
                changed = self.snapshots.changed() => changed.ok()?,
                // Revocations may be known again; nobody tells.
                () = tokio::time::sleep(LOOK), if lost => {}
            }
        }
    }

    /// Whose changes they are.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What the caller may hear of: its rights may be fewer than when it subscribed.
    pub(super) fn visible(&self, mut notices: Vec<Notice>) -> Vec<Notice> {
        let (policy, principal) = (&self.shared.snapshot().policy, &self.caller.principal);
        notices.retain(|notice| match notice {
            Notice::ResourceUpdated { uri } => policy.allows(principal, Action::ReadResource, uri),
            Notice::ToolsChanged | Notice::PromptsChanged | Notice::ResourcesChanged => true,
        });
        notices
    }

    /// What a new snapshot changes for this caller.
    fn compare(&mut self) -> Result<Vec<Notice>, Ended> {
        let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
        if !self.caller.is_still_valid(&snapshot, &self.shared.revocations) {
            tracing::info!(principal = %self.caller.principal, "a subscription ends: its caller is not valid any more");
            return Err(Ended::Proof);
        }
        let wire = self.shared.wire.of(&snapshot);
        let now = Lists::of(&snapshot, &wire, &self.caller);
        let changed = [
            (now.tools != self.seen.tools, Notice::ToolsChanged),
            (now.prompts != self.seen.prompts, Notice::PromptsChanged),
            (now.resources != self.seen.resources, Notice::ResourcesChanged),
        ];
        self.seen = now;
        Ok(changed.into_iter().filter(|(changed, _)| *changed).map(|(_, notice)| notice).collect())
    }
}

/// Digests of what a caller's lists show.
struct Lists {
    tools: [u8; 32],
    prompts: [u8; 32],
    resources: [u8; 32],
}

impl Lists {
    fn of(snapshot: &Arc<Snapshot>, wire: &Arc<WireCatalogue>, caller: &Caller) -> Self {
        let allows = |action, name: &str| snapshot.policy.shows(&caller.principal, action, name);
        let tools = wire.tools.iter().filter(|(name, _)| allows(Action::CallTool, name)).map(|(_, tool)| tool);
        let prompts = wire.prompts.iter().filter(|(name, _)| allows(Action::GetPrompt, name)).map(|(_, prompt)| prompt);
        Self {
            tools: print(tools.collect::<Vec<_>>()),
            prompts: print(prompts.collect::<Vec<_>>()),
            resources: sources(snapshot, wire, caller),
        }
    }
}

/// Resources themselves are not known without asking guests: other templates, or another component that has resources, may mean others.
fn sources(snapshot: &Arc<Snapshot>, wire: &Arc<WireCatalogue>, caller: &Caller) -> [u8; 32] {
    let entry = Entry { snapshot: Arc::clone(snapshot), wire: Arc::clone(wire), caller: caller.clone() };
    let catalogue = &snapshot.catalogue;
    let templates = catalogue.templates().filter(|(_, it)| resources::may_use(&entry, &it.uri_template));
    let templates: Vec<_> = templates.map(|(_, it)| crate::convert::template(it)).collect();
    let with_resources = catalogue.plugins().iter().map(|plugin| plugin.descriptor()).filter(|it| it.exports.resources);
    let digests: Vec<String> = with_resources.map(|it| it.digest.to_string()).collect();
    print((templates, digests))
}

fn print(list: impl serde::Serialize) -> [u8; 32] {
    digest::of_json(&serde_json::to_value(list).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use portcullis_core::notice::Notice;

    use super::{Change, expand};

    #[test]
    fn who_lost_notices_is_told_that_everything_changed() {
        let uris = ["fake://1".to_owned()];
        let told = expand(Change::Everything, &uris);
        let updated = Notice::ResourceUpdated { uri: "fake://1".to_owned() };
        assert_eq!(told, [Notice::ToolsChanged, Notice::PromptsChanged, Notice::ResourcesChanged, updated]);
        assert_eq!(expand(Change::Said(vec![Notice::ToolsChanged]), &uris), [Notice::ToolsChanged]);
    }
}
