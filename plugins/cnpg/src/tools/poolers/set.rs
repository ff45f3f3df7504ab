//! set_pooler: makes a pooler, or changes the one of that name; what is left out stays as it is.

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::POOLER;
use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::call::{Call, MANAGER, Written};
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::diff;
use crate::json::{json, merged, text};
use crate::kind::{CLUSTER_LABEL, CLUSTERS, CNPG, POOLERS};
use crate::name::OBJECT_PATTERN;
use crate::parameter::{DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::yaml;

pub(crate) const TOOL: Entry = Entry {
    name: "set_pooler",
    title: "Make or change a pooler",
    description: "Make a pooler (PgBouncer) in front of a PostgreSQL cluster, or change the one of that name. What is left out stays as it is; a new one gets CloudNativePG's defaults. Changing it restarts its pods one by one.",
    parameters: &[
        POOLER,
        Parameter::optional(
            "cluster_name",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Cluster that it leads to; a new pooler needs it, and it stays.",
        )
        .naming(CLUSTERS),
        Parameter::optional(
            "type",
            Takes::Choice(&["rw", "ro", "r"]),
            "null",
            "rw: to the primary. ro: to replicas. r: to any instance. A new one: rw.",
        ),
        Parameter::optional("instances", Takes::Integer(0, 100), "null", "Pods of PgBouncer. A new one: 1."),
        Parameter::optional(
            "pool_mode",
            Takes::Choice(&["session", "transaction"]),
            "null",
            "session: a server connection per client session. transaction: one per transaction, without session state. A new one: session.",
        ),
        Parameter::optional(
            "parameters",
            Takes::Json(
                r#"{"type": "object", "maxProperties": 100, "additionalProperties": {"type": ["string", "number", "null"], "maxLength": 500}}"#,
            ),
            "null",
            "Parameters of PgBouncer, e.g. `{\"max_client_conn\": \"1000\", \"default_pool_size\": \"20\"}`; null takes one out. CloudNativePG allows a list of them.",
        ),
        Parameter::optional("container_image", Takes::Text(""), "null", "Image of PgBouncer. Left out: the operator's."),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "cluster": {"type": ["string", "null"]}, "created": {"type": "boolean"}, "manifest": {"type": ["object", "null"], "description": "What was sent, for a new one"}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Provision,
    promised: false,
    rules: &[Rule::on(POOLERS, &["get", "create", "patch"]), Rule::on(CLUSTERS, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    cluster_name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    instances: Option<i64>,
    pool_mode: Option<String>,
    parameters: Option<Map<String, Value>>,
    container_image: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let target = POOLERS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let dry_run = input.dry_run.unwrap_or(false);
    let decide = |live: &Value| decide(&input, live);
    let change = Change { call, target, subresource: "", dry_run, decide: &decide };
    let own = |cluster: Option<&str>| json!({"cluster": cluster, "created": false});
    match change.look() {
        Err(problem) if problem.code == 404 => create(call, &input, &change.target, dry_run).map(Outcome::Done),
        Err(problem) => Err(problem),
        Ok(None) => Ok(change.same("is so already", &own(input.cluster_name.as_deref())).into()),
        Ok(Some(seen)) => {
            let cluster = text(&seen.object, "/spec/cluster/name").map(short);
            let done = change.make(seen)?;
            let words = Words {
                would: "would be changed".into(),
                did: "is changed".into(),
                next: "`get_pooler` shows whether it runs",
                extra: own(cluster.as_deref()),
            };
            Ok(done.answer(&words).into())
        }
    }
}

/// The fields that were given.
fn fields(input: &Input) -> Value {
    let mut spec = Map::new();
    let mut bouncer = Map::new();
    let put = |map: &mut Map<String, Value>, key: &str, value: Option<Value>| value.map(|value| map.insert(key.into(), value));
    put(&mut spec, "type", input.kind.clone().map(Value::from));
    put(&mut spec, "instances", input.instances.map(Value::from));
    put(&mut bouncer, "poolMode", input.pool_mode.clone().map(Value::from));
    put(&mut bouncer, "image", input.container_image.clone().map(Value::from));
    let words = |value: &Value| if value.is_number() { value.to_string().into() } else { value.clone() };
    let parameters =
        input.parameters.as_ref().map(|all| all.iter().map(|(key, value)| (key.clone(), words(value))).collect::<Map<_, _>>());
    put(&mut bouncer, "parameters", parameters.filter(|one| !one.is_empty()).map(Value::from));
    if !bouncer.is_empty() {
        spec.insert("pgbouncer".into(), bouncer.into());
    }
    Value::Object(spec)
}

fn decide(input: &Input, live: &Value) -> Result<Option<Wanted>, Problem> {
    let of = text(live, "/spec/cluster/name").unwrap_or_default();
    if input.cluster_name.as_deref().is_some_and(|asked| asked != of) {
        let message = format!("pooler `{}` leads to cluster `{}`, which cannot be changed", input.name, short(of));
        return Err(Problem::argument("cluster_name", message, "Choose another `name` for a pooler of the other cluster."));
    }
    if text(live, "/metadata/deletionTimestamp").is_some() {
        let message = format!("pooler `{}` is being deleted", input.name);
        return Err(Problem::refused("BeingDeleted", message, "Wait, then make it anew."));
    }
    let patch = json!({"spec": fields(input)});
    if merged(live, &patch) == *live {
        return Ok(None);
    }
    let mut notes = Vec::new();
    if input.instances == Some(0) {
        notes.push("with no instances nobody can connect through it".to_owned());
    }
    Ok(Some(Wanted::merge(patch, notes)))
}

fn create(call: &Call<'_>, input: &Input, target: &Target, dry_run: bool) -> Result<Answer, Problem> {
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let of = input.cluster_name.as_deref().ok_or_else(|| {
        let message = format!("there is no pooler `{}` yet, and a new one needs its cluster", input.name);
        Problem::argument("cluster_name", message, "`list_poolers` shows which there are.")
    })?;
    if of == input.name {
        let message = "a pooler cannot have the name of its cluster";
        return Err(Problem::argument("name", message, format!("Choose another name, e.g. `{of}-pooler`.")));
    }
    crate::declared::cluster(call, namespace, of)?;
    // The CRD wants the field even where nothing is said in it; a null has nothing to take out.
    let spec = merged(
        &json!({"cluster": {"name": of}, "type": "rw", "instances": 1, "pgbouncer": {"poolMode": "session"}}),
        &fields(input),
    );
    let manifest = json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": "Pooler",
        "metadata": {
            "name": input.name, "namespace": namespace,
            "labels": {CLUSTER_LABEL: of, "app.kubernetes.io/managed-by": MANAGER},
        },
        "spec": spec,
    });
    let written = call.create(&Target { name: None, ..target.clone() }, &manifest, dry_run)?;
    if !dry_run {
        call.host.log(&format!("created pooler {namespace}/{} of cluster {of}", input.name));
    }
    Ok(created(input, namespace, of, &manifest, &written))
}

fn created(input: &Input, namespace: &str, of: &str, manifest: &Value, written: &Written) -> Answer {
    let dry_run = input.dry_run.unwrap_or(false);
    let name = &input.name;
    let mut out = if dry_run {
        format!(
            "**Dry run**: the API server accepts pooler `{namespace}/{name}`; nothing was created.\n\n```yaml\n{}```\n",
            yaml::block(manifest)
        )
    } else {
        format!("Pooler `{namespace}/{name}` of cluster `{of}` is created: connect to service `{name}`, port 5432.\n")
    };
    out.push_str(&warnings(&written.warnings));
    let next = if dry_run { "the same call with `dry_run: false`" } else { "`get_pooler` shows whether it runs" };
    out.push_str(&format!("\nNext: {next}.\n"));
    let structured = json!({
        "name": name, "namespace": namespace, "cluster": of, "created": !dry_run, "changed": !dry_run, "dry_run": dry_run,
        "changes": diff::structured(&diff::changes(manifest, &written.object)), "notes": [], "warnings": written.warnings, "manifest": manifest,
    });
    Answer::new(out, structured)
}
