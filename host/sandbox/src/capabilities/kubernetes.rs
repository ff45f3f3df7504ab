//! Capability `kubernetes`: WIT interface `portcullis:kubernetes/api`. State: the plugin's grant and the host's `KubeApi`, shared by its calls;
//! the call's open watches. Each request passes the fence (`kubernetes/fence.rs`) before anything is sent.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use portcullis_core::kube::{
    Form, Impersonation, KubeOperation, KubeOrigin, KubeReply, KubeRequest, KubeStatus, ListOptions, Target, WatchRequest,
};
use portcullis_core::ports::KubeApi;
use wasmtime::component::{HasSelf, Linker, Resource};

use crate::bindings::kubernetes as wit;
use crate::state::{CallState, Caller, Shared};

mod convert;
mod fence;
mod redact;
mod watcher;

#[expect(unreachable_pub, reason = "the generated bindings re-export it, which takes a pub type")]
pub use self::watcher::Watcher;

/// Requests of one `read-many` that are under way at the same time. 8: enough to hide latency, small beside the API server's fairness queues. Each
/// may hold a reply of `hostReply` until its turn, so the host buffers at most 8 × `hostReply` (128 MiB by default) for one such call.
const READ_CONCURRENCY: usize = 8;

/// Requests of one `read-many` (WIT: at most 64).
const READS_MAX: usize = 64;

/// Watches that one call may hold open. 8: each is a connection's stream on the API server.
const WATCHERS_MAX: usize = 8;

/// How long a request may take while the host asks for a plugin's offers. 1 s: the start of the host waits for it, and an API server that
/// is silent must not keep a plugin from being loaded, which lists what it can without an answer.
const LISTING_TIME: Duration = Duration::from_secs(1);

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

/// What the guest gets: a reply or a status, never a trap.
type Answer<T> = Result<T, wit::Status>;

/// The host's own refusal in the form of a Status.
fn refusal(code: u16, reason: &str, message: impl Into<String>) -> KubeStatus {
    KubeStatus { code, reason: reason.into(), message: message.into(), origin: KubeOrigin::Host, ..KubeStatus::default() }
}

fn too_large(max: u64) -> KubeStatus {
    refusal(0, "TooLarge", format!("the reply is larger than the limit hostReply ({max} bytes): ask for less, or by pages"))
}

fn too_many_watches() -> KubeStatus {
    refusal(429, "TooManyRequests", format!("one call may hold {WATCHERS_MAX} watches open; drop one first"))
}

/// What a request needs of the call's state; it can be shared between requests that run concurrently.
struct Desk<'a> {
    shared: &'a Shared,
    caller: &'a Caller,
    /// The most that one request may take.
    within: Duration,
}

impl CallState {
    fn desk(&self) -> Desk<'_> {
        let left = self.caller.remaining();
        let within = if self.withheld.is_some() { left.min(LISTING_TIME) } else { left };
        Desk { shared: &self.shared, caller: &self.caller, within }
    }
}

impl Desk<'_> {
    /// Who the API server should see, if the operator wants it to know.
    fn impersonation(&self) -> Option<Impersonation> {
        Impersonation::of(&self.caller.principal)
    }

    fn kube(&self) -> Result<&dyn KubeApi, KubeStatus> {
        let none = || refusal(0, "Unconfigured", "no Kubernetes cluster is configured on this host");
        self.shared.kube.as_deref().ok_or_else(none)
    }

    /// One request through the fence.
    async fn send(&self, target: Target, operation: KubeOperation) -> Result<KubeReply, KubeStatus> {
        let operation = fence::pass(self.shared, &target, operation)?;
        let max_reply = self.shared.limits.host_reply;
        let hidden = fence::hides_values(self.shared, &target);
        let is_delete = matches!(operation, KubeOperation::Delete(_));
        // A read sends no object and passes no admission, so a refusal of it has none to quote.
        let writes = operation.verbs().first().filter(|verb| hidden && !matches!(**verb, "get" | "list"));
        let request = KubeRequest { target, operation, timeout: self.within, max_reply, impersonate: self.impersonation() };
        let answer = self.kube()?.send(request).await;
        let mut reply = match (answer, writes) {
            (Err(status), Some(verb)) => return Err(redact::refused(status, verb)),
            (answer, _) => answer?,
        };
        if reply.body.len() as u64 > max_reply {
            return Err(too_large(max_reply));
        }
        if hidden {
            reply.body = if is_delete { redact::deleted() } else { redact::annotations(reply.body) };
        }
        Ok(reply)
    }

    async fn answer(&self, target: wit::Target, operation: Result<KubeOperation, KubeStatus>) -> Answer<wit::Reply> {
        let sent = match operation {
            Ok(operation) => self.send(target.into(), operation).await,
            Err(status) => Err(status),
        };
        sent.map(Into::into).map_err(Into::into)
    }

    async fn read(&self, read: wit::Read) -> Answer<wit::Reply> {
        match read {
            wit::Read::Get(get) => self.answer(get.target, convert::form(&get.form).map(KubeOperation::Get)).await,
            wit::Read::List(list) => {
                let operation = convert::form(&list.form).map(|form| KubeOperation::List(list.options.into(), form));
                self.answer(list.target, operation).await
            }
        }
    }

    async fn open(&self, target: Target, options: ListOptions, form: Form, seconds: u32) -> Result<Watcher, KubeStatus> {
        fence::pass_watch(self.shared, &target, form)?;
        let hidden = fence::hides_values(self.shared, &target);
        let impersonate = self.impersonation();
        let request = WatchRequest { target, options, form, timeout_seconds: seconds, impersonate };
        let opening = self.kube()?.watch(request);
        let opened = tokio::time::timeout(self.within, opening).await;
        let watch = opened.map_err(|_| refusal(0, "Timeout", "the API server did not open the watch in time"))??;
        Ok(Watcher::new(watch, hidden, self.shared.limits.host_reply))
    }
}

impl wit::Host for CallState {
    async fn get(&mut self, request: wit::GetRequest) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().read(wit::Read::Get(request)).await)
    }

    async fn list(&mut self, request: wit::ListRequest) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().read(wit::Read::List(request)).await)
    }

    async fn read_many(&mut self, requests: Vec<wit::Read>) -> wasmtime::Result<Vec<Answer<wit::Reply>>> {
        for _ in &requests {
            self.host_call()?;
        }
        if requests.len() > READS_MAX {
            wasmtime::bail!("kubernetes.read-many: {} requests, at most {READS_MAX} are allowed", requests.len());
        }
        let mut left = self.shared.limits.host_reply;
        let desk = self.desk();
        let mut reads = stream::iter(requests).map(|read| desk.read(read)).buffered(READ_CONCURRENCY);
        let mut answers = Vec::new();
        while let Some(answer) = reads.next().await {
            answers.push(answer.and_then(|reply| {
                left = left.checked_sub(reply.body.len() as u64).ok_or_else(|| too_large(desk.shared.limits.host_reply))?;
                Ok(reply)
            }));
        }
        Ok(answers)
    }

    async fn create(
        &mut self,
        target: wit::Target,
        object: String,
        options: wit::WriteOptions,
    ) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(target, convert::write(options).map(|options| KubeOperation::Create(object, options))).await)
    }

    async fn apply(
        &mut self,
        target: wit::Target,
        object: String,
        options: wit::WriteOptions,
        force: bool,
    ) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(target, convert::write(options).map(|options| KubeOperation::Apply(object, options, force))).await)
    }

    async fn patch(
        &mut self,
        target: wit::Target,
        kind: String,
        patch: String,
        options: wit::WriteOptions,
    ) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        let operation = convert::patch_kind(&kind)
            .and_then(|kind| convert::write(options).map(|options| KubeOperation::Patch(kind, patch, options)));
        Ok(self.desk().answer(target, operation).await)
    }

    async fn delete(&mut self, target: wit::Target, options: wit::DeleteOptions) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(target, Ok(KubeOperation::Delete(options.into()))).await)
    }

    async fn watch(
        &mut self,
        target: wit::Target,
        options: wit::ListOptions,
        form: String,
        timeout_seconds: u32,
    ) -> wasmtime::Result<Answer<Resource<Watcher>>> {
        self.host_call()?;
        let opened = match convert::form(&form) {
            Ok(_) if self.watchers >= WATCHERS_MAX => Err(too_many_watches()),
            Ok(form) => self.desk().open(target.into(), options.into(), form, timeout_seconds).await,
            Err(status) => Err(status),
        };
        match opened {
            Ok(watcher) => {
                self.watchers += 1;
                Ok(Ok(self.table.push(watcher)?))
            }
            Err(status) => Ok(Err(status.into())),
        }
    }

    async fn logs(&mut self, target: wit::Target, options: wit::LogOptions) -> wasmtime::Result<Answer<String>> {
        self.host_call()?;
        let reply = self.desk().answer(target, Ok(KubeOperation::Logs(options.into()))).await;
        Ok(reply.map(|reply| reply.body))
    }

    async fn get_proxy(&mut self, target: wit::Target, path: String) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(target, Ok(KubeOperation::Proxy(path))).await)
    }

    async fn access(&mut self, namespace: String) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(convert::target("", "", Some(namespace)), Ok(KubeOperation::Access)).await)
    }

    async fn discover(&mut self, group: String, version: String) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(convert::target(&group, &version, None), Ok(KubeOperation::Discover)).await)
    }

    async fn server_version(&mut self) -> wasmtime::Result<Answer<wit::Reply>> {
        self.host_call()?;
        Ok(self.desk().answer(convert::target("", "", None), Ok(KubeOperation::ServerVersion)).await)
    }

    async fn default_namespace(&mut self) -> wasmtime::Result<String> {
        self.host_call()?;
        Ok(self.desk().kube().map_or("default", KubeApi::default_namespace).to_owned())
    }
}

#[cfg(test)]
mod tests;
