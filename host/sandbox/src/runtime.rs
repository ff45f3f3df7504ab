//! One visit to a guest: admission, a store with its limits, the deadline, and what became of it. The only file that judges errors of
//! Wasmtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::call::{CallContext, CallError};
use portcullis_core::ports::ClientSink;
use portcullis_core::principal::Principal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime::component::InstancePre;
use wasmtime::{PoolConcurrencyLimitError, Store, StoreContextMut, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use crate::bindings::types;
use crate::convert::{Breach, Scale, failure};
use crate::engine::Ticking;
use crate::guest::Guest;
use crate::limits::{SPIN, Spin, Trip};
use crate::pace::{Pace, REST, Turn};
use crate::state::{CallState, Caller};

/// How long a watch may stay in one piece. One hour: then the gateway starts it anew, in a fresh instance.
pub(crate) const WATCH_PIECE: Duration = Duration::from_secs(3_600);

/// How long a plugin may take to list its offers at load, whatever its own limit: nobody waits for it, yet it must end.
const LIST_MAX: Duration = Duration::from_secs(10);

/// What a refused caller is told to wait: long enough for a few hundred calls to end.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Bytes that a guest may hand to the host in one piece besides its output cap. 4 MiB: etcd takes no larger object.
const ARGUMENT: u64 = 4 << 20;

/// Characters of a trap's reason that a client sees.
const REASON_MAX: usize = 200;

/// One visit. Dropping it ends the guest and frees its place.
pub(crate) struct Visit<'a> {
    pub(crate) store: Store<CallState>,
    pub(crate) pre: &'a InstancePre<CallState>,
    plugin: &'a Guest,
    /// The limit that the call runs into.
    allowed: Duration,
    pub(crate) deadline: Instant,
    _place: OwnedSemaphorePermit,
    /// A watch's place in its plugin's share, or a credential's in that of credentials.
    _share: Option<OwnedSemaphorePermit>,
    _ticking: Ticking,
}

/// A client that hears nothing: at load there is none.
struct Nobody;

impl ClientSink for Nobody {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<String>) {}
    fn message(&self, _: &str, _: Option<&str>, _: &str) {}
}

impl<'a> Visit<'a> {
    /// A caller's visit.
    pub(crate) async fn to_call(plugin: &'a Guest, context: &CallContext) -> Result<Self, CallError> {
        let allowed = plugin.shared.limits.deadline().min(context.deadline);
        Self::begin(plugin, &plugin.sandbox.calls, None, caller(context), allowed).await
    }

    /// A subscriber's visit, which lasts: exempt from the call's deadline.
    pub(crate) async fn to_watch(plugin: &'a Guest, context: &CallContext) -> Result<Self, CallError> {
        let share = admit(&plugin.watches, plugin.sandbox.queue_timeout, &context.request_id).await?;
        let mut visit = Self::begin(plugin, &plugin.sandbox.watches, Some(share), caller(context), WATCH_PIECE).await?;
        visit.store.data_mut().spin = Some(Spin::default());
        Ok(visit)
    }

    /// The loader's visit, without a caller.
    pub(crate) async fn to_list(plugin: &'a Guest) -> Result<Self, CallError> {
        let allowed = plugin.shared.limits.deadline().min(LIST_MAX);
        let nobody =
            (format!("load-{}", plugin.shared.name), Arc::new(Principal::local()), Arc::new(Nobody) as Arc<dyn ClientSink>);
        let mut visit = Self::begin(plugin, &plugin.sandbox.loads, None, nobody, allowed).await?;
        visit.store.data_mut().withheld = Some(BTreeMap::new());
        Ok(visit)
    }

    /// A strategy's visit about a credential: it leaves places to those about routes.
    pub(crate) async fn to_judge(plugin: &'a Guest, request_id: String, allowed: Duration) -> Result<Self, CallError> {
        let share = admit(&plugin.sandbox.judging, plugin.sandbox.queue_timeout.min(allowed), &request_id).await?;
        Self::of_strategy(plugin, Some(share), request_id, allowed).await
    }

    /// A strategy's visit about anything else.
    pub(crate) async fn to_serve(plugin: &'a Guest, request_id: String, allowed: Duration) -> Result<Self, CallError> {
        Self::of_strategy(plugin, None, request_id, allowed).await
    }

    /// There is no caller yet, and nobody to talk to.
    async fn of_strategy(
        plugin: &'a Guest,
        share: Option<OwnedSemaphorePermit>,
        request_id: String,
        allowed: Duration,
    ) -> Result<Self, CallError> {
        let nobody = (request_id, Arc::new(Principal::local()), Arc::new(Nobody) as Arc<dyn ClientSink>);
        Self::begin(plugin, &plugin.sandbox.strategies, share, nobody, allowed.min(plugin.shared.limits.deadline())).await
    }

    async fn begin(
        plugin: &'a Guest,
        places: &Arc<Semaphore>,
        share: Option<OwnedSemaphorePermit>,
        (request_id, principal, client): (String, Arc<Principal>, Arc<dyn ClientSink>),
        allowed: Duration,
    ) -> Result<Self, CallError> {
        let deadline = Instant::now() + allowed;
        let place = admit(places, plugin.sandbox.queue_timeout.min(allowed), &request_id).await?;
        let ticking = plugin.sandbox.ticker.ticking();
        let caller = Caller { request_id, principal, client, deadline };
        let state = CallState::new(Arc::clone(&plugin.shared), caller);
        let mut store = Store::new(&plugin.sandbox.engine, state);
        let handed = plugin.shared.limits.output.saturating_add(ARGUMENT);
        store.set_hostcall_fuel(usize::try_from(handed).unwrap_or(usize::MAX));
        store.limiter(|state| &mut state.meter);
        store.set_epoch_deadline(1);
        let begun = ticking.begun();
        let mut pace = Pace::new(begun());
        store.epoch_deadline_callback(move |store| on_epoch(store, || pace.turn(Instant::now(), begun())));
        Ok(Self { store, pre: &plugin.pre, plugin, allowed, deadline, _place: place, _share: share, _ticking: ticking })
    }

    /// Time until the deadline.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// What an export that cannot fail returned.
    pub(crate) fn settle<R>(self, result: wasmtime::Result<R>) -> Result<R, CallError> {
        result.map_err(|error| self.judge(&error))
    }

    /// What an export returned, converted and weighed.
    pub(crate) fn weigh<W, R>(
        self,
        result: wasmtime::Result<W>,
        convert: impl FnOnce(W, &mut Scale) -> Result<R, Breach>,
    ) -> Result<R, CallError> {
        let value = result.map_err(|error| self.judge(&error))?;
        let mut scale = Scale::new(self.plugin.shared.limits.output);
        convert(value, &mut scale).map_err(|breach| self.breach(breach))
    }

    /// The same of an export of tools, which may fail in its own words.
    pub(crate) fn answer<W, R>(
        self,
        result: wasmtime::Result<Result<W, types::Failure>>,
        convert: impl FnOnce(W, &mut Scale) -> Result<R, Breach>,
    ) -> Result<R, CallError> {
        let answer = self.weigh(result, |answer, scale| match answer {
            Ok(value) => convert(value, scale).map(Ok),
            Err(refusal) => failure(refusal, scale).map(Err),
        });
        answer?.map_err(CallError::Failure)
    }

    fn breach(&self, breach: Breach) -> CallError {
        match breach {
            Breach::Output => self.limit(Trip::Output),
            Breach::Contract(reason) => {
                let (plugin, request_id) = self.names();
                tracing::warn!(plugin, request_id, reason, "a guest broke its contract");
                CallError::Contract { plugin, reason, request_id }
            }
        }
    }

    fn names(&self) -> (String, String) {
        (self.plugin.shared.name.clone(), self.store.data().caller.request_id.clone())
    }

    fn limit(&self, trip: Trip) -> CallError {
        let (plugin, request_id) = self.names();
        tracing::warn!(plugin, request_id, limit = trip.key(), "a guest was stopped at its limit");
        match trip {
            Trip::Deadline => CallError::Deadline { plugin, after: self.allowed },
            Trip::Spin => CallError::Deadline { plugin, after: SPIN },
            other => CallError::Limit { plugin, limit: other.key() },
        }
    }

    /// Why the guest did not return.
    fn judge(&self, error: &wasmtime::Error) -> CallError {
        let tripped = self.store.data().meter.tripped().or_else(|| error.downcast_ref::<Trip>().copied());
        if let Some(trip) = tripped.or_else(|| too_much_handed_over(error)) {
            return self.limit(trip);
        }
        let (plugin, request_id) = self.names();
        if error.is::<PoolConcurrencyLimitError>() {
            tracing::error!(plugin, request_id, %error, "the pool is exhausted though the call was admitted");
            return CallError::Overloaded { retry_after: RETRY_AFTER };
        }
        tracing::warn!(plugin, request_id, details = ?error, "a guest failed");
        CallError::Trap { plugin, reason: reason(error), request_id }
    }
}

/// Runs a guest until it returns, fails or its time is up, also while it waits in a host function.
pub(crate) async fn within<R>(deadline: Instant, guest: impl Future<Output = wasmtime::Result<R>>) -> wasmtime::Result<R> {
    timeout_at(deadline, guest).await.unwrap_or_else(|_| Err(Trip::Deadline.into()))
}

/// Makes a fresh instance and calls one export of it, within the visit's time.
macro_rules! enter {
    ($visit:ident, $indices:expr, |$guest:ident| $call:expr) => {
        $crate::runtime::within($visit.deadline, async {
            let instance = $visit.pre.instantiate_async(&mut $visit.store).await?;
            let $guest = $indices.load(&mut $visit.store, &instance)?;
            $call.await
        })
        .await
    };
}
pub(crate) use enter;

fn caller(context: &CallContext) -> (String, Arc<Principal>, Arc<dyn ClientSink>) {
    (context.request_id.clone(), Arc::clone(&context.principal), Arc::clone(&context.client))
}

/// A place, now or within `patience`.
async fn admit(places: &Arc<Semaphore>, patience: Duration, request_id: &str) -> Result<OwnedSemaphorePermit, CallError> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Ok(place);
    }
    match timeout(patience, Arc::clone(places).acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) => Err(CallError::Host { request_id: request_id.to_owned() }),
        Err(_) => Err(CallError::Overloaded { retry_after: RETRY_AFTER }),
    }
}

/// At each epoch: gives way to others, unless the guest's time is up or a cap of WASI's functions was hit.
fn on_epoch(mut store: StoreContextMut<'_, CallState>, turn: impl FnOnce() -> Turn) -> wasmtime::Result<UpdateDeadline> {
    let state = store.data_mut();
    if let Some(trip) = state.meter.tripped() {
        return Err(trip.into());
    }
    if Instant::now() >= state.caller.deadline {
        return Err(state.meter.trip(Trip::Deadline).into());
    }
    let asked = state.meter.asked();
    if state.spin.as_mut().is_some_and(|spin| spin.is_too_long(asked)) {
        return Err(state.meter.trip(Trip::Spin).into());
    }
    Ok(match turn() {
        Turn::Yield => UpdateDeadline::Yield(1),
        Turn::Rest => UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep(REST))),
    })
}

/// Wasmtime has no type for it: "too much data is being copied between the host and the guest: fuel allocated for hostcalls …".
fn too_much_handed_over(error: &wasmtime::Error) -> Option<Trip> {
    error.root_cause().to_string().contains("fuel allocated for hostcalls").then_some(Trip::Output)
}

/// A short cause: neither backtrace nor address.
fn reason(error: &wasmtime::Error) -> String {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trap.to_string();
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return format!("it exited with status {}", exit.0);
    }
    let cause = error.root_cause().to_string();
    cause.lines().next().unwrap_or_default().chars().take(REASON_MAX).collect()
}
