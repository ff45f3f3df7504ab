//! Sessions of protocol revisions before 2026-07-28, each bound to the caller who opened it. A session never authenticates (RS-8): every
//! request proves its caller anew, and a session of somebody else does not exist for it.
//!
//! rmcp opens sessions, whatever a request's headers say; so they are counted where it does: in the manager that it is given per request.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::Stream;
use http::HeaderMap;
use parking_lot::Mutex;
use portcullis_core::principal::Principal;
use rmcp::model::{ClientJsonRpcMessage, ProtocolVersion, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, LocalSessionManagerError, SessionConfig};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};

use crate::proof::Proof;
use crate::respond::Refusal;

/// Header that carries a session's id.
const SESSION: &str = "mcp-session-id";

/// Header that names the protocol revision.
const VERSION: &str = "mcp-protocol-version";

/// Open sessions of one process. Each costs about 20 KiB; agents leave them behind, and idle ones end by themselves.
const SESSIONS_MAX: usize = 10_000;

/// How many of them one caller may have: a quarter, so that one agent that leaves sessions behind does not lock the others out.
const CALLER_MAX: usize = SESSIONS_MAX / 4;

/// A session without any traffic ends after this long. rmcp's default of 5 minutes ends those of people who think.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// The sessions and their owners.
pub(crate) struct Sessions {
    local: LocalSessionManager,
    owners: Mutex<HashMap<SessionId, Place>>,
    taken: Arc<Mutex<HashMap<Arc<Principal>, usize>>>,
    /// For all callers, and for one.
    max: (usize, usize),
}

/// One session that counts, until it is dropped.
struct Place {
    caller: Arc<Principal>,
    proof: Arc<Proof>,
    taken: Arc<Mutex<HashMap<Arc<Principal>, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        let Some(count) = taken.get_mut(&self.caller) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            taken.remove(&self.caller);
        }
    }
}

impl Sessions {
    pub(crate) fn new() -> Arc<Self> {
        Self::with_room_for((SESSIONS_MAX, CALLER_MAX))
    }

    fn with_room_for(max: (usize, usize)) -> Arc<Self> {
        let mut config = SessionConfig::default();
        config.keep_alive = Some(IDLE);
        let mut local = LocalSessionManager::default();
        local.session_config = config;
        Arc::new(Self { local, owners: Mutex::default(), taken: Arc::default(), max })
    }

    /// Lets a request pass that names no session or one of its caller's, whose proof it returns. Requests of 2026-07-28 know no sessions: the
    /// header is ignored (T-1).
    ///
    /// # Errors
    /// [`Refusal::Session`] for somebody else's.
    pub(crate) fn admit(&self, headers: &mut HeaderMap, caller: &Principal) -> Result<Option<Arc<Proof>>, Refusal> {
        if headers.get(VERSION).is_some_and(|version| version.as_bytes() >= ProtocolVersion::V_2026_07_28.as_str().as_bytes()) {
            headers.remove(SESSION);
            return Ok(None);
        }
        let Some(id) = headers.get(SESSION) else { return Ok(None) };
        let id = id.to_str().map_err(|_| Refusal::Session)?;
        let owners = self.owners.lock();
        let place = owners.get(id).filter(|place| place.caller.as_ref() == caller).ok_or(Refusal::Session)?;
        Ok(Some(Arc::clone(&place.proof)))
    }

    /// What rmcp is given for one request; a session that it opens has this proof.
    pub(crate) fn of(self: &Arc<Self>, proof: &Arc<Proof>) -> Arc<CallerSessions> {
        Arc::new(CallerSessions { all: Arc::clone(self), proof: Arc::clone(proof), was_full: AtomicBool::new(false) })
    }

    /// Counted before the session is opened: of two that ask for the last place, one gets it.
    fn take(&self, proof: &Arc<Proof>) -> Option<Place> {
        let caller = &proof.caller().principal;
        let mut taken = self.taken.lock();
        let (all, own) = (taken.values().sum::<usize>(), taken.get(caller).copied().unwrap_or(0));
        if all >= self.max.0 || own >= self.max.1 {
            return None;
        }
        taken.insert(Arc::clone(caller), own + 1);
        Some(Place { caller: Arc::clone(caller), proof: Arc::clone(proof), taken: Arc::clone(&self.taken) })
    }
}

/// The sessions as one caller's request sees them.
pub(crate) struct CallerSessions {
    all: Arc<Sessions>,
    proof: Arc<Proof>,
    was_full: AtomicBool,
}

impl CallerSessions {
    /// Whether a session was refused: rmcp says 500 to it.
    pub(crate) fn was_full(&self) -> bool {
        self.was_full.load(Ordering::Relaxed)
    }
}

/// Why a session cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionFault {
    /// One more would be one too many.
    #[error("too many sessions are open")]
    Full,
    /// rmcp's own.
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl SessionManager for CallerSessions {
    type Error = SessionFault;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let Some(place) = self.all.take(&self.proof) else {
            self.was_full.store(true, Ordering::Relaxed);
            return Err(SessionFault::Full);
        };
        let (id, transport) = self.all.local.create_session().await?;
        self.all.owners.lock().insert(Arc::clone(&id), place);
        Ok((id, transport))
    }

    /// Also what rmcp does when a session ends by itself.
    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.all.owners.lock().remove(id);
        Ok(self.all.local.close_session(id).await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        Ok(self.all.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.all.local.has_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.all.local.create_stream(id, message).await?)
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        Ok(self.all.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.all.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.all.local.resume(id, last_event_id).await?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::Arc;

    use portcullis_core::principal::Principal;
    use rmcp::transport::streamable_http_server::session::SessionManager as _;

    use super::{SessionFault, Sessions};
    use crate::entry::Caller;
    use crate::proof::Proof;

    fn person(name: &str) -> Arc<Proof> {
        let principal = Arc::new(Principal { subject: name.into(), ..Principal::local() });
        Proof::new(Caller { principal, ..Caller::local() })
    }

    #[tokio::test]
    async fn neither_one_caller_nor_all_of_them_open_more_sessions_than_there_are_places() {
        let sessions = Sessions::with_room_for((3, 2));
        let (jane, john) = (sessions.of(&person("jane")), sessions.of(&person("john")));
        let (first, _open) = jane.create_session().await.unwrap();
        let _second = jane.create_session().await.unwrap();
        assert!(matches!(jane.create_session().await, Err(SessionFault::Full)), "a third of jane's");
        assert!(jane.was_full() && !john.was_full());
        let _third = john.create_session().await.unwrap();
        assert!(matches!(john.create_session().await, Err(SessionFault::Full)), "a fourth of all");
        jane.close_session(&first).await.unwrap();
        john.create_session().await.unwrap();
    }
}
