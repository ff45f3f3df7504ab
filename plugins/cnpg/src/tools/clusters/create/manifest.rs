//! The Cluster that is sent: only what the caller said.

use serde_json::{Map, Value};

use super::image::Image;
use super::input::{Backup, Input, Sync};
use crate::backup::BARMAN_CLOUD;
use crate::json::json;
use crate::kind::CNPG;

/// The manifest.
pub(super) fn cluster(input: &Input, namespace: &str, image: &Image) -> Value {
    let mut spec = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            spec.insert(key.into(), value);
        }
    };
    put("instances", Some(input.instances().into()));
    put("storage", Some(storage(input.storage_size(), input.storage_class.as_deref())));
    put("walStorage", input.wal_storage_size.as_deref().map(|size| storage(size, input.storage_class.as_deref())));
    put("imagePullPolicy", input.image_pull_policy.as_deref().map(Value::from));
    put("affinity", affinity(input));
    put("resources", input.resources.clone());
    put("postgresql", postgresql(input));
    put("bootstrap", bootstrap(input));
    put("plugins", input.backup.as_ref().and_then(archiver));
    put("backup", input.backup.as_ref().and_then(snapshots));
    match image {
        Image::Default => {}
        Image::Name(name) => put("imageName", Some(name.as_str().into())),
        Image::Catalog { kind, name, major } => {
            put("imageCatalogRef", Some(json!({"apiGroup": CNPG, "kind": kind, "name": name, "major": major})));
        }
    }
    json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": "Cluster",
        "metadata": {"name": input.name, "namespace": namespace}, "spec": spec,
    })
}

fn storage(size: &str, class: Option<&str>) -> Value {
    class.map_or_else(|| json!({"size": size}), |class| json!({"size": size, "storageClass": class}))
}

fn affinity(input: &Input) -> Option<Value> {
    let mut out = Map::new();
    if let Some(labels) = &input.node_selector {
        out.insert("nodeSelector".into(), json!(labels));
    }
    if let Some(tolerations) = &input.tolerations {
        out.insert("tolerations".into(), json!(tolerations));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn postgresql(input: &Input) -> Option<Value> {
    let mut out = Map::new();
    if let Some(parameters) = &input.parameters {
        // The CRD takes strings only; people write numbers.
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let texts: Map<String, Value> = parameters.iter().map(|(key, value)| (key.clone(), text(value).into())).collect();
        out.insert("parameters".into(), Value::Object(texts));
    }
    if let Some(sync) = &input.sync {
        out.insert("synchronous".into(), synchronous(sync));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn synchronous(sync: &Sync) -> Value {
    match sync {
        Sync::Number(number) => json!({"method": "any", "number": number}),
        Sync::Full { number, method, data_durability } => {
            let mut out = json!({"method": method.as_deref().unwrap_or("any"), "number": number});
            if let (Some(map), Some(durability)) = (out.as_object_mut(), data_durability) {
                map.insert("dataDurability".into(), durability.as_str().into());
            }
            out
        }
    }
}

/// CloudNativePG wants both or neither: what is missing is named after the other, as it does itself.
fn bootstrap(input: &Input) -> Option<Value> {
    let name = input.database.as_deref().or(input.owner.as_deref())?;
    let owner = input.owner.as_deref().unwrap_or(name);
    let database = input.database.as_deref().unwrap_or("app");
    Some(json!({"initdb": {"database": database, "owner": owner}}))
}

fn archiver(backup: &Backup) -> Option<Value> {
    let mut parameters = json!({"barmanObjectName": backup.object_store.as_deref()?});
    if let (Some(map), Some(server)) = (parameters.as_object_mut(), &backup.server_name) {
        map.insert("serverName".into(), server.as_str().into());
    }
    Some(json!([{"name": BARMAN_CLOUD, "isWALArchiver": true, "parameters": parameters}]))
}

fn snapshots(backup: &Backup) -> Option<Value> {
    backup.volume_snapshot_class.as_deref().map(|class| json!({"volumeSnapshot": {"className": class}}))
}
