//! A server under test, whichever it is, and clients for it. Must not assert anything.

use std::path::PathBuf;

use kubesim::real::RealApiServer;
use kubesim::{Kubesim, Options, Rule, User};
use portcullis_cluster::Cluster;
use portcullis_core::config::KubernetesConfig;
use tempfile::TempDir;
use tokio::sync::Mutex;

enum Backend {
    Sim(Kubesim, usize),
    Real(Box<RealApiServer>),
}

/// A server and a folder for kubeconfigs.
pub(crate) struct Server {
    backend: Mutex<Backend>,
    folder: TempDir,
}

impl Server {
    pub(crate) fn stand_in() -> Self {
        let groups = vec!["system:masters".to_owned()];
        let admin = User { name: "admin".into(), token: "admin-token".into(), groups, rules: Vec::new() };
        let sim = Kubesim::start(Options { users: vec![admin], operator_step: None, ..Options::default() }).unwrap();
        Self { backend: Mutex::new(Backend::Sim(sim, 0)), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) async fn real() -> Option<Self> {
        let real = RealApiServer::start().await.unwrap_or_else(|error| panic!("{error}"))?;
        Some(Self { backend: Mutex::new(Backend::Real(Box::new(real))), folder: tempfile::tempdir().unwrap() })
    }

    /// The administrator's kubeconfig as text.
    pub(crate) async fn admin_kubeconfig(&self) -> String {
        match &*self.backend.lock().await {
            Backend::Sim(sim, _) => sim.kubeconfig_yaml("admin"),
            Backend::Real(real) => real.admin_kubeconfig(),
        }
    }

    /// A client that may do everything.
    pub(crate) async fn admin(&self) -> Cluster {
        self.connect(&self.admin_kubeconfig().await, false).await
    }

    /// A client with exactly these rights, and its user name.
    pub(crate) async fn user(&self, rules: &[Rule]) -> (String, Cluster) {
        let (name, yaml) = match &mut *self.backend.lock().await {
            Backend::Sim(sim, count) => {
                *count += 1;
                let (name, token) = (format!("user-{count}"), format!("token-{count}"));
                sim.set_user(User { name: name.clone(), token, groups: Vec::new(), rules: rules.to_vec() });
                let yaml = sim.kubeconfig_yaml(&name);
                (name, yaml)
            }
            Backend::Real(real) => {
                let name = real.user(rules).await.unwrap();
                let yaml = real.kubeconfig_of(&name);
                (name, yaml)
            }
        };
        (name, self.connect(&yaml, false).await)
    }

    /// A client for a kubeconfig.
    pub(crate) async fn connect(&self, yaml: &str, impersonate: bool) -> Cluster {
        Cluster::connect(&config(write(&self.folder, yaml), impersonate)).await.unwrap()
    }
}

/// The configuration that names a kubeconfig.
pub(crate) fn config(kubeconfig: PathBuf, impersonate: bool) -> KubernetesConfig {
    KubernetesConfig { kubeconfig: Some(kubeconfig), context: None, impersonate }
}

/// Writes a kubeconfig into a folder.
pub(crate) fn write(folder: &TempDir, yaml: &str) -> PathBuf {
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, yaml).unwrap();
    path
}
