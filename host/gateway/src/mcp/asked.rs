//! What a request says about itself, whichever way it came in: through rmcp, or by the short way of `direct`.
#![expect(deprecated, reason = "log messages are deprecated in MCP, and still asked for")]

use rmcp::model::{ClientCapabilities, LoggingLevel, RequestMetaObject};
use rmcp::{Peer, RoleServer};
use tokio_util::sync::CancellationToken;

use super::sink::Wishes;
use super::{Context, Handler, info};
use crate::entry::Entry;
use crate::respond::Trouble;

/// Key of a request's `_meta` that asks for log messages.
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// See the module.
pub(crate) struct Asked {
    pub(super) entry: Entry,
    /// Speaks 2026-07-28 or newer.
    pub(super) modern: bool,
    pub(super) client: ClientCapabilities,
    pub(super) wishes: Wishes,
    /// The way back to the client while the call runs; `None` for requests that asked to hear nothing.
    pub(super) peer: Option<Peer<RoleServer>>,
    /// Fires when nobody waits for the answer any more.
    pub(super) gone: CancellationToken,
}

impl Asked {
    /// Of a request that came through rmcp.
    ///
    /// # Errors
    /// [`Trouble::Params`] if the request names a log level that does not exist (T-17).
    pub(super) fn of(handler: &Handler, context: &Context) -> Result<Self, Trouble> {
        let modern = info::is_modern(context);
        let level = if modern { wished_level(&context.meta)? } else { handler.session.level() };
        Ok(Self {
            entry: handler.entry(&context.extensions),
            modern,
            client: context.client_capabilities().unwrap_or_default(),
            wishes: Wishes { progress: context.meta.get_progress_token(), level },
            peer: Some(context.peer.clone()),
            gone: context.ct.clone(),
        })
    }

    /// Of a request of 2026-07-28 that wants one answer and nothing else; its future is dropped when the client leaves.
    pub(crate) fn plainly(entry: Entry, client: ClientCapabilities) -> Self {
        Self { entry, modern: true, client, wishes: Wishes::default(), peer: None, gone: CancellationToken::new() }
    }
}

fn wished_level(meta: &RequestMetaObject) -> Result<Option<LoggingLevel>, Trouble> {
    let level = meta.log_level();
    if level.is_none() && meta.contains_key(LOG_LEVEL) {
        return Err(Trouble::Params(format!("{LOG_LEVEL} is none of MCP's levels, which are debug to emergency")));
    }
    Ok(level)
}
