//! Sessions of protocol revisions before 2026-07-28, each bound to the caller who opened it. A session never authenticates (RS-8): every
//! request proves its caller anew, and a session of somebody else does not exist for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Response};
use parking_lot::Mutex;
use portcullis_core::principal::Principal;
use rmcp::model::ProtocolVersion;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};

use crate::respond::{Body, Refusal};

/// Header that carries a session's id.
const SESSION: &str = "mcp-session-id";

/// Header that names the protocol revision.
const VERSION: &str = "mcp-protocol-version";

/// Open sessions of one process. Each costs about 20 KiB; agents leave them behind, and idle ones end by themselves.
const SESSIONS_MAX: usize = 10_000;

/// A session without any traffic ends after this long. rmcp's default of 5 minutes ends those of people who think.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// The sessions and their owners.
pub(crate) struct Sessions {
    pub(crate) manager: Arc<LocalSessionManager>,
    owners: Mutex<HashMap<String, Arc<Principal>>>,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        let mut config = SessionConfig::default();
        config.keep_alive = Some(IDLE);
        let mut manager = LocalSessionManager::default();
        manager.session_config = config;
        Self { manager: Arc::new(manager), owners: Mutex::default() }
    }

    /// Lets a request pass that names no session or one of its caller's. Requests of 2026-07-28 know no sessions: the header is ignored (T-1).
    ///
    /// # Errors
    /// [`Refusal::Session`] for somebody else's, [`Refusal::Sessions`] when one more would be one too many.
    pub(crate) async fn admit(&self, headers: &mut HeaderMap, caller: &Principal) -> Result<(), Refusal> {
        if headers.get(VERSION).is_some_and(|version| version.as_bytes() >= ProtocolVersion::V_2026_07_28.as_str().as_bytes()) {
            headers.remove(SESSION);
            return Ok(());
        }
        let Some(id) = headers.get(SESSION) else { return self.room().await };
        let id = id.to_str().map_err(|_| Refusal::Session)?;
        let owned = self.owners.lock().get(id).is_some_and(|owner| owner.as_ref() == caller);
        if owned { Ok(()) } else { Err(Refusal::Session) }
    }

    async fn room(&self) -> Result<(), Refusal> {
        let open = self.manager.sessions.read().await.len();
        if open < SESSIONS_MAX { Ok(()) } else { Err(Refusal::Sessions) }
    }

    /// Notes whose session a response opened, and forgets those that ended.
    pub(crate) async fn remember(&self, response: &Response<Body>, caller: &Arc<Principal>) {
        let Some(id) = response.headers().get(SESSION).and_then(|id| id.to_str().ok()) else { return };
        let open = self.manager.sessions.read().await;
        let mut owners = self.owners.lock();
        if owners.len() > 2 * open.len() + 64 {
            owners.retain(|id, _| open.contains_key(id.as_str()));
        }
        owners.insert(id.to_owned(), Arc::clone(caller));
    }
}
