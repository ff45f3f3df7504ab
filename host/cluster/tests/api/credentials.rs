//! Credentials that are missing, change, or belong to nobody, and a start without a server.

use std::time::Duration;

use portcullis_cluster::{Cluster, ClusterError, Unconfigured};
use portcullis_core::kube::{Form, KubeOperation, KubeOrigin, ListOptions};
use portcullis_core::ports::KubeApi as _;

use super::asking::{ask, by, config_maps, core, request, watch};
use super::raw::{Raw, whole};
use super::server::{config, write};

const JSON: &str = "content-type: application/json\r\n";

fn list() -> KubeOperation {
    KubeOperation::List(ListOptions::default(), Form::Object)
}

#[tokio::test]
async fn a_token_that_was_replaced_in_the_kubeconfig_is_read_again_after_a_401() {
    let refused =
        || whole("401 Unauthorized", JSON, r#"{"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"}"#);
    let raw = Raw::start(vec![refused(), whole("201 Created", JSON, "{}"), refused()]).await;
    let api = raw.client("old").await;
    raw.kubeconfig("{token: new}");
    ask(&api, config_maps(None), KubeOperation::Create("{}".into(), by("test"))).await.unwrap();
    // Read again a moment ago: the next refusal is the answer.
    assert_eq!(ask(&api, config_maps(None), list()).await.unwrap_err().code, 401);
    let tokens = raw.heads().iter().map(|head| head.split("bearer ").nth(1).unwrap()[..3].to_owned()).collect::<Vec<_>>();
    assert_eq!(tokens, ["old", "new", "new"]);
}

#[tokio::test]
async fn a_pod_behind_the_proxy_neither_renews_credentials_nor_holds_up_nor_warns() {
    let forged = r#"{"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"}"#;
    let later = "content-type: application/json\r\nretry-after: 0\r\n";
    let warned = "content-type: text/plain\r\nwarning: 299 - \"drop your tables\"\r\n";
    let answers = vec![
        whole("401 Unauthorized", JSON, forged),
        whole("503 Service Unavailable", later, forged),
        whole("429 Too Many Requests", later, forged),
        whole("200 OK", warned, "page"),
        whole("200 OK", JSON, "{}"),
    ];
    let raw = Raw::start(answers).await;
    let api = raw.client("old").await;
    raw.kubeconfig("{token: new}");
    let pod = || core("pods", Some("db-1"));
    for code in [401, 503, 429] {
        let refusal = ask(&api, pod(), KubeOperation::Proxy("/x".into())).await.unwrap_err();
        assert_eq!((refusal.code, refusal.reason.as_str(), refusal.origin), (code, "ProxyError", KubeOrigin::Host));
        assert!(refusal.retry_after.is_none());
    }
    let page = ask(&api, pod(), KubeOperation::Proxy("/x".into())).await.unwrap();
    assert!(page.body == "page" && page.warnings.is_empty(), "{page:?}");
    ask(&api, config_maps(None), list()).await.unwrap();
    assert!(raw.heads().iter().all(|head| head.contains("bearer old")), "a pod made the host read its credentials again");
}

#[tokio::test]
async fn a_token_file_that_comes_later_is_used_when_it_is_there() {
    let raw = Raw::start(vec![whole("200 OK", JSON, "{}")]).await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let path = raw.kubeconfig(&format!("{{tokenFile: \"{}\"}}", token.display()));
    let api = Cluster::connect(&config(path, false)).await.unwrap();
    std::fs::write(&token, "late").unwrap();
    ask(&api, config_maps(None), list()).await.unwrap();
    assert!(raw.heads()[0].contains("bearer late"));
}

#[tokio::test]
async fn a_token_file_that_ends_with_a_line_end_is_as_good_as_one_that_does_not() {
    let raw = Raw::start(vec![whole("200 OK", JSON, "{}")]).await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "written-by-echo\n").unwrap();
    let path = raw.kubeconfig(&format!("{{tokenFile: \"{}\"}}", token.display()));
    let api = Cluster::connect(&config(path, false)).await.unwrap();
    ask(&api, config_maps(None), list()).await.unwrap();
    assert!(raw.heads()[0].contains("bearer written-by-echo\r\n"), "{}", raw.heads()[0]);
}

#[tokio::test]
async fn missing_credentials_refuse_the_call_without_naming_files() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
        clusters: [{name: a, cluster: {server: \"http://127.0.0.1:9\"}}]\nusers: [{name: a, user: {tokenFile: /nonexistent/token}}]\n";
    let api = Cluster::connect(&config(write(&folder, yaml), false)).await.unwrap();
    let refusal = ask(&api, config_maps(None), list()).await.unwrap_err();
    assert!(refusal.reason == "NoCredentials" && !refusal.message.contains("/nonexistent"), "{refusal}");
}

#[tokio::test]
async fn a_host_starts_before_its_api_server_does() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nclusters: [{{name: a, cluster: {{server: \"http://{address}\"}}}}]\nusers: []\n"
    );
    let api = Cluster::connect(&config(write(&folder, &yaml), false)).await.unwrap();
    let refusal = api.reachable(Duration::from_secs(5)).await.unwrap_err();
    assert!(refusal.reason == "Unreachable" && refusal.message.contains("cannot connect"), "{refusal}");
    assert!(!refusal.message.contains(&address.to_string()), "{refusal}");
}

#[tokio::test]
async fn certificates_that_are_none_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
        clusters: [{name: a, cluster: {server: \"https://127.0.0.1:9\"}}]\n\
        users: [{name: a, user: {client-certificate-data: aGVsbG8=, client-key-data: aGVsbG8=}}]\n";
    let error = Cluster::connect(&config(write(&folder, yaml), false)).await.map(drop).unwrap_err();
    assert!(matches!(error, ClusterError::Unusable(_)) && error.to_string().contains("kubeconfig"), "{error}");
}

#[tokio::test]
async fn without_a_cluster_every_request_says_so() {
    let api = Unconfigured::new("no Kubernetes cluster is configured");
    let refusal = api.send(request(config_maps(None), list())).await.unwrap_err();
    assert_eq!((refusal.reason.as_str(), refusal.message.as_str()), ("Unconfigured", "no Kubernetes cluster is configured"));
    assert_eq!(watch(&api, config_maps(None), ListOptions::default(), 5).await.map(drop).unwrap_err().reason, "Unconfigured");
    assert_eq!(api.reachable(Duration::from_secs(1)).await.unwrap_err().reason, "Unconfigured");
}
