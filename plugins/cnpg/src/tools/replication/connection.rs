//! The cluster that a subscription subscribes to: an entry of `spec.externalClusters`, which is added when the caller says how to
//! connect. The list is atomic, so it is edited by a JSON patch that tests the version it was decided on.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::atomic;
use crate::call::Call;
use crate::change::{Change, Wanted};
use crate::cluster::Cluster;
use crate::json::{json, list, text};
use crate::kind::CLUSTERS;
use crate::problem::Problem;
use crate::text::short;

/// Schema of `connection`: no password in clear, Kubernetes keeps those.
pub(super) const SCHEMA: &str = r#"{"type": "object", "additionalProperties": false, "required": ["host"], "properties": {
"host": {"type": "string", "minLength": 1, "maxLength": 253, "description": "E.g. `other-rw.prod.svc`"},
"port": {"type": ["integer", "null"], "minimum": 1, "maximum": 65535, "description": "Default 5432"},
"user": {"type": ["string", "null"], "maxLength": 63, "description": "Role with REPLICATION, or who may read the tables"},
"dbname": {"type": ["string", "null"], "maxLength": 63, "description": "Database of the publication"},
"sslmode": {"enum": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", null], "description": "How the connection is secured"},
"password_secret": {"type": ["string", "null"], "pattern": "^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?(/[-._a-zA-Z0-9]+)?$", "description": "Secret that holds the password: `name` or `name/key` (key: password)"}}}"#;

/// How to connect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Connection {
    host: String,
    port: Option<u16>,
    user: Option<String>,
    dbname: Option<String>,
    sslmode: Option<String>,
    password_secret: Option<String>,
}

impl Connection {
    /// The entry of `spec.externalClusters`.
    fn entry(&self, name: &str) -> Value {
        let mut parameters = Map::new();
        let mut put = |key: &str, value: Option<String>| value.map(|value| parameters.insert(key.into(), value.into()));
        put("host", Some(self.host.clone()));
        put("port", self.port.map(|one| one.to_string()));
        put("user", self.user.clone());
        put("dbname", self.dbname.clone());
        put("sslmode", self.sslmode.clone());
        let mut entry = json!({"name": name, "connectionParameters": parameters});
        if let (Some(secret), Some(map)) = (&self.password_secret, entry.as_object_mut()) {
            let (secret, key) = secret.split_once('/').unwrap_or((secret, "password"));
            map.insert("password".into(), json!({"name": secret, "key": key}));
        }
        entry
    }
}

fn find<'a>(cluster: &'a Value, name: &str) -> Option<&'a Value> {
    list(cluster, "/spec/externalClusters").iter().find(|one| text(one, "/name") == Some(name))
}

/// Makes sure that the cluster knows `name`, and says what was done for it; the second value is whether the Cluster was changed.
pub(super) fn ensure(
    call: &Call<'_>,
    cluster: &Value,
    name: &str,
    connection: Option<&Connection>,
    dry_run: bool,
) -> Result<Option<String>, Problem> {
    match (find(cluster, name), connection) {
        (Some(_), None) => Ok(None),
        (Some(there), Some(wanted)) if *there == wanted.entry(name) => Ok(None),
        (Some(_), Some(_)) => {
            let message = format!("`{name}` is known to the cluster with another connection, which this tool does not replace");
            Err(Problem::argument("connection", message, "Leave out `connection` to use it as it is, or choose another name."))
        }
        (None, None) => Err(unknown(cluster, name)),
        (None, Some(wanted)) => add(call, cluster, name, &wanted.entry(name), dry_run).map(Some),
    }
}

fn unknown(cluster: &Value, name: &str) -> Problem {
    let known: Vec<String> =
        list(cluster, "/spec/externalClusters").iter().filter_map(|one| text(one, "/name")).map(short).collect();
    let message = format!("the cluster knows no external cluster `{}`", short(name));
    let known = if known.is_empty() { "It knows none.".to_owned() } else { format!("It knows {}.", short(&known.join(", "))) };
    Problem::argument("external_cluster", message, format!("{known} Say with `connection` how to reach it, and it is added."))
}

fn add(call: &Call<'_>, cluster: &Value, name: &str, entry: &Value, dry_run: bool) -> Result<String, Problem> {
    let target = CLUSTERS.within(Cluster(cluster).namespace()).named(Cluster(cluster).name());
    let decide = |now: &Value| {
        if Cluster(now).uid() != Cluster(cluster).uid() {
            let message = "the cluster that was looked at is gone, another has its name; nothing was changed";
            return Err(Problem::refused("Replaced", message, "Look at it before calling again."));
        }
        if find(now, name).is_some_and(|there| there == entry) {
            return Ok(None);
        }
        if find(now, name).is_some() {
            let message = format!("somebody added `{name}` with another connection meanwhile");
            return Err(Problem::argument("connection", message, "Look at it, and leave out `connection` to use it."));
        }
        Ok(Some(Wanted::list(atomic::append(now, &["spec", "externalClusters"], entry), Vec::new())))
    };
    let mut notes = vec![format!("external cluster `{name}` is added to `spec.externalClusters` of the cluster")];
    notes.extend(Change::of(call, target, dry_run, &decide).settle()?.notes);
    Ok(notes.join("; "))
}
