//! Stand-ins for unit tests: a call's state without wasm, a client and a notice sink that remember.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::ports::{ClientSink, NoticeSink};
use portcullis_core::principal::Principal;
use tokio::time::Instant;

use crate::owned::Owned;
use crate::sandbox::Ports;
use crate::state::{CallState, Caller, Shared};

pub(crate) use portcullis_tests::ports::{FakeDiscovery, FakeEgress, FakeSecrets, FakeStore, FakeTokens};

/// Remembers what reached the client.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) progress: Mutex<Vec<f64>>,
    pub(crate) messages: Mutex<Vec<(String, String)>>,
    /// Progress messages and names of loggers.
    pub(crate) texts: Mutex<Vec<String>>,
}

impl ClientSink for Client {
    fn progress(&self, progress: f64, _: Option<f64>, message: Option<String>) {
        self.progress.lock().push(progress);
        self.texts.lock().extend(message);
    }
    fn message(&self, level: &str, logger: Option<&str>, data: &str) {
        self.texts.lock().extend(logger.map(str::to_owned));
        self.messages.lock().push((level.to_owned(), data.to_owned()));
    }
}

/// Remembers notices.
#[derive(Default)]
pub(crate) struct Notices(pub(crate) Mutex<Vec<Notice>>);

impl NoticeSink for Notices {
    fn publish(&self, notice: Notice) {
        self.0.lock().push(notice);
    }
}

/// A plugin's shared part with nothing granted.
pub(crate) fn shared() -> Shared {
    Shared {
        name: "p".into(),
        grants: Grants::default(),
        requests: Grants::default(),
        settings: "{}".into(),
        limits: Limits::default(),
        kube: None,
        notices: Arc::new(Notices::default()),
        ports: Ports::default(),
        owned: Owned::default(),
        stale: tokio::sync::Notify::new(),
    }
}

/// A call's state that lasts a minute.
pub(crate) fn state_of(shared: Shared, client: Arc<dyn ClientSink>) -> CallState {
    let deadline = Instant::now() + Duration::from_secs(60);
    let caller = Caller { request_id: "r".into(), principal: Arc::new(Principal::local()), client, deadline };
    CallState::new(Arc::new(shared), caller)
}

/// A call's state after a change of its plugin.
pub(crate) fn state_with(change: impl FnOnce(&mut Shared)) -> CallState {
    let mut shared = shared();
    change(&mut shared);
    state_of(shared, Arc::new(Client::default()))
}

/// A call's state as it comes.
pub(crate) fn state() -> CallState {
    state_with(|_| {})
}
