//! The archive of a cluster: the entry of `spec.plugins` that writes its WAL. The list is atomic; it is patched whole, under the version
//! that it was read at.

use serde_json::Value;

use crate::backup::{BARMAN_CLOUD, archiver};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{json, list, merged, text};
use crate::kind::OBJECT_STORES;
use crate::problem::Problem;
use crate::text::short;

/// Where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Archive {
    Plugin {
        store: String,
        server: String,
    },
    /// Another plugin's, or in-tree Barman's: this is all that is known of it.
    Other(String),
}

impl Archive {
    pub(super) fn of(cluster: Cluster<'_>) -> Option<Self> {
        if let Some(plugin) = archiver(cluster) {
            let server = text(plugin, "/parameters/serverName").unwrap_or(cluster.name());
            return Some(match text(plugin, "/parameters/barmanObjectName") {
                Some(store) => Self::Plugin { store: store.into(), server: server.into() },
                None => Self::Other(format!("plugin `{}`", short(text(plugin, "/name").unwrap_or_default()))),
            });
        }
        let path = text(cluster.0, "/spec/backup/barmanObjectStore/destinationPath")?;
        Some(Self::Other(format!("`{}` (in-tree Barman)", short(path))))
    }

    pub(super) fn structured(&self) -> Value {
        match self {
            Self::Plugin { store, server } => json!({"object_store": store, "server_name": server}),
            Self::Other(words) => json!({"object_store": null, "server_name": null, "other": words}),
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Plugin { store, server } => format!("object store `{}`, folder `{}`", short(store), short(server)),
            Self::Other(words) => words.clone(),
        }
    }
}

/// The archive that the cluster has now and would no longer write to.
pub(super) fn lost(cluster: Cluster<'_>, after: &Value) -> Option<Archive> {
    Archive::of(cluster).filter(|had| Archive::of(Cluster(after)).as_ref() != Some(had))
}

/// `spec.plugins` with this store and folder, or (`None`) without an archive.
pub(super) fn plugins(cluster: Cluster<'_>, wanted: Option<(Option<&str>, Option<&str>)>) -> Result<Value, Problem> {
    let mut all = list(cluster.0, "/spec/plugins").to_vec();
    if let Some(other) = archiver(cluster).and_then(|one| text(one, "/name")).filter(|name| *name != BARMAN_CLOUD) {
        let message = format!(
            "plugin `{}` archives the WAL of cluster `{}`, which this tool does not set up",
            short(other),
            cluster.name()
        );
        return Err(Problem::argument("object_store", message, "Take it out of `spec.plugins` first."));
    }
    let at = all.iter().position(|one| text(one, "/name") == Some(BARMAN_CLOUD));
    let Some((store, server)) = wanted else {
        all.retain(|one| text(one, "/name") != Some(BARMAN_CLOUD));
        return Ok(if all.is_empty() { Value::Null } else { all.into() });
    };
    let mut parameters = json!({});
    for (key, value) in [("barmanObjectName", store), ("serverName", server)] {
        if let (Some(value), Some(map)) = (value, parameters.as_object_mut()) {
            map.insert(key.into(), value.into());
        }
    }
    let had = at.and_then(|at| all.get(at)).cloned().unwrap_or_else(|| json!({"name": BARMAN_CLOUD}));
    let mut entry = merged(&had, &json!({"isWALArchiver": true, "parameters": parameters}));
    if entry.get("enabled") == Some(&Value::Bool(false)) {
        entry = merged(&entry, &json!({"enabled": true}));
    }
    if text(&entry, "/parameters/barmanObjectName").is_none() {
        let message = format!("cluster `{}` has no object store yet, and a folder alone is none", cluster.name());
        return Err(Problem::argument("object_store", message, "Name the ObjectStore too."));
    }
    match at.and_then(|at| all.get_mut(at)) {
        Some(place) => *place = entry,
        None => all.push(entry),
    }
    Ok(all.into())
}

/// Refuses an archive that cannot work, and tells what is not known of it.
pub(super) fn examine(call: &Call<'_>, before: Cluster<'_>, after: Cluster<'_>) -> Result<Vec<String>, Problem> {
    let (had, wanted) = (Archive::of(before), Archive::of(after));
    let Some(Archive::Plugin { store, server }) = wanted.as_ref().filter(|one| Some(*one) != had.as_ref()) else {
        return Ok(Vec::new());
    };
    reads_from(after, store, server)?;
    let mut out =
        vec![format!("folder `{}` must be empty: CloudNativePG archives into no folder of another cluster", short(server))];
    match call.get(&OBJECT_STORES.within(after.namespace()).named(store)) {
        Ok(_) => {}
        Err(problem) if problem.code == 404 => {
            let message =
                format!("there is no ObjectStore `{}` in namespace `{}`; nothing was changed", short(store), after.namespace());
            let hint = "Without it no WAL is archived and the volumes fill up. Make it first (kind `ObjectStore` of barmancloud.cnpg.io, from the Barman Cloud plugin).";
            return Err(Problem {
                code: 404,
                reason: "NoObjectStore".into(),
                ..Problem::argument("object_store", message, hint)
            });
        }
        Err(problem) => {
            out.push(format!("whether ObjectStore `{}` exists is not known: {}", short(store), short(&problem.message)))
        }
    }
    Ok(out)
}

/// A cluster that was restored from a folder must not write into it.
fn reads_from(cluster: Cluster<'_>, store: &str, server: &str) -> Result<(), Problem> {
    for one in list(cluster.0, "/spec/externalClusters") {
        let name = text(one, "/name").unwrap_or_default();
        let folder = text(one, "/plugin/parameters/serverName").unwrap_or(name);
        if text(one, "/plugin/parameters/barmanObjectName") == Some(store) && folder == server {
            let message =
                format!("the cluster reads from that folder (external cluster `{}`) and would overwrite it", short(name));
            return Err(Problem::argument("server_name", message, "Name another folder."));
        }
    }
    Ok(())
}
