//! What a pod is told about its cluster: two variables and the service account's folder (Kubernetes, "Accessing the Kubernetes API from a
//! Pod"). Must not decide whether to use it; `source` does.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};

use crate::source::{ClusterError, told};

/// Where a pod finds its service account (Kubernetes, "Configure Service Accounts for Pods").
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Names the three parts of the kubeconfig that says the same.
const NAME: &str = "pod";

/// This process's pod, or that of a test.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) host: Option<String>,
    pub(crate) port: Option<String>,
    pub(crate) folder: PathBuf,
}

impl Pod {
    /// Of this process; an empty variable is none.
    pub(crate) fn of_this_process() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
        Self { host, port, folder: Path::new(FOLDER).to_owned() }
    }

    /// Where the API server is, if this is a pod with a service account. As client-go decides it: both variables, and a token to read.
    pub(crate) fn server(&self) -> Option<String> {
        let (host, port) = (self.host.as_ref()?, self.port.as_ref()?);
        let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
        self.folder.join("token").exists().then(|| format!("https://{host}:{port}"))
    }

    /// The configuration that reaches `server`. Token and CA are read again when they change.
    pub(crate) async fn config(&self, server: String) -> Result<Config, ClusterError> {
        let broken = |why: String| ClusterError::InCluster { folder: self.folder.clone(), why };
        let namespace =
            std::fs::read_to_string(self.folder.join("namespace")).map_err(|why| broken(format!("namespace: {why}")))?;
        let kubeconfig = self.kubeconfig(server, namespace.trim());
        let mut config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(|why| broken(told(&why)))?;
        config.root_cert_file = Some(self.folder.join("ca.crt"));
        Ok(config)
    }

    fn kubeconfig(&self, server: String, namespace: &str) -> Kubeconfig {
        let file = |name| Some(self.folder.join(name).to_string_lossy().into_owned());
        let name = || NAME.to_owned();
        let cluster = Cluster { server: Some(server), certificate_authority: file("ca.crt"), ..Cluster::default() };
        let user = AuthInfo { token_file: file("token"), ..AuthInfo::default() };
        let context =
            Context { cluster: name(), user: Some(name()), namespace: Some(namespace.to_owned()), ..Context::default() };
        Kubeconfig {
            clusters: vec![NamedCluster { name: name(), cluster: Some(cluster), ..NamedCluster::default() }],
            auth_infos: vec![NamedAuthInfo { name: name(), auth_info: Some(user), ..NamedAuthInfo::default() }],
            contexts: vec![NamedContext { name: name(), context: Some(context), ..NamedContext::default() }],
            current_context: Some(name()),
            ..Kubeconfig::default()
        }
    }
}
