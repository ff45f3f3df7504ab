//! Tests of the choice of a cluster, on kubeconfig files.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::{ClusterError, load, load_in};
use crate::pod::Pod;
use kube::Config;
use portcullis_core::config::KubernetesConfig;
use std::io::Write as _;

const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: one, user: admin, namespace: databases}}
- {name: there, context: {cluster: two, user: jane}}
- {name: proxied, context: {cluster: behind, user: admin}}
clusters:
- {name: one, cluster: {server: "http://127.0.0.1:8001"}}
- {name: two, cluster: {server: "http://127.0.0.1:8002/k8s/clusters/x"}}
- {name: behind, cluster: {server: "https://127.0.0.1:8003", proxy-url: "http://127.0.0.1:3128"}}
users:
- {name: admin, user: {token: hunter2}}
- {name: jane, user: {token: hunter3, as: boss}}
"#;

async fn loaded(text: &str, context: Option<&str>, impersonate: bool) -> Result<Config, ClusterError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let kubeconfig = Some(file.path().to_owned());
    load(&KubernetesConfig { kubeconfig, context: context.map(str::to_owned), impersonate }).await
}

#[tokio::test]
async fn the_current_context_decides_unless_one_is_named() {
    let here = loaded(KUBECONFIG, None, false).await.unwrap();
    let there = loaded(KUBECONFIG, Some("there"), false).await.unwrap();
    assert_eq!((here.cluster_url.port_u16(), here.default_namespace.as_str()), (Some(8001), "databases"));
    assert_eq!((there.cluster_url.path(), there.default_namespace.as_str()), ("/k8s/clusters/x", "default"));
}

#[tokio::test]
async fn an_unknown_context_is_named_with_the_setting_that_would_fix_it() {
    let error = loaded(KUBECONFIG, Some("nowhere"), false).await.unwrap_err().to_string();
    assert!(error.contains("no context \"nowhere\"") && error.contains("kubernetes.context"), "{error}");
}

#[tokio::test]
async fn a_broken_kubeconfig_is_refused_without_quoting_its_tokens() {
    let broken = KUBECONFIG.replace("{token: hunter2}", "{token: hunter2");
    let error = loaded(&broken, None, false).await.unwrap_err().to_string();
    assert!(error.contains("line ") && !error.contains("hunter2"), "{error}");
    let wrong = KUBECONFIG.replace("{token: hunter2}", "[hunter2]");
    let error = loaded(&wrong, None, false).await.unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_proxy_of_the_chosen_cluster_is_refused_and_one_of_another_is_not() {
    assert!(matches!(loaded(KUBECONFIG, Some("proxied"), false).await, Err(ClusterError::Proxy)));
    assert!(loaded(KUBECONFIG, None, false).await.unwrap().proxy_url.is_none());
}

#[tokio::test]
async fn only_one_may_impersonate() {
    assert!(loaded(KUBECONFIG, Some("there"), false).await.is_ok());
    assert!(matches!(loaded(KUBECONFIG, Some("there"), true).await, Err(ClusterError::TwiceImpersonated)));
    assert!(loaded(KUBECONFIG, None, true).await.is_ok());
}

#[tokio::test]
async fn a_missing_kubeconfig_is_named() {
    let source = KubernetesConfig { kubeconfig: Some("/nonexistent/config".into()), context: None, impersonate: false };
    let error = load(&source).await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/config") && error.contains("kubernetes.kubeconfig"), "{error}");
}

/// A service account's folder as kubelet mounts it.
fn service_account(namespace: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ca = "-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n";
    for (name, text) in [("token", "hunter4"), ("ca.crt", ca), ("namespace", namespace)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn pod(folder: &tempfile::TempDir, host: &str) -> Pod {
    Pod { host: Some(host.to_owned()), port: Some("6443".to_owned()), folder: folder.path().to_owned() }
}

#[tokio::test]
async fn a_pod_uses_its_service_account_and_its_namespace() {
    let folder = service_account("databases\n");
    for (host, authority) in [("10.96.0.1", "10.96.0.1:6443"), ("fd00::1", "[fd00::1]:6443"), ("api.test", "api.test:6443")] {
        let config = load_in(&pod(&folder, host), &KubernetesConfig::default()).await.unwrap();
        assert_eq!(config.cluster_url.to_string(), format!("https://{authority}/"));
        assert_eq!(config.default_namespace, "databases");
        assert_eq!(config.auth_info.token_file.unwrap(), folder.path().join("token").to_string_lossy());
        assert_eq!(config.root_cert.unwrap(), [b"CA".to_vec()], "the API server's own CA, and no other");
        assert_eq!(config.root_cert_file.unwrap(), folder.path().join("ca.crt"), "it is read again when it changes");
    }
}

#[tokio::test]
async fn a_kubeconfig_that_is_named_goes_before_the_pod() {
    let folder = service_account("databases");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(KUBECONFIG.as_bytes()).unwrap();
    let source = KubernetesConfig { kubeconfig: Some(file.path().to_owned()), ..KubernetesConfig::default() };
    let config = load_in(&pod(&folder, "10.96.0.1"), &source).await.unwrap();
    assert_eq!(config.cluster_url.port_u16(), Some(8001));
}

#[test]
fn what_lacks_a_variable_or_the_token_is_no_pod() {
    let folder = service_account("databases");
    let whole = pod(&folder, "10.96.0.1");
    assert_eq!(whole.server().unwrap(), "https://10.96.0.1:6443");
    assert!(Pod { host: None, ..whole.clone() }.server().is_none());
    assert!(Pod { port: None, ..whole.clone() }.server().is_none());
    std::fs::remove_file(folder.path().join("token")).unwrap();
    assert!(whole.server().is_none());
}

#[tokio::test]
async fn a_service_account_that_is_not_whole_is_named_with_what_it_lacks() {
    for missing in ["namespace", "ca.crt"] {
        let folder = service_account("databases");
        std::fs::remove_file(folder.path().join(missing)).unwrap();
        let error = load_in(&pod(&folder, "10.96.0.1"), &KubernetesConfig::default()).await.unwrap_err().to_string();
        assert!(error.contains(missing) && error.contains("automountServiceAccountToken"), "{error}");
        assert!(!error.contains("hunter4"), "{error}");
    }
}
