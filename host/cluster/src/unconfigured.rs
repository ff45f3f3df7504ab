//! The API of no cluster: every request is refused with the reason. Must not look for a cluster.

use std::time::Duration;

use portcullis_core::kube::{KubeReply, KubeRequest, KubeStatus, WatchRequest};
use portcullis_core::ports::{BoxFuture, KubeApi, KubeWatch};

use crate::status::own;

/// Stands where a cluster would, so that plugins that need none run without one.
#[derive(Debug, Clone)]
pub struct Unconfigured {
    why: String,
}

impl Unconfigured {
    /// `why` is what [`crate::Cluster::connect`] said.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }

    fn refusal(&self) -> KubeStatus {
        own("Unconfigured", self.why.clone())
    }
}

impl KubeApi for Unconfigured {
    fn send(&self, _: KubeRequest) -> BoxFuture<'_, Result<KubeReply, KubeStatus>> {
        Box::pin(async { Err(self.refusal()) })
    }

    fn watch(&self, _: WatchRequest) -> BoxFuture<'_, Result<Box<dyn KubeWatch>, KubeStatus>> {
        Box::pin(async { Err(self.refusal()) })
    }

    fn default_namespace(&self) -> &'static str {
        "default"
    }

    fn reachable(&self, _: Duration) -> BoxFuture<'_, Result<(), KubeStatus>> {
        Box::pin(async { Err(self.refusal()) })
    }
}
