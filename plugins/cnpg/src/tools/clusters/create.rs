//! create_postgres_cluster: one POST, validated by the API server. No image and no parameter is made up: what the caller leaves out
//! is the operator's choice.

mod image;
mod input;
mod manifest;

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use self::input::Input;
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::{Call, Written};
use crate::catalogue::{Entry, Hints};
use crate::diff;
use crate::json::json;
use crate::kind::{CLUSTER_IMAGE_CATALOGS, CLUSTERS, IMAGE_CATALOGS};
use crate::name;
use crate::parameter::{DRY_RUN, NAMESPACE, NEW_NAME, Parameter, TIMEOUT, Takes, WAIT};
use crate::problem::Problem;
use crate::profile::Level;
use crate::quantity;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::waiting;
use crate::yaml;

pub(crate) const TOOL: Entry = Entry {
    name: "create_postgres_cluster",
    title: "Create a PostgreSQL cluster",
    description: "Create a new PostgreSQL cluster: one primary and instances - 1 replicas with automatic failover. The image is the operator's default unless `postgres_version`, `image_catalog` or `container_image` says otherwise. `dry_run: true` shows what the API server would store.",
    parameters: &[
        NEW_NAME,
        Parameter::optional(
            "instances",
            Takes::Integer(1, 1000),
            "3",
            "Number of instances, the primary included. 3 survives the loss of one with a replica left.",
        ),
        Parameter::optional(
            "storage_size",
            Takes::Text(""),
            "\"10Gi\"",
            "Size of each instance's volume, a Kubernetes quantity, e.g. `10Gi`. It can grow later, not shrink.",
        ),
        Parameter::optional(
            "postgres_version",
            Takes::Json(r#"{"type": ["string", "integer"], "pattern": "^[0-9]{2}(\\.[0-9]+)?$", "minimum": 10, "maximum": 99}"#),
            "null",
            "Major version, e.g. `17`: taken from an image catalog that carries it, else from the repository that this server's operator configured. Left out: the default of CloudNativePG.",
        ),
        Parameter::optional(
            "container_image",
            Takes::Text(""),
            "null",
            "Image of PostgreSQL with a version as its tag. Not together with `image_catalog`.",
        ),
        Parameter::optional(
            "image_catalog",
            Takes::Text(""),
            "null",
            "Image catalog to take `postgres_version` from: `name`, `ImageCatalog/name` or `ClusterImageCatalog/name`.",
        ),
        Parameter::optional(
            "storage_class",
            Takes::Text(""),
            "null",
            "StorageClass of the volumes. Left out: the cluster's default.",
        ),
        Parameter::optional("wal_storage_size", Takes::Text(""), "null", "Size of a volume of its own for WAL, e.g. `5Gi`."),
        Parameter::optional(
            "image_pull_policy",
            Takes::Choice(&["Always", "IfNotPresent", "Never"]),
            "null",
            "When nodes pull the image.",
        ),
        Parameter::optional(
            "node_selector",
            Takes::Json(r#"{"type": "object", "additionalProperties": {"type": "string"}}"#),
            "null",
            "Labels that a node must have.",
        ),
        Parameter::optional(
            "tolerations",
            Takes::Json(r#"{"type": "array", "items": {"type": "object"}}"#),
            "null",
            "Tolerations of the pods, as in a pod spec.",
        ),
        Parameter::optional(
            "resources",
            Takes::Json(input::RESOURCES),
            "null",
            "CPU and memory of each instance, e.g. `{\"requests\": {\"cpu\": \"1\", \"memory\": \"2Gi\"}, \"limits\": {\"memory\": \"2Gi\"}}`.",
        ),
        Parameter::optional(
            "parameters",
            Takes::Json(r#"{"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}"#),
            "null",
            "PostgreSQL parameters, e.g. `{\"max_connections\": \"200\"}`.",
        ),
        Parameter::optional("database", Takes::Text(""), "null", "Application database to create. Left out: `app`."),
        Parameter::optional(
            "owner",
            Takes::Text(""),
            "null",
            "Role that owns the application database. Left out: the database's name.",
        ),
        Parameter::optional(
            "sync",
            Takes::Json(input::SYNC),
            "null",
            "Synchronous replication: the number of standbys that confirm each commit, or `{\"number\": 1, \"method\": \"any\", \"data_durability\": \"preferred\"}`.",
        ),
        Parameter::optional(
            "backup",
            Takes::Json(input::BACKUP),
            "null",
            "Where WAL and backups go: `{\"object_store\": \"name\"}` (Barman Cloud plugin) and/or `{\"volume_snapshot_class\": \"name\"}`. Left out: no backups.",
        ),
        NAMESPACE,
        WAIT,
        TIMEOUT,
        DRY_RUN,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"},
"created": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"manifest": {"type": "object", "description": "What was sent"},
"server_defaults": {"type": "array", "items": {"type": "object"}, "description": "What the API server added"},
"uid": {"type": ["string", "null"]},
"services": {"type": "object"}, "credentials_secret": {"type": "string", "description": "Name only; values never leave Kubernetes"},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#,
        required: &["name", "namespace", "created", "dry_run", "manifest", "warnings"],
    },
    hints: Hints { read_only: false, destructive: false, idempotent: false },
    level: Level::Provision,
    promised: true,
    rules: &[
        Rule::on(CLUSTERS, &["create", "get", "watch"]),
        Rule::on(IMAGE_CATALOGS, &["list"]),
        Rule::on(CLUSTER_IMAGE_CATALOGS, &["list"]),
    ],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    check(call, &input)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let image = image::resolve(call, &input, &namespace)?;
    let manifest = manifest::cluster(&input, &namespace, &image);
    let dry_run = input.dry_run.unwrap_or(false);
    let target = CLUSTERS.within(namespace.as_str());
    let written = call.create(&target, &manifest, dry_run)?;
    if dry_run {
        return Ok(rehearsed(&input, &namespace, &manifest, &written).into());
    }
    call.host.log(&format!("created cluster {namespace}/{}", input.name));
    created(call, &input, &target.named(&input.name), &manifest, written).map(Outcome::Done)
}

/// What CloudNativePG's webhook would refuse too, said in the words of our parameters.
fn check(call: &Call<'_>, input: &Input) -> Result<(), Problem> {
    if let Some(why) = name::refuse(&input.name) {
        return Err(Problem::argument("name", format!("CloudNativePG refuses `{}`: {why}", input.name), "Choose another name."));
    }
    let most = call.settings.max_instances;
    if !(1..=most).contains(&input.instances()) {
        let hint = "The host's operator can raise `maxInstances` in this plugin's settings.";
        return Err(Problem::argument("instances", format!("{} is not between 1 and {most}", input.instances()), hint));
    }
    let sizes = [("storage_size", Some(input.storage_size())), ("wal_storage_size", input.wal_storage_size.as_deref())];
    for (parameter, size) in sizes {
        if let Some(size) = size.filter(|one| !quantity::is_positive(one)) {
            return Err(Problem::argument(parameter, format!("`{size}` is not a size"), "Write it like `10Gi` or `500Mi`."));
        }
    }
    if let Some(number) = input.sync.as_ref().map(input::Sync::number).filter(|number| *number >= input.instances()) {
        let message = format!("{number} synchronous standbys need at least {} instances", number + 1);
        return Err(Problem::argument("sync", message, "Raise `instances` or lower `sync`."));
    }
    Ok(())
}

/// True statements about the cluster that a person may not expect.
fn notes(input: &Input) -> Vec<String> {
    let mut out = Vec::new();
    if input.instances() == 1 {
        out.push("one instance alone has no replica to fail over to".to_owned());
    }
    if input.backup.is_none() {
        out.push("no backups are configured: pass `backup`, or set them up later".to_owned());
    }
    if input.instances() > 1 && input.sync.is_none() {
        out.push("replication is asynchronous: a failover may lose the last commits".to_owned());
    }
    out
}

fn structured(input: &Input, namespace: &str, manifest: &Value, written: &Written, dry_run: bool) -> Value {
    let name = &input.name;
    json!({
        "name": name, "namespace": namespace, "created": !dry_run, "dry_run": dry_run, "manifest": manifest,
        "server_defaults": diff::structured(&diff::changes(manifest, &written.object)),
        "uid": written.object.pointer("/metadata/uid").filter(|_| !dry_run),
        "services": {"read_write": format!("{name}-rw"), "read_only": format!("{name}-ro"), "any": format!("{name}-r")},
        "credentials_secret": format!("{name}-app"), "notes": notes(input), "warnings": written.warnings, "wait": null,
    })
}

fn rehearsed(input: &Input, namespace: &str, manifest: &Value, written: &Written) -> Answer {
    let mut text = format!(
        "**Dry run**: the API server accepts cluster `{namespace}/{}`; nothing was created.\n\n```yaml\n{}```\n",
        input.name,
        yaml::block(manifest)
    );
    let added = diff::changes(manifest, &written.object);
    if !added.is_empty() {
        text.push_str(&format!("\nThe API server would add:\n{}", diff::markdown(&added)));
    }
    for note in notes(input) {
        text.push_str(&format!("- {note}\n"));
    }
    text.push_str(&warnings(&written.warnings));
    text.push_str("\nNext: the same call with `dry_run: false`.\n");
    Answer::new(text, structured(input, namespace, manifest, written, true))
}

fn created(call: &Call<'_>, input: &Input, target: &Target, manifest: &Value, written: Written) -> Result<Answer, Problem> {
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let name = &input.name;
    let mut structured = structured(input, namespace, manifest, &written, false);
    let mut text = format!(
        "Cluster `{namespace}/{name}` is created; CloudNativePG now sets up {} instance(s) with {} each.\n\
         - Writes go to service `{name}-rw`, reads to `{name}-ro` (replicas) or `{name}-r` (any), port 5432\n\
         - The application's credentials will be in Secret `{name}-app`\n",
        input.instances(),
        input.storage_size()
    );
    for note in notes(input) {
        text.push_str(&format!("- {note}\n"));
    }
    text.push_str(&warnings(&written.warnings));
    if input.wait.unwrap_or(false) {
        let seconds = waiting::seconds(input.timeout, input.instances());
        let waited = waiting::until_settled(call, target, written.object, input.instances(), seconds);
        text.push_str(&format!("\n{}\n", waited.words()?));
        if let Some(map) = structured.as_object_mut() {
            map.insert("wait".into(), waited.structured());
        }
    }
    text.push_str(&format!("\nNext: `get_cluster_status` with `name: \"{name}\"`, `namespace: \"{namespace}\"`.\n"));
    Ok(Answer::new(text, structured))
}
