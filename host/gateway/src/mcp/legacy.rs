//! What only revisions before 2026-07-28 know: a session with a log level, subscriptions of its own, and notifications that nobody asked for
//! in particular (`notifier`).
#![expect(deprecated, reason = "log messages are deprecated in MCP, and still asked for")]

use std::sync::Arc;

use parking_lot::Mutex;
use rmcp::model::{ErrorCode, LoggingLevel};
use rmcp::service::NotificationContext;
use rmcp::{ErrorData, RoleServer};
use tokio_util::task::AbortOnDropHandle;

use super::listen::{Changes, URIS_MAX};
use super::notifier::{Added, Notifier, Watching};
use super::watches::Watches;
use super::{Context, Handler, info, record, resources};
use crate::respond::Trouble;

/// State of one session; empty for requests of 2026-07-28, which have none.
#[derive(Default)]
pub(super) struct Session {
    level: Mutex<Option<LoggingLevel>>,
    watching: Watching,
    notifier: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Session {
    /// The level that the client set; without one it hears nothing.
    pub(super) fn level(&self) -> Option<LoggingLevel> {
        *self.level.lock()
    }

    pub(super) fn unsubscribe(&self, uri: &str) {
        self.watching.remove(uri);
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
    // By the newest proof: a request that was sent with an older token must not begin a watch that ends before the session's others.
    let (watches, caller) = (&handler.shared.watches, handler.proof.caller());
    match handler.session.watching.add(&uri, URIS_MAX, || Watches::join(watches, &caller, &uri)) {
        Added::Watched => Ok(()),
        Added::Full => {
            Err(Trouble::Params(format!("a session may subscribe to {URIS_MAX} resources: unsubscribe from some first")))
        }
        Added::Refused => {
            let most = watches.most(&caller);
            Err(Trouble::Params(format!("one caller may watch {most} resources: unsubscribe from some first")))
        }
    }
}

/// From `notifications/initialized` on, the session hears what changes. Ends with the session, whose handler owns the task.
pub(super) fn notify(handler: &Handler, context: NotificationContext<RoleServer>) {
    let entry = handler.entry(&context.extensions);
    let changes = Changes::new(handler, &entry);
    handler.release(&context.extensions);
    let (watches, watching) = (Arc::clone(&handler.shared.watches), handler.session.watching.clone());
    let notifier = Notifier::new(changes, watches, watching, context.peer);
    *handler.session.notifier.lock() = Some(AbortOnDropHandle::new(tokio::spawn(notifier.run())));
}
