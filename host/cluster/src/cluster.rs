//! `KubeApi` on a real API server. Must not know how bytes travel (`exchange.rs`) or what URLs look like (`plan.rs`).

use std::time::Duration;

use http::HeaderMap;
use portcullis_core::config::KubernetesConfig;
use portcullis_core::kube::{Impersonation, KubeReply, KubeRequest, KubeStatus, WatchRequest};
use portcullis_core::ports::{BoxFuture, KubeApi, KubeWatch};
use tokio::time::timeout;

use crate::link::Link;
use crate::plan::Plan;
use crate::source::ClusterError;
use crate::watch::Watch;
use crate::{exchange, fault, impersonate, reply};

/// Longest time until a watch is open (default 30 s): the server answers with headers at once, however quiet the resource is.
const OPEN: Duration = Duration::from_secs(30);

/// Largest answer to GET /version (bytes, default 64 KiB): it has a dozen short fields.
const VERSION_MAX: u64 = 64 * 1024;

/// A Kubernetes cluster.
pub struct Cluster {
    link: Link,
    namespace: String,
    impersonate: bool,
}

impl Cluster {
    /// Finds the cluster and reads the credentials. Does not connect: the API server need not be up yet.
    ///
    /// # Errors
    /// [`ClusterError`]: there is no cluster configured, or its configuration cannot be used.
    pub async fn connect(config: &KubernetesConfig) -> Result<Self, ClusterError> {
        let (link, namespace) = Link::open(config.clone()).await?;
        Ok(Self { link, namespace, impersonate: config.impersonate })
    }

    fn caller(&self, caller: Option<&Impersonation>) -> Result<HeaderMap, KubeStatus> {
        if self.impersonate { impersonate::headers(caller) } else { Ok(HeaderMap::new()) }
    }

    async fn request(&self, request: KubeRequest) -> Result<KubeReply, KubeStatus> {
        let plan = Plan::of(&request, &self.namespace)?;
        let caller = self.caller(request.impersonate.as_ref())?;
        self.within(&plan, &caller, request.timeout, request.max_reply).await
    }

    async fn within(&self, plan: &Plan, caller: &HeaderMap, within: Duration, max: u64) -> Result<KubeReply, KubeStatus> {
        let whole = async {
            let response = exchange::answer(&self.link, plan, caller, within).await?;
            reply::of(response, plan, max).await
        };
        timeout(within, whole).await.unwrap_or_else(|_| Err(fault::timeout(plan, within)))
    }

    async fn open(&self, request: WatchRequest) -> Result<Box<dyn KubeWatch>, KubeStatus> {
        let plan = Plan::watch(&request)?;
        let caller = self.caller(request.impersonate.as_ref())?;
        let opening = exchange::answer(&self.link, &plan, &caller, OPEN);
        let response = timeout(OPEN, opening).await.unwrap_or_else(|_| Err(fault::timeout(&plan, OPEN)))?;
        Ok(Box::new(Watch::new(response.into_body(), request.timeout_seconds)))
    }
}

impl KubeApi for Cluster {
    fn send(&self, request: KubeRequest) -> BoxFuture<'_, Result<KubeReply, KubeStatus>> {
        Box::pin(self.request(request))
    }

    fn watch(&self, request: WatchRequest) -> BoxFuture<'_, Result<Box<dyn KubeWatch>, KubeStatus>> {
        Box::pin(self.open(request))
    }

    fn default_namespace(&self) -> &str {
        &self.namespace
    }

    fn reachable(&self, within: Duration) -> BoxFuture<'_, Result<(), KubeStatus>> {
        Box::pin(async move {
            match self.within(&Plan::version(), &HeaderMap::new(), within, VERSION_MAX).await {
                // A server that refuses this user its version is up, and knows the user.
                Err(refusal) if refusal.code == 403 => Ok(()),
                other => other.map(drop),
            }
        })
    }
}
