//! Which cluster, and as whom: in-cluster service account, KUBECONFIG, a kubeconfig and its context. Must not connect.

use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use portcullis_core::config::KubernetesConfig;

use crate::pod::Pod;

/// Why there is no cluster to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No source has one.
    #[error(
        "no Kubernetes cluster is configured: this is not a pod with a service account token, and the kubeconfig says: {0}; \
         set `kubernetes.kubeconfig` in portcullis.yaml, or KUBECONFIG"
    )]
    None(String),
    /// The kubeconfig that was named cannot be used.
    #[error(
        "the kubeconfig {path} cannot be used: {why}; check `kubernetes.kubeconfig` and `kubernetes.context` in portcullis.yaml"
    )]
    Kubeconfig {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The pod's service account cannot be used.
    #[error(
        "the pod's service account in {folder} cannot be used: {why}; is `automountServiceAccountToken` on, and the API server's CA mounted?"
    )]
    InCluster {
        /// Where its files are.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The kubeconfig asks for a proxy.
    #[error(
        "the kubeconfig asks for a proxy (`proxy-url` of the cluster), which Portcullis does not use; remove it and reach the API server directly"
    )]
    Proxy,
    /// Two would impersonate.
    #[error("the kubeconfig's user impersonates (`as`), and so does `kubernetes.impersonate`; remove one of them")]
    TwiceImpersonated,
    /// Certificates or keys do not work.
    #[error(
        "the certificates or credentials for the API server cannot be used: {0}; check the kubeconfig's `users` and `clusters`"
    )]
    Unusable(String),
}

/// Reads the configuration; `source` decides where. Order: the kubeconfig that is named; a pod's service account; KUBECONFIG; the home folder's.
pub(crate) async fn load(source: &KubernetesConfig) -> Result<Config, ClusterError> {
    load_in(&Pod::of_this_process(), source).await
}

async fn load_in(pod: &Pod, source: &KubernetesConfig) -> Result<Config, ClusterError> {
    let config = match (&source.kubeconfig, &source.context, pod.server()) {
        (None, None, Some(server)) => pod.config(server).await?,
        (Some(path), ..) => from_file(path, source).await?,
        (None, ..) => from_environment(source).await?,
    };
    if source.impersonate && config.auth_info.impersonate.is_some() {
        return Err(ClusterError::TwiceImpersonated);
    }
    Ok(settled(config))
}

async fn from_file(path: &Path, source: &KubernetesConfig) -> Result<Config, ClusterError> {
    let broken = |why| ClusterError::Kubeconfig { path: path.to_owned(), why };
    let kubeconfig = Kubeconfig::read_from(path).map_err(|why| broken(told(&why)))?;
    of_kubeconfig(kubeconfig, source, broken).await
}

async fn from_environment(source: &KubernetesConfig) -> Result<Config, ClusterError> {
    let kubeconfig = Kubeconfig::read().map_err(|why| ClusterError::None(told(&why)))?;
    of_kubeconfig(kubeconfig, source, ClusterError::None).await
}

async fn of_kubeconfig(
    mut kubeconfig: Kubeconfig,
    source: &KubernetesConfig,
    broken: impl Fn(String) -> ClusterError,
) -> Result<Config, ClusterError> {
    let chosen = source.context.clone().or_else(|| kubeconfig.current_context.clone());
    let context =
        kubeconfig.contexts.iter().find(|named| Some(&named.name) == chosen.as_ref()).and_then(|named| named.context.as_ref());
    let cluster_name = context.map(|context| context.cluster.clone());
    let mut clusters = kubeconfig.clusters.iter_mut().filter(|named| Some(&named.name) == cluster_name.as_ref());
    if clusters
        .any(|named| named.cluster.as_ref().is_some_and(|cluster| cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty())))
    {
        return Err(ClusterError::Proxy);
    }
    let options = KubeConfigOptions { context: chosen, ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|why| broken(told(&why)))
}

/// What the kubeconfig does not decide. kube takes HTTPS_PROXY for a proxy; our own stack has none, so it is forgotten here.
fn settled(mut config: Config) -> Config {
    config.proxy_url = None;
    if config.default_namespace.is_empty() {
        "default".clone_into(&mut config.default_namespace);
    }
    config
}

/// A kubeconfig error in words. The YAML parser quotes lines of the file, and a line of this file may hold a token: only the place is told.
pub(crate) fn told(why: &KubeconfigError) -> String {
    match why {
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => {
                format!("it is not valid YAML, or not a kubeconfig, at line {}, column {}", place.line(), place.column())
            }
            None => "it is not valid YAML, or not a kubeconfig".to_owned(),
        },
        KubeconfigError::LoadContext(name) => format!("it has no context {name:?}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}, which the context names"),
        KubeconfigError::CurrentContextNotSet => "it has no current-context".to_owned(),
        other => crate::fault::spelled(other),
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
