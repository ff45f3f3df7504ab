//! A linked component with all that its calls share. What it exports, `plugin.rs` and `authenticator.rs` know; what a visit to it is,
//! `runtime.rs`.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::InstancePre;

use crate::sandbox::Inner;
use crate::state::{CallState, Shared};

/// See the module. `Clone` is cheap.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) sandbox: Arc<Inner>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pre: InstancePre<CallState>,
    /// Its share of the places for watches.
    pub(crate) watches: Arc<Semaphore>,
}

impl Guest {
    pub(crate) fn new(sandbox: Arc<Inner>, shared: Arc<Shared>, pre: InstancePre<CallState>) -> Self {
        let watches = Arc::new(Semaphore::new(sandbox.watch_share));
        Self { sandbox, shared, pre, watches }
    }
}
