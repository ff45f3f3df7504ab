//! What a store holds: one call's state, and what all calls of a plugin share. No behaviour of capabilities here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::ports::{ClientSink, KubeApi, NoticeSink};
use portcullis_core::principal::Principal;
use tokio::sync::Notify;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::capabilities::base;
use crate::capabilities::http::Outgoing;
use crate::capabilities::notifications::Announced;
use crate::limits::{Meter, Spin, Trip};
use crate::logbook::LogBook;
use crate::owned::Owned;
use crate::sandbox::Ports;

/// Most host resources (streams, pollables, watchers) that one call may hold. 256: an order above what a real guest holds; each costs the
/// host up to a few KiB.
const RESOURCES_MAX: usize = 256;

/// What all calls of a loaded plugin share.
pub(crate) struct Shared {
    /// The plugin's name.
    pub(crate) name: String,
    /// The effective grant.
    pub(crate) grants: Grants,
    /// What the manifest requests: a refusal names the file that must change.
    pub(crate) requests: Grants,
    /// JSON text of the settings.
    pub(crate) settings: String,
    /// Caps of each call.
    pub(crate) limits: Limits,
    /// The API server, if there is one.
    pub(crate) kube: Option<Arc<dyn KubeApi>>,
    /// Where changes are announced.
    pub(crate) notices: Arc<dyn NoticeSink>,
    /// The host's other services.
    pub(crate) ports: Ports,
    /// The resources that are its own.
    pub(crate) owned: Owned,
    /// A guest said that its offers changed.
    pub(crate) stale: Notify,
}

/// Who calls, and until when.
pub(crate) struct Caller {
    /// In logs and messages.
    pub(crate) request_id: String,
    /// For impersonation; the guest sees the parts that its context names.
    pub(crate) principal: Arc<Principal>,
    /// Where progress and messages go.
    pub(crate) client: Arc<dyn ClientSink>,
    /// When the call is stopped.
    pub(crate) deadline: Instant,
}

impl Caller {
    /// Time until the deadline.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// One call's state: the `T` of its `Store`.
pub(crate) struct CallState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    pub(crate) meter: Meter,
    pub(crate) log: Arc<LogBook>,
    /// The last progress reported; `None`: none yet.
    pub(crate) progress: Option<f64>,
    /// While the host asks for offers: the tools that are left out, with the reasons.
    pub(crate) withheld: Option<BTreeMap<String, String>>,
    /// How long a watch has computed in one go; `None`: this is a call, which has a deadline.
    pub(crate) spin: Option<Spin>,
    /// What this call has announced.
    pub(crate) announced: Announced,
    /// Watches that this call holds open.
    pub(crate) watchers: usize,
    pub(crate) table: ResourceTable,
    /// Made when a guest first touches WASI: most calls never do.
    wasi: Option<Box<WasiCtx>>,
    /// Made when a guest first touches `wasi:http`.
    pub(crate) outgoing: Option<Box<Outgoing>>,
}

impl CallState {
    pub(crate) fn new(shared: Arc<Shared>, caller: Caller) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let notices = shared.limits.log_lines;
        Self {
            log: LogBook::new(&shared, &caller.request_id),
            meter: Meter::new(shared.limits),
            shared,
            caller,
            progress: None,
            withheld: None,
            spin: None,
            announced: Announced::new(notices),
            watchers: 0,
            table,
            wasi: None,
            outgoing: None,
        }
    }

    /// Counts one call into the host; the error ends the guest.
    pub(crate) fn host_call(&mut self) -> Result<(), Trip> {
        self.meter.host_call()
    }

    /// WASI's resources; every function of `wasi:io` begins here.
    pub(crate) fn wasi_table(&mut self) -> &mut ResourceTable {
        self.meter.wasi_call();
        &mut self.table
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.meter.wasi_call();
        let ctx = self.wasi.get_or_insert_with(|| Box::new(base::context(&self.log)));
        WasiCtxView { ctx, table: &mut self.table }
    }
}
