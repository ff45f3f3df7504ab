//! create_backup: asks CloudNativePG for a base backup, the way the cluster is set up for, and follows it on request.

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::backup::{self, Backup, METHODS};
use crate::call::{Call, Written};
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::json::{json, text};
use crate::kind::{BACKUPS, CLUSTERS};
use crate::name::OBJECT_PATTERN;
use crate::parameter::{DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;
use crate::watching::{self, End, Seen};
use crate::yaml;

/// How often another name is tried when two backups of a cluster are asked for in the same second.
const NAMES: usize = 3;
/// Seconds that a wait lasts unless the caller says otherwise; the host's deadline ends it sooner.
const WAIT_SECONDS: i64 = 600;

pub(crate) const TOOL: Entry = Entry {
    name: "create_backup",
    title: "Take a backup",
    description: "Take a base backup of a PostgreSQL cluster now. `method: auto` takes the way it is set up for: the plugin that archives its WAL, else volume snapshots, else the in-tree Barman (which CloudNativePG 1.31 removes). With `wait: true` it is followed to its end.",
    parameters: &[
        Parameter::required("cluster", Takes::Text(OBJECT_PATTERN), "Name of the cluster.").naming(CLUSTERS),
        Parameter::optional(
            "name",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Name of the backup. Left out: the cluster's name and the time in UTC.",
        ),
        Parameter::optional(
            "method",
            Takes::Choice(&["auto", "plugin", "volumeSnapshot", "barmanObjectStore"]),
            "\"auto\"",
            "How it is taken. `barmanObjectStore` is the in-tree way, deprecated.",
        ),
        Parameter::optional(
            "target",
            Takes::Choice(&["prefer-standby", "primary"]),
            "null",
            "Which instance it is taken from. Left out: as the cluster says, which is a standby unless configured otherwise.",
        ),
        Parameter::optional(
            "online",
            Takes::Flag,
            "null",
            "Only volumeSnapshot: false shuts the instance down for a cold snapshot. Left out: as the cluster says.",
        ),
        Parameter::optional(
            "immediate_checkpoint",
            Takes::Flag,
            "null",
            "Only volumeSnapshot: begin with an immediate checkpoint instead of a spread one.",
        ),
        Parameter::optional(
            "wait_for_archive",
            Takes::Flag,
            "null",
            "Only volumeSnapshot: wait until the WAL that it needs is archived.",
        ),
        Parameter::optional(
            "plugin_name",
            Takes::Text(""),
            "null",
            "Only plugin: which one. Left out: the one that archives the cluster's WAL.",
        ),
        Parameter::optional(
            "plugin_parameters",
            Takes::Json(r#"{"type": "object", "additionalProperties": {"type": "string"}}"#),
            "null",
            "Only plugin: its parameters for this backup.",
        ),
        NAMESPACE,
        Parameter::optional("wait", Takes::Flag, "false", "Follow it until it is completed or failed, with progress."),
        Parameter::optional(
            "timeout",
            Takes::Integer(1, 3600),
            "600",
            "Seconds to wait with `wait: true`. Never longer than this server lets a call run; the backup goes on by itself.",
        ),
        DRY_RUN,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"}, "method": {"type": "string"},
"created": {"type": "boolean"}, "dry_run": {"type": "boolean"}, "phase": {"type": ["string", "null"]}, "error": {"type": ["string", "null"]},
"manifest": {"type": "object", "description": "What was sent"},
"warnings": {"type": "array", "items": {"type": "string"}},
"notes": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["name", "namespace", "cluster", "method", "created", "dry_run", "manifest", "warnings", "notes"],
    },
    hints: Hints { read_only: false, destructive: false, idempotent: false },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get"]), Rule::on(BACKUPS, &["create", "get", "watch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster: String,
    name: Option<String>,
    method: Option<String>,
    target: Option<String>,
    online: Option<bool>,
    immediate_checkpoint: Option<bool>,
    wait_for_archive: Option<bool>,
    plugin_name: Option<String>,
    plugin_parameters: Option<Value>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let object = call.get(&CLUSTERS.within(namespace.as_str()).named(&input.cluster))?;
    let cluster = Cluster(&object);
    refuse(cluster)?;
    let spec = spec(&input, cluster)?;
    let notes = notes(cluster, &spec);
    let dry_run = input.dry_run.unwrap_or(false);
    let (manifest, written) = create(call, &input, cluster, &spec, dry_run)?;
    let backup = Backup(&written.object);
    let target = BACKUPS.within(namespace.as_str()).named(backup.name());
    if !dry_run {
        call.host.log(&format!("asked for backup {namespace}/{} of cluster {}", backup.name(), input.cluster));
    }
    let seen = (!dry_run && input.wait.unwrap_or(false)).then(|| follow(call, &target, &written.object, input.timeout));
    describe(&manifest, &written, &notes, dry_run, seen.as_ref()).map(Outcome::Done)
}

/// What CloudNativePG would leave pending for ever.
fn refuse(cluster: Cluster<'_>) -> Result<(), Problem> {
    let why = if cluster.is_being_deleted() {
        "is being deleted"
    } else if cluster.is_hibernated() {
        "is hibernated: no instance runs that could take a backup"
    } else {
        return Ok(());
    };
    let message = format!("cluster `{}` {why}", cluster.name());
    Err(Problem::refused("NoInstance", message, "Nothing was created.").next(&["get_cluster_status"]))
}

/// The spec of the Backup, without the cluster.
fn spec(input: &Input, cluster: Cluster<'_>) -> Result<Map<String, Value>, Problem> {
    let mut spec = match input.method.as_deref().filter(|one| *one != "auto") {
        None => backup::method(cluster).ok_or_else(|| unconfigured(cluster))?,
        Some(method) => chosen(method, input, cluster)?,
    };
    let is = |method: &str| text(&spec, "/method") == Some(method);
    let only = |parameter: &str, method: &str| {
        let message = format!("it means something only with `method: {method}`");
        Err(Problem::argument(parameter, message, "Leave it out, or name that method."))
    };
    let snapshot = [input.online, input.immediate_checkpoint, input.wait_for_archive].iter().any(Option::is_some);
    if snapshot && !is("volumeSnapshot") {
        return only("online", "volumeSnapshot");
    }
    if (input.plugin_name.is_some() || input.plugin_parameters.is_some()) && !is("plugin") {
        return only("plugin_name", "plugin");
    }
    let mut extra = Map::new();
    let mut put = |key: &str, value: Option<Value>| value.map(|value| extra.insert(key.into(), value));
    put("target", input.target.clone().map(Value::from));
    put("online", input.online.map(Value::from));
    let mut online = Map::new();
    let pairs = [("immediateCheckpoint", input.immediate_checkpoint), ("waitForArchive", input.wait_for_archive)];
    online.extend(pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?)))));
    put("onlineConfiguration", (!online.is_empty()).then_some(Value::Object(online)));
    let mut plugin = Map::new();
    plugin.extend(input.plugin_name.clone().map(|name| ("name".to_owned(), Value::from(name))));
    plugin.extend(input.plugin_parameters.clone().map(|all| ("parameters".to_owned(), all)));
    put("pluginConfiguration", (!plugin.is_empty()).then_some(Value::Object(plugin)));
    spec = crate::json::merged(&spec, &Value::Object(extra));
    Ok(spec.as_object().cloned().unwrap_or_default())
}

fn unconfigured(cluster: Cluster<'_>) -> Problem {
    let message = format!("cluster `{}` has no backups configured", cluster.name());
    Problem::argument(
        "cluster",
        message,
        "Set up the Barman Cloud plugin (`spec.plugins`) or volume snapshots (`spec.backup.volumeSnapshot`) first.",
    )
    .next(&["get_cluster_status"])
}

fn chosen(method: &str, input: &Input, cluster: Cluster<'_>) -> Result<Value, Problem> {
    if method != "plugin" {
        return Ok(json!({"method": method}));
    }
    let archiver = || backup::archiver(cluster).and_then(|one| text(one, "/name")).map(str::to_owned);
    let Some(name) = input.plugin_name.clone().or_else(archiver) else {
        let message = format!("no plugin archives the WAL of cluster `{}`", cluster.name());
        return Err(Problem::argument("plugin_name", message, "Name the plugin that shall take the backup."));
    };
    Ok(json!({"method": METHODS[0], "pluginConfiguration": {"name": name}}))
}

fn notes(cluster: Cluster<'_>, spec: &Map<String, Value>) -> Vec<String> {
    let mut out = Vec::new();
    let method = spec.get("method").and_then(Value::as_str).unwrap_or_default();
    if method == "barmanObjectStore" {
        out.push("the in-tree Barman is deprecated and gone in CloudNativePG 1.31: move to the Barman Cloud plugin".into());
    }
    let archiving = cluster.condition("ContinuousArchiving").and_then(|one| text(one, "/status"));
    if archiving == Some("False") {
        out.push("WAL archiving fails: a backup without the WAL written during it cannot be restored".into());
    }
    if method == "volumeSnapshot" && spec.get("online") == Some(&Value::Bool(false)) {
        out.push("a cold snapshot stops PostgreSQL on the instance it is taken from".into());
    }
    out
}

/// The Backup, under a name that is free.
fn create(
    call: &Call<'_>,
    input: &Input,
    cluster: Cluster<'_>,
    spec: &Map<String, Value>,
    dry_run: bool,
) -> Result<(Value, Written), Problem> {
    let ours = format!("{}-{}", cluster.name(), time::compact(call.host.now()));
    for attempt in 1.. {
        let name = match (&input.name, attempt) {
            (Some(name), _) => name.clone(),
            (None, 1) => ours.clone(),
            (None, more) => format!("{ours}-{more}"),
        };
        let manifest = backup::manifest(cluster, &name, spec.clone());
        match call.create(&BACKUPS.within(cluster.namespace()), &manifest, dry_run) {
            Err(problem) if &*problem.reason == "AlreadyExists" && input.name.is_none() && attempt < NAMES => {}
            other => return other.map(|written| (manifest, written)),
        }
    }
    Err(Problem::default())
}

fn follow(call: &Call<'_>, target: &Target, object: &Value, timeout: Option<i64>) -> Seen {
    let seconds = u64::try_from(timeout.unwrap_or(WAIT_SECONDS)).unwrap_or(1);
    watching::until(call, target, object.clone(), seconds, &|now| {
        let backup = Backup(now);
        (backup.verdict(), format!("Backup {}: {}", backup.name(), short(backup.phase())))
    })
}

fn describe(
    manifest: &Value,
    written: &Written,
    notes: &[String],
    dry_run: bool,
    seen: Option<&Seen>,
) -> Result<Answer, Problem> {
    let last = seen.map_or(&written.object, |seen| &seen.object);
    let backup = Backup(last);
    let (namespace, name, method) = (backup.namespace(), backup.name(), backup.method());
    let mut out = if dry_run {
        format!(
            "**Dry run**: the API server accepts backup `{namespace}/{name}`; nothing was created.\n\n```yaml\n{}```\n",
            yaml::block(manifest)
        )
    } else {
        format!("Backup `{namespace}/{name}` of cluster `{}` is asked for (method {method}).\n", backup.cluster())
    };
    for note in notes {
        out.push_str(&format!("- {note}\n"));
    }
    out.push_str(&warnings(&written.warnings));
    if let Some(seen) = seen {
        out.push_str(&format!("\n{}\n", ended(backup, seen)?));
    }
    out.push_str(if dry_run {
        "\nNext: the same call with `dry_run: false`.\n"
    } else {
        "\nNext: `get_backup` tells how it is.\n"
    });
    let structured = json!({
        "name": name, "namespace": namespace, "cluster": backup.cluster(), "method": method, "created": !dry_run, "dry_run": dry_run,
        "phase": (!dry_run).then(|| backup.phase()), "error": text(last, "/status/error").map(short), "manifest": manifest,
        "warnings": written.warnings, "notes": notes, "wait": seen.map(Seen::structured),
    });
    Ok(Answer::new(out, structured))
}

/// How the wait ended; `Err` when there will be no backup.
fn ended(backup: Backup<'_>, seen: &Seen) -> Result<String, Problem> {
    let took = time::span(i64::try_from(seen.took_ms / 1000).unwrap_or(0));
    let failure = |reason: &str, why: String| {
        let message = format!("backup `{}/{}` {why}", backup.namespace(), backup.name());
        Err(Problem::refused(reason, message, "The Backup object stays as a record of it.")
            .next(&["get_backup", "get_cluster_logs"]))
    };
    match &seen.end {
        End::Reached => Ok(format!("Completed after {took}.")),
        End::TimedOut => Ok(format!("Not completed yet after {took}: {}. It goes on by itself.", short(backup.phase()))),
        End::Blind(problem) => Ok(format!("It was asked for, but this server could not watch it:\n\n{}", problem.markdown())),
        End::Deleted => failure("Deleted", "was deleted by somebody while this call waited".into()),
        End::Failed => {
            let error = text(backup.0, "/status/error").map(short).unwrap_or_else(|| "it gives no error".into());
            failure("BackupFailed", format!("{} ({}): {error}", backup.meaning(), short(backup.phase())))
        }
    }
}
