//! Requests in short words, and answers as JSON. Must not assert what a case is about.

use std::time::Duration;

use portcullis_core::kube::{
    DeleteOptions, Form, Impersonation, KubeEvent, KubeOperation, KubeReply, KubeRequest, KubeStatus, ListOptions, Target,
    WatchRequest, WriteOptions,
};
use portcullis_core::ports::{KubeApi, KubeWatch};
use serde_json::{Value, json};

/// Longest that a request of these tests may take: generous, since nothing waits for it.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Config maps of the namespace `default`.
pub(crate) fn config_maps(name: Option<&str>) -> Target {
    core("configmaps", name)
}

/// A core resource of the namespace `default`.
pub(crate) fn core(plural: &str, name: Option<&str>) -> Target {
    Target {
        version: "v1".into(),
        plural: plural.into(),
        namespace: Some("default".into()),
        name: name.map(str::to_owned),
        ..Target::default()
    }
}

/// CNPG clusters of the namespace `default`.
pub(crate) fn clusters(name: Option<&str>) -> Target {
    Target { group: "postgresql.cnpg.io".into(), ..core("clusters", name) }
}

/// A config map with a label.
pub(crate) fn config_map(name: &str, app: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": app}}, "data": {"a": value}})
        .to_string()
}

/// Write options with a field manager.
pub(crate) fn by(manager: &str) -> WriteOptions {
    WriteOptions { field_manager: Some(manager.into()), ..WriteOptions::default() }
}

/// A list by label.
pub(crate) fn labelled(app: &str) -> ListOptions {
    ListOptions { label_selector: Some(format!("app={app}")), ..ListOptions::default() }
}

/// A request.
pub(crate) fn request(target: Target, operation: KubeOperation) -> KubeRequest {
    KubeRequest { target, operation, timeout: LONG, max_reply: 1 << 20, impersonate: None }
}

/// Sends it.
pub(crate) async fn ask(api: &impl KubeApi, target: Target, operation: KubeOperation) -> Result<KubeReply, KubeStatus> {
    api.send(request(target, operation)).await
}

/// Sends it for somebody.
pub(crate) async fn ask_for(
    api: &impl KubeApi,
    user: &str,
    target: Target,
    operation: KubeOperation,
) -> Result<KubeReply, KubeStatus> {
    let caller = Impersonation { user: user.into(), groups: vec!["dba".into()] };
    api.send(KubeRequest { impersonate: Some(caller), ..request(target, operation) }).await
}

/// Sends it and reads the body.
pub(crate) async fn json_of(api: &impl KubeApi, target: Target, operation: KubeOperation) -> Value {
    serde_json::from_str(&ask(api, target, operation).await.unwrap().body).unwrap()
}

/// Creates a config map.
pub(crate) async fn create(api: &impl KubeApi, name: &str, app: &str) -> Value {
    json_of(api, config_maps(None), KubeOperation::Create(config_map(name, app, "1"), by("test"))).await
}

/// Deletes a config map.
pub(crate) async fn delete(api: &impl KubeApi, name: &str) -> Result<KubeReply, KubeStatus> {
    ask(api, config_maps(Some(name)), KubeOperation::Delete(DeleteOptions::default())).await
}

/// Opens a watch by label.
pub(crate) async fn watch(
    api: &impl KubeApi,
    target: Target,
    options: ListOptions,
    seconds: u32,
) -> Result<Box<dyn KubeWatch>, KubeStatus> {
    api.watch(WatchRequest { target, options, form: Form::Object, timeout_seconds: seconds, impersonate: None }).await
}

/// The next event that is no bookmark, as `KIND name`.
pub(crate) async fn shown(watch: &mut dyn KubeWatch) -> String {
    loop {
        let KubeEvent { kind, object } = watch.next().await.unwrap().unwrap();
        if kind != "BOOKMARK" {
            let object: Value = serde_json::from_str(&object).unwrap();
            return format!("{kind} {}", object["metadata"]["name"].as_str().unwrap());
        }
    }
}

/// The refusal of a watch that gave no event.
pub(crate) async fn refused(api: &impl KubeApi, target: Target, options: ListOptions) -> KubeStatus {
    match watch(api, target, options, 60).await {
        Err(status) => status,
        Ok(mut watch) => watch.next().await.unwrap().unwrap_err(),
    }
}
