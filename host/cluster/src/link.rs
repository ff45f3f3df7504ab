//! The client in use, and its renewal when the API server no longer knows its credentials. Must not know requests.
//!
//! kube reads token files again every minute and runs credential plugins again before they expire. What it does not renew (a token or
//! certificate inside a kubeconfig, a plugin's token that was revoked early) is read again here after a 401, as client-go does
//! (transport `ResetTokenOlderThan`).

use std::time::Duration;

use kube::Client;
use portcullis_core::config::KubernetesConfig;
use portcullis_core::kube::KubeStatus;
use tokio::sync::RwLock;
use tokio::time::Instant;

use crate::source::{ClusterError, load};
use crate::{fault, stack};

/// Shortest time between two renewals (default 10 s): wrong credentials must not make every call run a credential plugin.
const PAUSE: Duration = Duration::from_secs(10);

/// The client in use.
pub(crate) struct Link {
    source: KubernetesConfig,
    live: RwLock<Live>,
}

struct Live {
    client: Option<Client>,
    generation: u64,
    tried: Option<Instant>,
}

impl Link {
    /// Reads the configuration and builds the client; returns the current namespace too. A credential plugin that fails now is asked again later.
    pub(crate) async fn open(source: KubernetesConfig) -> Result<(Self, String), ClusterError> {
        let config = load(&source).await?;
        let namespace = config.default_namespace.clone();
        tracing::info!(server = %config.cluster_url, namespace, "Kubernetes API server");
        let client = match build(config).await {
            Ok(client) => Some(client),
            Err(kube::Error::Auth(why)) => {
                fault::no_credentials(&why);
                None
            }
            Err(why) => return Err(ClusterError::Unusable(fault::spelled(&why))),
        };
        let live = RwLock::new(Live { client, generation: 0, tried: None });
        Ok((Self { source, live }, namespace))
    }

    /// The client and its generation, for [`Link::renew`].
    pub(crate) async fn client(&self) -> Result<(Client, u64), KubeStatus> {
        if let Some(found) = self.current().await {
            return Ok(found);
        }
        self.renew(0).await;
        self.current().await.ok_or_else(fault::still_no_credentials)
    }

    async fn current(&self) -> Option<(Client, u64)> {
        let live = self.live.read().await;
        live.client.clone().map(|client| (client, live.generation))
    }

    /// Reads everything again, unless someone has just done so. True if there is a newer client than the caller's.
    pub(crate) async fn renew(&self, generation: u64) -> bool {
        let mut live = self.live.write().await;
        if live.generation > generation {
            return true;
        }
        if live.tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
            return false;
        }
        live.tried = Some(Instant::now());
        match self.again().await {
            Ok(client) => {
                tracing::info!("credentials for the API server read again");
                live.client = Some(client);
                live.generation += 1;
                true
            }
            Err(why) => {
                tracing::warn!(error = %why, "credentials for the API server could not be read again");
                false
            }
        }
    }

    async fn again(&self) -> Result<Client, ClusterError> {
        let config = load(&self.source).await?;
        build(config).await.map_err(|why| ClusterError::Unusable(fault::spelled(&why)))
    }
}

/// Off the async threads: reads key files and may run a credential plugin.
async fn build(config: kube::Config) -> Result<Client, kube::Error> {
    let built = tokio::task::spawn_blocking(move || stack::client(config)).await;
    built.unwrap_or_else(|why| Err(kube::Error::Service(why.into())))
}
