//! What only revisions before 2026-07-28 know: a session with a log level, subscriptions of its own, and notifications that nobody asked for
//! in particular.
#![expect(deprecated, reason = "log messages are deprecated in MCP, and still asked for")]

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_core::notice::Notice;
use rmcp::model::{
    ErrorCode, LoggingLevel, PromptListChangedNotification, ResourceListChangedNotification, ResourceUpdatedNotification,
    ResourceUpdatedNotificationParam, ServerNotification, ToolListChangedNotification,
};
use rmcp::service::NotificationContext;
use rmcp::{ErrorData, RoleServer};
use tokio_util::task::AbortOnDropHandle;

use super::listen::{Changes, expand};
use super::watches::{WatchGuard, Watches};
use super::{Context, Handler, info, record, resources};
use crate::respond::Trouble;

/// Most resources that one session subscribes to: each may run a guest.
const URIS_MAX: usize = 256;

/// State of one session; empty for requests of 2026-07-28, which have none.
#[derive(Default)]
pub(super) struct Session {
    level: Mutex<Option<LoggingLevel>>,
    watching: Arc<Mutex<HashMap<String, WatchGuard>>>,
    notifier: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Session {
    /// The level that the client set; without one it hears nothing.
    pub(super) fn level(&self) -> Option<LoggingLevel> {
        *self.level.lock()
    }

    pub(super) fn unsubscribe(&self, uri: &str) {
        self.watching.lock().remove(uri);
    }
}

/// `logging/setLevel`; on 2026-07-28 each request says it for itself.
pub(super) fn set_level(handler: &Handler, level: LoggingLevel, context: &Context) -> Result<(), ErrorData> {
    if info::is_modern(context) {
        return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "logging/setLevel", None));
    }
    *handler.session.level.lock() = Some(level);
    Ok(())
}

/// `resources/subscribe`: only to what the caller may read.
pub(super) async fn subscribe(handler: &Handler, uri: String, context: &Context) -> Result<(), Trouble> {
    resources::check_length(&uri)?;
    let entry = handler.entry(&context.extensions);
    let allowed = record::may_subscribe(&handler.shared.audit, &entry, &uri)?;
    if !allowed || resources::owner(&entry, &uri).await.is_none() {
        return Err(Trouble::UnknownResource(uri));
    }
    let mut watching = handler.session.watching.lock();
    if watching.len() >= URIS_MAX && !watching.contains_key(&uri) {
        return Err(Trouble::Params(format!("a session may subscribe to {URIS_MAX} resources: unsubscribe from some first")));
    }
    let Some(guard) = Watches::join(&handler.shared.watches, &entry.caller, &uri) else {
        let most = handler.shared.watches.most(&entry.caller);
        return Err(Trouble::Params(format!("one caller may watch {most} resources: unsubscribe from some first")));
    };
    watching.insert(uri, guard);
    Ok(())
}

/// From `notifications/initialized` on, the session hears what changes. Ends with the session, whose handler owns the task.
pub(super) fn notify(handler: &Handler, context: NotificationContext<RoleServer>) {
    let entry = handler.entry(&context.extensions);
    let mut changes = Changes::new(&handler.shared, &entry, handler.closing.clone());
    handler.release(&context.extensions);
    let watching = Arc::clone(&handler.session.watching);
    let peer = context.peer;
    let task = tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            let uris: Vec<String> = watching.lock().keys().cloned().collect();
            for notice in changes.visible(expand(change, &uris)) {
                let Some(notification) = notification(notice, &uris) else { continue };
                if peer.send_notification(notification).await.is_err() {
                    return;
                }
            }
        }
        watching.lock().clear();
    });
    *handler.session.notifier.lock() = Some(AbortOnDropHandle::new(task));
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
