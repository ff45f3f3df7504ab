//! Failures that a test asks for: which requests, how often, what happens to them.
//! Must not answer requests; `route.rs` carries a fault out.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::auth::{self, Identity};
use crate::call::{Asked, Call, Target};
use crate::error::ApiError;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It is answered with this status and, if given, `Retry-After` in seconds.
    Status {
        /// HTTP status, 400 to 599.
        code: u16,
        /// Seconds.
        retry_after: Option<u32>,
    },
    /// It is answered, this much later.
    Delay(Duration),
    /// It is answered once [`Faults::clear`] is called.
    Hold,
    /// It is never answered; the connection stays open until the server stops.
    Hang,
    /// The connection is closed without an answer.
    Reset,
    /// The watch, new or running, gets an ERROR event with 410 and ends. Other requests are left alone.
    GoneOnWatch,
    /// It is answered with 200 and a body that is not JSON.
    BadJson,
}

/// Which requests; a field that is `None` matches any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matcher {
    /// RBAC verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`; `GET` … for paths that are no resource.
    pub verb: Option<String>,
    /// Plural, with its subresource if it has one: `clusters`, `pods/log`.
    pub resource: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Part of the path.
    pub path: Option<String>,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests with a verb on a resource.
    pub fn on(verb: &str, resource: &str) -> Self {
        Self { verb: Some(verb.to_owned()), resource: Some(resource.to_owned()), ..Self::default() }
    }

    /// Requests on a resource, whatever the verb.
    pub fn resource(resource: &str) -> Self {
        Self { resource: Some(resource.to_owned()), ..Self::default() }
    }

    /// The same, for one object name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    fn matches(&self, target: &Target, call: &Call) -> bool {
        let (verb, resource, namespace, name) = match target {
            Target::Path => (call.method.as_str(), String::new(), "", ""),
            Target::Resource(asked) | Target::Unknown(asked) => {
                (asked.verb, asked.resource(), asked.namespace.as_str(), asked.name.as_str())
            }
        };
        let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let path = self.path.as_deref().is_none_or(|part| call.path.contains(part));
        path && is(&self.verb, verb) && is(&self.resource, &resource) && is(&self.namespace, namespace) && is(&self.name, name)
    }
}

#[derive(Clone, Debug)]
struct Planned {
    matcher: Matcher,
    fault: Fault,
    left: Option<usize>,
}

/// The faults that are planned, in order; the first that matches a request is taken.
#[derive(Debug)]
pub struct Faults {
    planned: Mutex<Vec<Planned>>,
    bell: watch::Sender<u64>,
    cleared: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { planned: Mutex::default(), bell: watch::Sender::new(0), cleared: watch::Sender::new(0) }
    }
}

impl Faults {
    /// The next request that matches fails.
    pub fn fail_next(&self, matcher: Matcher, fault: Fault) {
        self.plan(matcher, fault, Some(1));
    }

    /// The next `times` requests that match fail.
    pub fn fail_times(&self, times: usize, matcher: Matcher, fault: Fault) {
        self.plan(matcher, fault, Some(times));
    }

    /// Every request that matches fails, until [`Faults::clear`].
    pub fn fail_always(&self, matcher: Matcher, fault: Fault) {
        self.plan(matcher, fault, None);
    }

    /// Forgets every fault that is planned, and answers what is held.
    pub fn clear(&self) {
        self.planned.lock().clear();
        self.cleared.send_modify(|count| *count += 1);
    }

    fn plan(&self, matcher: Matcher, fault: Fault, left: Option<usize>) {
        self.planned.lock().push(Planned { matcher, fault, left });
        self.bell.send_modify(|count| *count += 1);
    }

    /// What tells that the faults were cleared; asked for before the fault is taken, so that it is not missed.
    pub(crate) fn clearing(&self) -> watch::Receiver<u64> {
        self.cleared.subscribe()
    }

    /// Takes the fault of a request, if one is planned.
    pub(crate) fn take(&self, target: &Target, call: &Call) -> Option<Fault> {
        self.take_where(|planned| planned.fault != Fault::GoneOnWatch && planned.matcher.matches(target, call))
    }

    /// Takes the 410 of a watch, if one is planned.
    pub(crate) fn take_watch_fault(&self, asked: &Asked, call: &Call) -> Option<ApiError> {
        let target = Target::Resource(asked.clone());
        let taken = self.take_where(|planned| planned.fault == Fault::GoneOnWatch && planned.matcher.matches(&target, call));
        taken.map(|_| ApiError::expired("The resourceVersion for the provided watch is too old."))
    }

    fn take_where(&self, fits: impl Fn(&Planned) -> bool) -> Option<Fault> {
        let mut planned = self.planned.lock();
        let place = planned.iter().position(fits)?;
        let taken = planned.get_mut(place)?;
        let fault = taken.fault.clone();
        taken.left = taken.left.map(|left| left.saturating_sub(1));
        if taken.left == Some(0) {
            planned.remove(place);
        }
        Some(fault)
    }

    /// Returns when a fault is planned.
    pub(crate) async fn changed(&self) {
        let mut bell = self.bell.subscribe();
        if bell.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The error of a status fault, as the API server words it for this request.
pub(crate) fn refusal(target: &Target, code: u16, retry_after: Option<u32>) -> ApiError {
    let mut error = match (code, target) {
        (403, Target::Resource(asked)) => {
            let who = Identity { name: "kubernetes-admin".to_owned(), groups: Vec::new() };
            auth::forbidden(&who, asked)
        }
        (404, Target::Resource(asked)) if !asked.name.is_empty() => ApiError::not_found(&asked.kind, &asked.name),
        (409, Target::Resource(asked)) => ApiError::modified(&asked.kind, &asked.name),
        _ => plain(code),
    };
    error.retry_after = retry_after;
    error
}

/// The error of a status that does not depend on the request.
fn plain(code: u16) -> ApiError {
    let (reason, message) = match code {
        400 => ("BadRequest", "the request is not understood"),
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden: User \"kubernetes-admin\" cannot do this"),
        404 => ("NotFound", "the server could not find the requested resource"),
        409 => ("Conflict", "the object has been modified; please apply your changes to the latest version and try again"),
        410 => ("Expired", "The resourceVersion for the provided list is too old."),
        422 => ("Invalid", "the server rejected our request due to an error in our request"),
        429 => ("TooManyRequests", "Too many requests, please try again later."),
        500 => ("InternalError", "Internal error occurred: etcdserver: leader changed"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => ("Timeout", "request did not complete within the allotted timeout"),
        _ => ("Unknown", "unknown"),
    };
    ApiError::new(code, reason, message)
}
