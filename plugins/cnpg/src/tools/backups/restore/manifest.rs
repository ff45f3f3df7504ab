//! The Cluster that is sent: like the one that the data is from, as far as that matters to recovery, and what the caller said.

use serde_json::{Map, Value};

use super::Input;
use super::source::{Archive, Origin};
use super::target::Stop;
use crate::backup::BARMAN_CLOUD;
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{json, text};
use crate::kind::CNPG;
use crate::problem::Problem;
use crate::time;

/// What the new cluster calls the one it is restored from.
const ORIGIN: &str = "origin";

/// Fields of the spec that the new cluster takes over: recovery needs the volumes and at least the old limits of connections and
/// workers (PostgreSQL, "Hot Standby: Administrator's Overview"), and the same libraries.
const TAKEN: [&str; 8] =
    ["imageName", "imageCatalogRef", "storage", "walStorage", "tablespaces", "resources", "affinity", "imagePullSecrets"];
const TAKEN_OF_POSTGRESQL: [&str; 3] = ["parameters", "shared_preload_libraries", "extensions"];

/// What is sent, and what to tell of it.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) object: Value,
    pub(super) notes: Vec<String>,
}

/// The manifest.
pub(super) fn cluster(
    call: &Call<'_>,
    input: &Input,
    namespace: &str,
    origin: &Origin,
    stop: &Stop,
) -> Result<Manifest, Problem> {
    let mut notes = Vec::new();
    let mut spec = origin.cluster.as_ref().map(taken_over).unwrap_or_default();
    let instances = origin.cluster.as_ref().map_or(1, |one| Cluster(one).instances());
    spec.insert("instances".into(), input.instances.unwrap_or(instances).into());
    storage(input, &mut spec)?;
    image(input, &mut spec, &mut notes);
    spec.insert("bootstrap".into(), json!({"recovery": recovery(origin, stop)}));
    if let Some(archive) = &origin.archive {
        spec.insert("externalClusters".into(), json!([{"name": ORIGIN, "plugin": plugin(archive)}]));
    }
    match archive_of_its_own(call, input, origin)? {
        Some(own) => {
            let mut entry = plugin(&own);
            if let Some(map) = entry.as_object_mut() {
                map.insert("isWALArchiver".into(), true.into());
            }
            notes.push(format!("it archives to object store `{}`, folder `{}`", own.store, own.server));
            spec.insert("plugins".into(), json!([entry]));
        }
        None => notes.push("it has no backups of its own: pass `archive_to`, or set them up once it runs".into()),
    }
    if stop.fields.is_empty() {
        notes.push("no target: it recovers to the end of the WAL that is archived".into());
    }
    let object = json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": "Cluster",
        "metadata": {"name": input.new_name, "namespace": namespace}, "spec": spec,
    });
    Ok(Manifest { object, notes })
}

fn taken_over(object: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    let field = |path: &str| object.pointer(path).cloned();
    for key in TAKEN {
        out.extend(field(&format!("/spec/{key}")).map(|value| (key.to_owned(), value)));
    }
    // What runs is what the data was written by.
    if !out.contains_key("imageName") && !out.contains_key("imageCatalogRef") {
        out.extend(text(object, "/status/image").map(|image| ("imageName".to_owned(), image.into())));
    }
    let mut postgresql = Map::new();
    for key in TAKEN_OF_POSTGRESQL {
        postgresql.extend(field(&format!("/spec/postgresql/{key}")).map(|value| (key.to_owned(), value)));
    }
    if !postgresql.is_empty() {
        out.insert("postgresql".into(), Value::Object(postgresql));
    }
    out
}

fn storage(input: &Input, spec: &mut Map<String, Value>) -> Result<(), Problem> {
    let storage = spec.entry("storage").or_insert_with(|| json!({}));
    if let Some(map) = storage.as_object_mut() {
        map.extend(input.storage_size.as_ref().map(|size| ("size".to_owned(), size.as_str().into())));
        map.extend(input.storage_class.as_ref().map(|class| ("storageClass".to_owned(), class.as_str().into())));
    }
    if storage.get("size").is_none() && storage.get("pvcTemplate").is_none() {
        let message = "the cluster that the data is from does not exist in this namespace, so its size is not known";
        return Err(Problem::argument("storage_size", message, "Say how large the volume shall be, not smaller than it was."));
    }
    Ok(())
}

fn image(input: &Input, spec: &mut Map<String, Value>, notes: &mut Vec<String>) {
    if let Some(image) = &input.container_image {
        spec.remove("imageCatalogRef");
        spec.insert("imageName".into(), image.as_str().into());
    } else if !spec.contains_key("imageName") && !spec.contains_key("imageCatalogRef") {
        notes.push(
            "it runs CloudNativePG's default image: its major version must be that of the backup, else pass `container_image`"
                .into(),
        );
    }
}

fn recovery(origin: &Origin, stop: &Stop) -> Value {
    let mut out = origin.recovery.clone();
    if origin.archive.is_some() {
        out.insert("source".into(), ORIGIN.into());
    }
    let mut target = stop.fields.clone();
    target.extend(origin.backup_id.as_ref().map(|id| ("backupID".to_owned(), id.as_str().into())));
    if !target.is_empty() {
        out.insert("recoveryTarget".into(), Value::Object(target));
    }
    if let Some((database, owner)) = origin.cluster.as_ref().and_then(|one| Cluster(one).application()) {
        out.insert("database".into(), database.into());
        out.insert("owner".into(), owner.into());
    }
    Value::Object(out)
}

fn plugin(archive: &Archive) -> Value {
    json!({"name": BARMAN_CLOUD, "parameters": {"barmanObjectName": archive.store, "serverName": archive.server}})
}

/// Where the new cluster archives: never the folder it is restored from, which it would spoil.
fn archive_of_its_own(call: &Call<'_>, input: &Input, origin: &Origin) -> Result<Option<Archive>, Problem> {
    let Some(store) = input.archive_to.clone() else {
        if input.archive_server_name.is_some() {
            let message = "it is a folder in `archive_to`, which is left out";
            return Err(Problem::argument("archive_server_name", message, "Give `archive_to` too."));
        }
        return Ok(None);
    };
    let server = input.archive_server_name.clone().unwrap_or_else(|| input.new_name.clone());
    let own = Archive { store, server };
    if origin.archive.as_ref() != Some(&own) {
        return Ok(Some(own));
    }
    if input.archive_server_name.is_some() {
        let message = format!("the new cluster would write into folder `{}` that it is restored from", own.server);
        return Err(Problem::argument("archive_server_name", message, "Choose another one, or leave it out."));
    }
    let server = format!("{}-{}", own.server, time::compact(call.host.now()));
    Ok(Some(Archive { server, ..own }))
}
