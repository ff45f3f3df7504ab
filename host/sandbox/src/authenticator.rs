//! A loaded auth strategy: core's `Authenticator` port over one component. Whatever goes wrong in here is an error, never a verdict.

use std::time::Duration;

use portcullis_core::call::CallError;
use portcullis_core::plugin::Descriptor;
use portcullis_core::ports::{Authenticator, BoxFuture};
use portcullis_core::strategy::{
    Attempt, Rejection, RejectionCode, RouteRequest, RouteResponse, Site, Strategy as Described, StrategyError, Verdict,
};
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::bindings::{authentication, route, strategy as wit};
use crate::convert::strategy;
use crate::guest::Guest;
use crate::runtime::{Visit, enter, within};
use crate::state::CallState;

/// How long a strategy may take to describe itself (WIT): the start of the host and a reload wait for it.
const DESCRIBE_MAX: Duration = Duration::from_secs(2);

/// Bytes of a credential (WIT). Longer ones are refused unread.
const CREDENTIAL_MAX: usize = 16 << 10;

/// See the module.
pub(crate) struct Strategy {
    guest: Guest,
    descriptor: Descriptor,
    indices: Indices,
}

/// Where the exports are within the component.
struct Indices {
    /// By itself: loading the whole interface would compare the types of `describe`, too, at each attempt.
    authenticate: ComponentExportIndex,
    authentication: authentication::GuestIndices,
    routes: Option<route::GuestIndices>,
}

/// `authentication.authenticate`, as `bindings.rs` would have it.
type Results = (Result<wit::Verdict, wit::Fault>,);

impl Indices {
    fn new(pre: &InstancePre<CallState>, has_routes: bool) -> wasmtime::Result<Self> {
        Ok(Self {
            authenticate: authenticate(pre)?,
            authentication: authentication::GuestIndices::new(pre)?,
            routes: has_routes.then(|| route::GuestIndices::new(pre)).transpose()?,
        })
    }
}

fn authenticate(pre: &InstancePre<CallState>) -> wasmtime::Result<ComponentExportIndex> {
    let component = pre.component();
    let interface = component.get_export_index(None, "portcullis:auth/authentication@0.1.0");
    let function = interface.and_then(|interface| component.get_export_index(Some(&interface), "authenticate"));
    function.ok_or_else(|| wasmtime::format_err!("it does not export `portcullis:auth/authentication` with `authenticate`"))
}

impl Strategy {
    pub(crate) fn new(guest: Guest, descriptor: Descriptor) -> wasmtime::Result<Self> {
        let indices = Indices::new(&guest.pre, descriptor.exports.routes)?;
        Ok(Self { guest, descriptor, indices })
    }

    async fn described(&self, site: Site) -> Result<Described, StrategyError> {
        let site = strategy::site(site);
        let mut visit = Visit::to_serve(&self.guest, format!("describe-{}", self.guest.shared.name), DESCRIBE_MAX).await?;
        let said = enter!(visit, self.indices.authentication, |guest| guest.call_describe(&mut visit.store, &site));
        Ok(visit.weigh(said, |said, scale| strategy::strategy(said, self.descriptor.exports.routes, scale))?)
    }

    async fn judged(&self, attempt: Attempt, most: Duration) -> Result<Verdict, StrategyError> {
        if attempt.credential.reveal().len() > CREDENTIAL_MAX {
            return Ok(Verdict::Reject(too_long()));
        }
        let mut visit = Visit::to_judge(&self.guest, attempt.request_id.clone(), most).await?;
        let attempt = strategy::attempt(attempt, visit.remaining());
        let said = within(visit.deadline, async {
            let instance = visit.pre.instantiate_async(&mut visit.store).await?;
            let function = instance.get_typed_func::<(&wit::Attempt,), Results>(&mut visit.store, &self.indices.authenticate)?;
            let (said,) = function.call_async(&mut visit.store, (&attempt,)).await?;
            Ok(said)
        });
        let said = said.await;
        visit.weigh(said, strategy::verdict)?
    }

    async fn handled(&self, request: RouteRequest) -> Result<RouteResponse, StrategyError> {
        let Some(indices) = &self.indices.routes else { return Err(self.serves_nothing(request.request_id).into()) };
        let most = self.guest.shared.limits.deadline();
        let mut visit = Visit::to_serve(&self.guest, request.request_id.clone(), most).await?;
        let request = strategy::request(request, visit.remaining());
        let said = enter!(visit, indices, |guest| guest.call_handle(&mut visit.store, &request));
        visit.weigh(said, strategy::response)?
    }

    /// A request was routed here though no route was ever named.
    fn serves_nothing(&self, request_id: String) -> CallError {
        let reason = "it does not export `portcullis:auth/routes`".to_owned();
        CallError::Contract { plugin: self.guest.shared.name.clone(), reason, request_id }
    }
}

fn too_long() -> Rejection {
    let message = format!("the credential is longer than {CREDENTIAL_MAX} bytes");
    Rejection { code: RejectionCode::Invalid, message }
}

impl Authenticator for Strategy {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn describe(&self, site: Site) -> BoxFuture<'_, Result<Described, StrategyError>> {
        Box::pin(self.described(site))
    }

    fn authenticate(&self, attempt: Attempt, within: Duration) -> BoxFuture<'_, Result<Verdict, StrategyError>> {
        Box::pin(self.judged(attempt, within))
    }

    fn handle(&self, request: RouteRequest) -> BoxFuture<'_, Result<RouteResponse, StrategyError>> {
        Box::pin(self.handled(request))
    }
}
