//! set_scheduled_backup: creates a schedule, or changes the fields that were given of one that exists. Creating is a POST and changing a
//! merge patch with the version it was decided on, so that what is left out stays as it is, whoever wrote it.

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Outcome, warnings};
use crate::arguments::read;
use crate::backup;
use crate::call::{Call, Written};
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, Wanted, Words};
use crate::cluster::Cluster;
use crate::cron::Schedule;
use crate::json::{json, merged, text};
use crate::kind::{CLUSTERS, CNPG, SCHEDULED_BACKUPS};
use crate::name::OBJECT_PATTERN;
use crate::parameter::{DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::time;
use crate::yaml;

pub(crate) const TOOL: Entry = Entry {
    name: "set_scheduled_backup",
    title: "Schedule backups",
    description: "Create a schedule for backups of a PostgreSQL cluster, or change one: only the parameters that are given are changed. Five cron fields are read as crontab's (UTC) and get a leading `0`, since CloudNativePG wants seconds first.",
    parameters: &[
        Parameter::required("name", Takes::Text(OBJECT_PATTERN), "Name of the ScheduledBackup.").naming(SCHEDULED_BACKUPS),
        Parameter::optional(
            "cluster",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "Cluster to back up. Needed for a new one; cannot be changed.",
        )
        .naming(CLUSTERS),
        Parameter::optional(
            "schedule",
            Takes::Text(""),
            "null",
            "When, in UTC: `0 3 * * *` is 03:00 each day; six fields begin with seconds; `@daily` and the like. Needed for a new one.",
        ),
        Parameter::optional("suspend", Takes::Flag, "null", "true: takes no backups until it is false again."),
        Parameter::optional(
            "immediate",
            Takes::Flag,
            "null",
            "Take one backup at once when it is created. Means nothing for one that exists.",
        ),
        Parameter::optional(
            "owner_ref",
            Takes::Choice(&["none", "self", "cluster"]),
            "null",
            "What its Backup objects belong to, and are deleted with: nothing (default), this schedule, or the cluster.",
        ),
        Parameter::optional(
            "method",
            Takes::Choice(&["auto", "plugin", "volumeSnapshot", "barmanObjectStore"]),
            "\"auto\"",
            "How they are taken. auto, for a new one: as the cluster is set up. `barmanObjectStore` is the in-tree way, deprecated.",
        ),
        Parameter::optional(
            "target",
            Takes::Choice(&["prefer-standby", "primary"]),
            "null",
            "Which instance they are taken from. Left out: as the cluster says.",
        ),
        Parameter::optional("online", Takes::Flag, "null", "Only volumeSnapshot: false takes cold snapshots."),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": ["string", "null"]},
"created": {"type": "boolean"}, "changed": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"schedule": {"type": ["string", "null"], "description": "As stored, with seconds"}, "next_run": {"type": ["string", "null"], "description": "Absent: never"},
"changes": {"type": "array", "items": {"type": "object"}},
"notes": {"type": "array", "items": {"type": "string"}}, "warnings": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["name", "namespace", "created", "changed", "dry_run", "changes", "notes", "warnings"],
    },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Provision,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get"]), Rule::on(SCHEDULED_BACKUPS, &["get", "create", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    cluster: Option<String>,
    schedule: Option<String>,
    suspend: Option<bool>,
    immediate: Option<bool>,
    owner_ref: Option<String>,
    method: Option<String>,
    target: Option<String>,
    online: Option<bool>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let target = SCHEDULED_BACKUPS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let schedule = input.schedule.as_deref().map(understand).transpose()?;
    let dry_run = input.dry_run.unwrap_or(false);
    let decide = |live: &Value| decide(&input, schedule.as_ref(), live);
    let change = Change { call, target, subresource: "", dry_run, decide: &decide };
    match change.look() {
        Err(problem) if problem.code == 404 => {
            create(call, &input, &change.target, schedule.as_ref(), dry_run).map(Outcome::Done)
        }
        Err(problem) => Err(problem),
        Ok(None) => Ok(change.same("is so already", &stored(&call.get(&change.target)?, None, call.host.now())).into()),
        Ok(Some(seen)) => {
            let done = change.make(seen)?;
            if !dry_run {
                call.host.log(&format!("changed scheduled backup {}", input.name));
            }
            let object = done.object().clone();
            let (words, _) = schedule.as_ref().map(|one| meaning(one, call.host.now())).unwrap_or_default();
            let mut answer = done.answer(&Words {
                would: "would be changed".into(),
                did: "is changed".into(),
                next: "`list_scheduled_backups`",
                extra: stored(&object, schedule.as_ref(), call.host.now()),
            });
            answer.text.push_str(&words);
            Ok(answer.into())
        }
    }
}

/// The keys of an existing schedule that are this tool's own.
fn stored(object: &Value, schedule: Option<&Schedule>, now: i64) -> Value {
    let read = schedule.cloned().or_else(|| Schedule::read(text(object, "/spec/schedule")?).ok());
    json!({
        "cluster": text(object, "/spec/cluster/name"), "created": false, "schedule": text(object, "/spec/schedule"),
        "next_run": read.and_then(|one| one.next(now)).map(time::rfc3339),
    })
}

fn understand(text: &str) -> Result<Schedule, Problem> {
    Schedule::read(text)
        .map_err(|why| Problem::argument("schedule", why, "Write it like `0 3 * * *` (03:00 UTC each day) or `@daily`."))
}

/// The fields that were given.
fn fields(input: &Input, schedule: Option<&Schedule>) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| value.map(|value| out.insert(key.into(), value));
    put("schedule", schedule.map(|one| one.text.as_str().into()));
    put("suspend", input.suspend.map(Value::from));
    put("backupOwnerReference", input.owner_ref.clone().map(Value::from));
    put("method", input.method.clone().filter(|one| one != "auto").map(Value::from));
    put("target", input.target.clone().map(Value::from));
    put("online", input.online.map(Value::from));
    out
}

fn decide(input: &Input, schedule: Option<&Schedule>, live: &Value) -> Result<Option<Wanted>, Problem> {
    let of = text(live, "/spec/cluster/name").unwrap_or_default();
    if input.cluster.as_deref().is_some_and(|asked| asked != of) {
        let message = format!("`{}` is a schedule of cluster `{of}`, which cannot be changed", input.name);
        return Err(Problem::argument("cluster", message, "Choose another `name` for the other cluster's schedule."));
    }
    if text(live, "/metadata/deletionTimestamp").is_some() {
        return Err(Problem::refused(
            "BeingDeleted",
            format!("scheduled backup `{}` is being deleted", input.name),
            "Wait, then create it anew.",
        ));
    }
    let patch = json!({"spec": fields(input, schedule)});
    if merged(live, &patch) == *live {
        return Ok(None);
    }
    let immediate = input.immediate == Some(true);
    let notes =
        immediate.then(|| "`immediate` is only looked at when a schedule is created: `create_backup` takes one now".to_owned());
    Ok(Some(Wanted::merge(patch, notes.into_iter().collect())))
}

fn create(
    call: &Call<'_>,
    input: &Input,
    target: &Target,
    schedule: Option<&Schedule>,
    dry_run: bool,
) -> Result<Answer, Problem> {
    let missing = |parameter: &str| {
        let message = format!("there is no scheduled backup `{}` yet, and a new one needs it", input.name);
        Problem::argument(parameter, message, "`list_scheduled_backups` shows which there are.")
    };
    let of = input.cluster.as_deref().ok_or_else(|| missing("cluster"))?;
    let schedule = schedule.ok_or_else(|| missing("schedule"))?;
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let object = call.get(&CLUSTERS.within(namespace).named(of))?;
    let manifest = manifest(input, Cluster(&object), schedule)?;
    let place = Target { name: None, ..target.clone() };
    let written = call.create(&place, &manifest, dry_run)?;
    if !dry_run {
        call.host.log(&format!("created scheduled backup {namespace}/{} of cluster {of}", input.name));
    }
    Ok(created(input, namespace, schedule, &manifest, &written, call.host.now()))
}

fn manifest(input: &Input, cluster: Cluster<'_>, schedule: &Schedule) -> Result<Value, Problem> {
    let method = match input.method.as_deref().filter(|one| *one != "auto") {
        Some("plugin") => backup::method(cluster).filter(|one| text(one, "/method") == Some("plugin")),
        Some(method) => Some(json!({"method": method})),
        None => backup::method(cluster),
    };
    let Some(method) = method else {
        let message = format!("cluster `{}` is not set up for it", cluster.name());
        return Err(Problem::argument("method", message, "Set up the Barman Cloud plugin or volume snapshots first.")
            .next(&["get_cluster_status"]));
    };
    let mut spec = json!({"cluster": {"name": cluster.name()}, "backupOwnerReference": "none"});
    spec = merged(&merged(&spec, &method), &Value::Object(fields(input, Some(schedule))));
    if let (Some(immediate), Some(map)) = (input.immediate, spec.as_object_mut()) {
        map.insert("immediate".into(), immediate.into());
    }
    Ok(json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": "ScheduledBackup",
        "metadata": {"name": input.name, "namespace": cluster.namespace()}, "spec": spec,
    }))
}

/// What was made of the schedule, in words.
fn meaning(schedule: &Schedule, now: i64) -> (String, Option<String>) {
    let next = schedule.next(now);
    let upgraded = if schedule.upgraded { " (read as crontab's five fields; CloudNativePG wants seconds first)" } else { "" };
    let words = match next {
        Some(at) => {
            format!("- Schedule: `{}`{upgraded}, next run {} (in {})\n", schedule.text, time::rfc3339(at), time::span(at - now))
        }
        None => format!("- Schedule: `{}`{upgraded}, which **never comes**\n", schedule.text),
    };
    (words, next.map(time::rfc3339))
}

fn created(input: &Input, namespace: &str, schedule: &Schedule, manifest: &Value, written: &Written, now: i64) -> Answer {
    let dry_run = input.dry_run.unwrap_or(false);
    let mut notes = Vec::new();
    if text(manifest, "/spec/method") == Some("barmanObjectStore") {
        notes.push("the in-tree Barman is deprecated and gone in CloudNativePG 1.31: move to the Barman Cloud plugin".to_owned());
    }
    if input.owner_ref.as_deref() == Some("self") {
        notes.push("Backup objects will be deleted together with this schedule".to_owned());
    }
    let (words, next) = meaning(schedule, now);
    let mut out = if dry_run {
        format!(
            "**Dry run**: the API server accepts scheduled backup `{namespace}/{}`; nothing was created.\n\n```yaml\n{}```\n",
            input.name,
            yaml::block(manifest)
        )
    } else {
        format!("Scheduled backup `{namespace}/{}` is created.\n", input.name)
    };
    out.push_str(&words);
    for note in &notes {
        out.push_str(&format!("- {note}\n"));
    }
    out.push_str(&warnings(&written.warnings));
    out.push_str(if dry_run {
        "\nNext: the same call with `dry_run: false`.\n"
    } else {
        "\nNext: `list_backups` shows what it takes.\n"
    });
    let structured = json!({
        "name": input.name, "namespace": namespace, "cluster": input.cluster, "created": !dry_run, "changed": !dry_run, "dry_run": dry_run,
        "schedule": schedule.text, "next_run": next, "changes": [], "notes": notes, "warnings": written.warnings,
    });
    Answer::new(out, structured)
}
