//! Tests of the choice of a cluster, on kubeconfig files.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::{ClusterError, load};
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
