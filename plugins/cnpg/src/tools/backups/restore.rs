//! restore_cluster: a new cluster from a backup, from the archive of a cluster, from an object store, or from volume snapshots. Never
//! over an existing one, never in the in-tree way unless asked for, and never into the archive it reads from.

mod manifest;
mod source;
mod target;

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::Value;

use self::source::Origin;
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::{Call, Written};
use crate::catalogue::{Entry, Hints};
use crate::json::json;
use crate::kind::{BACKUPS, CLUSTERS, OBJECT_STORES};
use crate::name::{self, CLUSTER_PATTERN, OBJECT_PATTERN};
use crate::parameter::{DRY_RUN, NAMESPACE, Parameter, TIMEOUT, Takes, WAIT};
use crate::problem::Problem;
use crate::profile::Level;
use crate::quantity;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::waiting;
use crate::yaml;

pub(crate) const TOOL: Entry = Entry {
    name: "restore_cluster",
    title: "Restore a PostgreSQL cluster",
    description: "Make a new PostgreSQL cluster from exactly one of: `backup` (a completed Backup), `cluster` (the archive or newest backup of a cluster that exists), `object_store` with `server_name`, `snapshot`. Without a target it recovers to the end of the archived WAL. An existing cluster is never overwritten.",
    parameters: &[
        Parameter::required(
            "new_name",
            Takes::Text(CLUSTER_PATTERN),
            "Name of the new cluster: DNS-1035, at most 50 characters.",
        ),
        Parameter::optional("backup", Takes::Text(OBJECT_PATTERN), "null", "Source: name of a completed Backup.").naming(BACKUPS),
        Parameter::optional(
            "cluster",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Source: a cluster that exists, by its WAL archive, else its newest completed backup.",
        )
        .naming(CLUSTERS),
        Parameter::optional(
            "object_store",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Source, or where the WAL for `backup` or `snapshot` lies: an ObjectStore of the Barman Cloud plugin.",
        ),
        Parameter::optional(
            "server_name",
            Takes::Text(""),
            "null",
            "Folder in `object_store`: the name of the cluster that wrote it, unless that was set up otherwise.",
        ),
        Parameter::optional("snapshot", Takes::Text(OBJECT_PATTERN), "null", "Source: VolumeSnapshot of the data volume."),
        Parameter::optional(
            "wal_snapshot",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "With `snapshot`: VolumeSnapshot of the WAL volume, if there was one.",
        ),
        Parameter::optional(
            "target_time",
            Takes::Text(""),
            "null",
            "Recover to this moment, with time zone: `2026-11-21T11:59:00Z`.",
        ),
        Parameter::optional(
            "target_lsn",
            Takes::Text("^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$"),
            "null",
            "Recover to this LSN, e.g. `0/3000060`.",
        ),
        Parameter::optional("target_xid", Takes::Text("^[0-9]{1,20}$"), "null", "Recover to this transaction."),
        Parameter::optional("target_name", Takes::Text(""), "null", "Recover to this restore point (`pg_create_restore_point`)."),
        Parameter::optional(
            "target_immediate",
            Takes::Flag,
            "null",
            "Stop as soon as the backup is consistent: the state at the backup's end.",
        ),
        Parameter::optional("exclusive", Takes::Flag, "null", "Stop just before the target instead of just after it."),
        Parameter::optional("instances", Takes::Integer(1, 1000), "null", "Left out: as many as the source cluster has, else 1."),
        Parameter::optional(
            "storage_size",
            Takes::Text(""),
            "null",
            "Left out: as the source cluster has. Needed when that does not exist any more; not smaller than it was.",
        ),
        Parameter::optional(
            "storage_class",
            Takes::Text(""),
            "null",
            "StorageClass. Left out: as the source cluster has, else the default.",
        ),
        Parameter::optional(
            "container_image",
            Takes::Text(""),
            "null",
            "Image with the same major version as the backup. Left out: as the source cluster has.",
        ),
        Parameter::optional(
            "archive_to",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "ObjectStore that the new cluster archives to. Left out: it has no backups until you set them up.",
        ),
        Parameter::optional(
            "archive_server_name",
            Takes::Text(""),
            "null",
            "Folder in `archive_to`; never the one that it is restored from. Left out: the new name.",
        ),
        Parameter::optional(
            "allow_in_tree",
            Takes::Flag,
            "false",
            "Allow the in-tree Barman where nothing else can read the backup: deprecated, gone in CloudNativePG 1.31.",
        ),
        NAMESPACE,
        WAIT,
        TIMEOUT,
        DRY_RUN,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "created": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"source": {"type": "string", "description": "What it is restored from, in words"},
"manifest": {"type": "object", "description": "What was sent"},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["name", "namespace", "created", "dry_run", "source", "manifest", "notes", "warnings"],
    },
    hints: Hints { read_only: false, destructive: false, idempotent: false },
    level: Level::Provision,
    promised: false,
    rules: &[
        Rule::on(CLUSTERS, &["get", "create", "watch"]),
        Rule::on(BACKUPS, &["get", "list"]),
        Rule::on(OBJECT_STORES, &["get"]),
    ],
    run,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    new_name: String,
    backup: Option<String>,
    cluster: Option<String>,
    object_store: Option<String>,
    server_name: Option<String>,
    snapshot: Option<String>,
    wal_snapshot: Option<String>,
    target_time: Option<String>,
    target_lsn: Option<String>,
    target_xid: Option<String>,
    target_name: Option<String>,
    target_immediate: Option<bool>,
    exclusive: Option<bool>,
    instances: Option<i64>,
    storage_size: Option<String>,
    storage_class: Option<String>,
    container_image: Option<String>,
    archive_to: Option<String>,
    archive_server_name: Option<String>,
    allow_in_tree: Option<bool>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    check(call, &input)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let target = target::read(&input, call.host.now())?;
    let origin = source::resolve(call, &input, &namespace, &target)?;
    let manifest = manifest::cluster(call, &input, &namespace, &origin, &target)?;
    let dry_run = input.dry_run.unwrap_or(false);
    let place = CLUSTERS.within(namespace.as_str());
    let written = call.create(&place, &manifest.object, dry_run)?;
    let notes: Vec<String> = origin.notes.iter().chain(&manifest.notes).cloned().collect();
    let mut answer = describe(&input, &namespace, &origin, &manifest.object, &written, &notes);
    if dry_run {
        return Ok(answer.into());
    }
    call.host.log(&format!("restoring {} into new cluster {namespace}/{}", origin.words, input.new_name));
    if input.wait.unwrap_or(false) {
        wait(call, &input, &place.named(&input.new_name), &manifest.object, written.object, &mut answer)?;
    }
    Ok(answer.into())
}

fn check(call: &Call<'_>, input: &Input) -> Result<(), Problem> {
    if let Some(why) = name::refuse(&input.new_name) {
        return Err(Problem::argument(
            "new_name",
            format!("CloudNativePG refuses `{}`: {why}", input.new_name),
            "Choose another name.",
        ));
    }
    let most = call.settings.max_instances;
    if let Some(instances) = input.instances.filter(|one| *one > most) {
        let hint = "The host's operator can raise `maxInstances` in this plugin's settings.";
        return Err(Problem::argument("instances", format!("{instances} is more than the {most} that this server allows"), hint));
    }
    if let Some(size) = input.storage_size.as_deref().filter(|one| !quantity::is_positive(one)) {
        return Err(Problem::argument("storage_size", format!("`{size}` is not a size"), "Write it like `10Gi` or `500Mi`."));
    }
    Ok(())
}

fn wait(
    call: &Call<'_>,
    input: &Input,
    target: &Target,
    manifest: &Value,
    object: Value,
    answer: &mut Answer,
) -> Result<(), Problem> {
    let instances = crate::json::integer(manifest, "/spec/instances").unwrap_or(1);
    let seconds = waiting::seconds(input.timeout, instances);
    let waited = waiting::until_settled(call, target, object, instances, seconds);
    answer.text.push_str(&format!("\n{}\n", waited.words()?));
    if let Some(map) = answer.structured.as_object_mut() {
        map.insert("wait".into(), waited.structured());
    }
    Ok(())
}

fn describe(input: &Input, namespace: &str, origin: &Origin, manifest: &Value, written: &Written, notes: &[String]) -> Answer {
    let (name, dry_run) = (&input.new_name, input.dry_run.unwrap_or(false));
    let mut out = if dry_run {
        format!(
            "**Dry run**: the API server accepts cluster `{namespace}/{name}`, restored from {}; nothing was created.\n\n```yaml\n{}```\n",
            origin.words,
            yaml::block(manifest)
        )
    } else {
        format!("Cluster `{namespace}/{name}` is created and will be restored from {}.\n", origin.words)
    };
    for note in notes {
        out.push_str(&format!("- {note}\n"));
    }
    out.push_str(&warnings(&written.warnings));
    out.push_str(&match dry_run {
        true => "\nNext: the same call with `dry_run: false`.\n".to_owned(),
        false => {
            format!("\nNext: `get_cluster_status` with `name: \"{name}\"`, then `get_cluster_logs` if it does not get there.\n")
        }
    });
    let structured = json!({
        "name": name, "namespace": namespace, "created": !dry_run, "dry_run": dry_run, "source": origin.words, "manifest": manifest,
        "notes": notes, "warnings": written.warnings, "wait": null,
    });
    Answer::new(out, structured)
}
