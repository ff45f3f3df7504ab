//! A running watch, as a resource of the guest. Dropping it, or the call that holds it, closes the connection.

use std::time::Duration;

use portcullis_core::kube::{KubeEvent, KubeStatus};
use portcullis_core::ports::KubeWatch;
use wasmtime::component::Resource;

use super::{Answer, redact, too_large};
use crate::bindings::kubernetes as wit;
use crate::state::CallState;

/// See the module.
#[expect(unreachable_pub, reason = "the generated bindings re-export it, which takes a pub type")]
pub struct Watcher {
    /// `None` once it has ended.
    watch: Option<Box<dyn KubeWatch>>,
    /// Whether values of Secrets must not show.
    hidden: bool,
    /// Most bytes of one event.
    max: u64,
}

impl Watcher {
    pub(super) fn new(watch: Box<dyn KubeWatch>, hidden: bool, max: u64) -> Self {
        Self { watch: Some(watch), hidden, max }
    }

    async fn next(&mut self, within: Duration) -> Result<Option<KubeEvent>, KubeStatus> {
        let Some(watch) = &mut self.watch else { return Ok(None) };
        let Ok(event) = tokio::time::timeout(within, watch.next()).await else { return Ok(None) };
        match event {
            Some(Ok(event)) => self.checked(event).map(Some),
            ended => {
                self.watch = None;
                ended.transpose()
            }
        }
    }

    fn checked(&mut self, mut event: KubeEvent) -> Result<KubeEvent, KubeStatus> {
        if event.object.len() as u64 > self.max {
            self.watch = None;
            return Err(too_large(self.max));
        }
        if self.hidden {
            event.object = redact::annotations(event.object);
        }
        Ok(event)
    }
}

impl wit::HostWatcher for CallState {
    async fn next(&mut self, watcher: Resource<Watcher>, timeout_ms: u32) -> wasmtime::Result<Answer<Option<wit::Event>>> {
        self.host_call()?;
        let within = Duration::from_millis(timeout_ms.into()).min(self.caller.remaining());
        let event = self.table.get_mut(&watcher)?.next(within).await;
        Ok(event.map(|event| event.map(|one| wit::Event { kind: one.kind, object: one.object })).map_err(Into::into))
    }

    async fn ended(&mut self, watcher: Resource<Watcher>) -> wasmtime::Result<bool> {
        self.host_call()?;
        Ok(self.table.get(&watcher)?.watch.is_none())
    }

    async fn drop(&mut self, watcher: Resource<Watcher>) -> wasmtime::Result<()> {
        self.table.delete(watcher)?;
        self.watchers = self.watchers.saturating_sub(1);
        Ok(())
    }
}
