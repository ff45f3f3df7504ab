//! Capability `http`: WIT interfaces `wasi:http/outgoing-handler` and `wasi:http/types` 0.2. State: the plugin's egress rules and the host's `Egress`,
//! shared by its calls; the call's requests that are under way. Which rule decides a request, `http/decision.rs` says; how it is sent,
//! `http/exchange.rs`.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use portcullis_core::egress::EgressReply;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::{LinkOptions, http as wit};
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::state::{CallState, Caller, Shared};

mod decision;
mod exchange;
mod injection;

/// Requests of one call that are under way, or whose replies the guest still holds. 8: each may hold a reply of `hostReply`.
const REQUESTS_MAX: usize = 8;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, CallState::sending)?;
    wit::types::add_to_linker::<_, WasiHttp>(linker, &LinkOptions::default().into(), CallState::http)
}

/// What a call keeps for `wasi:http`.
pub(crate) struct Outgoing {
    ctx: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    shared: Arc<Shared>,
    request_id: String,
    deadline: Instant,
    places: Arc<Semaphore>,
    /// The request that comes now is over the cap of host calls.
    over: bool,
    /// Whether the log has told of a refusal: once per call is enough.
    told: bool,
}

impl Outgoing {
    fn new(shared: &Arc<Shared>, caller: &Caller) -> Self {
        let hooks = Hooks {
            shared: Arc::clone(shared),
            request_id: caller.request_id.clone(),
            deadline: caller.deadline,
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
            over: false,
            told: false,
        };
        Self { ctx: WasiHttpCtx::new(), hooks }
    }
}

impl CallState {
    /// A request counts as a call into the host; one over the cap is not sent, and the guest is stopped at the next epoch.
    fn sending(&mut self) -> WasiHttpCtxView<'_> {
        let over = self.host_call().is_err();
        let outgoing = self.outgoing.get_or_insert_with(|| Box::new(Outgoing::new(&self.shared, &self.caller)));
        outgoing.hooks.over = over;
        self.http()
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.meter.wasi_call();
        let outgoing = self.outgoing.get_or_insert_with(|| Box::new(Outgoing::new(&self.shared, &self.caller)));
        let Outgoing { ctx, hooks } = &mut **outgoing;
        WasiHttpCtxView { ctx, hooks, table: &mut self.table }
    }
}

/// What the guest waits for, and what goes on beside it: nothing, since a reply is whole.
type Sent = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<()>> + Send>)>;

impl Hooks {
    /// The fence, before anything is read or sent.
    fn decide(&mut self, request: &http::Request<WasiBody>) -> Result<(decision::Decided, OwnedSemaphorePermit)> {
        if self.over {
            return Err(Error::HttpRequestDenied);
        }
        let decided = decision::decide(&self.shared, request.method().as_str(), request.uri()).map_err(|refusal| {
            if !std::mem::replace(&mut self.told, true) {
                let (plugin, request_id) = (&self.shared.name, &self.request_id);
                tracing::warn!(plugin, request_id, "{refusal}");
            }
            Error::from(refusal)
        })?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::ConnectionLimitReached)?;
        Ok((decided, place))
    }
}

impl WasiHttpHooks for Hooks {
    /// The port sets it, from the URL.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let decided = self.decide(&request);
        let (shared, deadline) = (Arc::clone(&self.shared), exchange::deadline(self.deadline, options));
        Box::new(async move {
            let (decided, place) = decided?;
            let reply = exchange::exchange(&shared, decided, request, deadline).await?;
            let nothing: Box<dyn Future<Output = Result<()>> + Send> = Box::new(async { Ok(()) });
            Ok((response(reply, place)?, nothing))
        })
    }
}

/// The reply as the guest reads it; its place is free when the guest drops it.
fn response(reply: EgressReply, place: OwnedSemaphorePermit) -> Result<http::Response<WasiBody>> {
    let mut response = http::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = Full::new(reply.body.into()).map_frame(move |frame| {
        let _held = &place;
        frame
    });
    response.body(body.map_err(Error::from).boxed_unsync()).map_err(|_| Error::HttpProtocolError)
}

#[cfg(test)]
mod tests;
