//! get_backup: one backup, with what a restore from it needs to know. Names of Secrets are left out, contents never come.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::backup::Backup;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::json::{json, list, text};
use crate::kind::BACKUPS;
use crate::name::OBJECT_PATTERN;
use crate::parameter::{FORMAT, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::{short, table};
use crate::time;

pub(super) const BACKUP: Parameter =
    Parameter::required("name", Takes::Text(OBJECT_PATTERN), "Name of the backup.").naming(BACKUPS);

/// What is shown of the object: key of the JSON, words of the text, where it is.
const FACTS: [(&str, &str, &str); 15] = [
    ("target", "Taken from", "/spec/target"),
    ("started", "Started", "/status/startedAt"),
    ("stopped", "Stopped", "/status/stoppedAt"),
    ("instance", "Instance", "/status/instanceID/podName"),
    ("backup_id", "Backup id", "/status/backupId"),
    ("backup_name", "Name in the archive", "/status/backupName"),
    ("server_name", "Server name in the archive", "/status/serverName"),
    ("destination", "Destination", "/status/destinationPath"),
    ("plugin", "Plugin", "/spec/pluginConfiguration/name"),
    ("timeline_from", "First WAL", "/status/beginWal"),
    ("timeline_to", "Last WAL", "/status/endWal"),
    ("begin_lsn", "First LSN", "/status/beginLSN"),
    ("end_lsn", "Last LSN", "/status/endLSN"),
    ("scheduled_by", "Scheduled by", "/metadata/labels/cnpg.io~1scheduled-backup"),
    ("error", "Error", "/status/error"),
];

pub(crate) const TOOL: Entry = Entry {
    name: "get_backup",
    title: "One backup",
    description: "Get one backup: phase and what it means, method, times, WAL range, where it lies, its volume snapshots, and the error if it failed.",
    parameters: &[BACKUP, NAMESPACE, FORMAT],
    shape: Shape {
        properties: r#"{
"name": {"type": "string"}, "namespace": {"type": "string"}, "cluster": {"type": "string"},
"method": {"type": "string"}, "phase": {"type": "string"}, "meaning": {"type": "string"}, "at": {"type": "string"},
"restorable": {"type": "boolean", "description": "Whether it is completed, so that a cluster can be restored from it"},
"duration_seconds": {"type": ["integer", "null"]}, "online": {"type": ["boolean", "null"]}, "major_version": {"type": ["integer", "null"]},
"facts": {"type": "object", "description": "What the object says, by name", "additionalProperties": {"type": "string"}},
"snapshots": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "type": {"type": "string"}, "tablespace": {"type": ["string", "null"]}}}}
}"#,
        required: &["name", "namespace", "cluster", "method", "phase", "restorable", "facts", "snapshots"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(BACKUPS, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let object = find(call, &input.name, input.namespace.as_deref())?;
    Ok(describe(Backup(&object), call.host.now()).formatted(input.format).into())
}

/// The backup of that name.
pub(super) fn find(call: &Call<'_>, name: &str, namespace: Option<&str>) -> Result<Value, Problem> {
    call.get(&BACKUPS.within(call.namespace(namespace)).named(name)).map_err(|problem| {
        if problem.code != 404 {
            return problem;
        }
        Problem { hint: "See which backups there are.".into(), ..problem }.next(&["list_backups"])
    })
}

fn describe(backup: Backup<'_>, now: i64) -> Answer {
    let took = backup.took(now);
    let mut out = format!(
        "**Backup: {}/{}** of cluster `{}`\n- Phase: {}{}\n- Method: {}\n- Age: {}\n",
        backup.namespace(),
        backup.name(),
        short(backup.cluster()),
        short(backup.phase()),
        if backup.meaning().is_empty() { String::new() } else { format!(" ({})", backup.meaning()) },
        short(backup.method()),
        time::age(Some(backup.moment()), now),
    );
    if let Some(took) = took {
        out.push_str(&format!("- Took: {}\n", time::span(took)));
    }
    let mut facts = Map::new();
    for (key, words, pointer) in FACTS {
        if let Some(value) = text(backup.0, pointer).map(short) {
            out.push_str(&format!("- {words}: {value}\n"));
            facts.insert(key.into(), value.into());
        }
    }
    let (snapshots, rows) = snapshots(backup);
    out.push_str(&match rows.is_empty() {
        true => String::new(),
        false => format!("\n{}", table(&["Volume snapshot", "Of"], &rows)),
    });
    out.push_str(&next(backup));
    let structured = json!({
        "name": backup.name(), "namespace": backup.namespace(), "cluster": backup.cluster(), "method": backup.method(),
        "phase": backup.phase(), "meaning": backup.meaning(), "at": backup.moment(), "restorable": backup.is_completed(),
        "duration_seconds": took, "online": backup.0.pointer("/status/online").or_else(|| backup.0.pointer("/spec/online")),
        "major_version": backup.0.pointer("/status/majorVersion"), "facts": facts, "snapshots": snapshots,
    });
    Answer::new(out, structured)
}

fn snapshots(backup: Backup<'_>) -> (Vec<Value>, Vec<Vec<String>>) {
    let one = |element: &Value| {
        let word = |pointer: &str| text(element, pointer).map(short);
        let (name, kind, space) = (word("/name").unwrap_or_default(), word("/type").unwrap_or_default(), word("/tablespaceName"));
        let of = space.as_ref().map_or_else(|| kind.clone(), |space| format!("{kind} {space}"));
        (json!({"name": name, "type": kind, "tablespace": space}), vec![name, of])
    };
    list(backup.0, "/status/snapshotBackupStatus/elements").iter().take(100).map(one).unzip()
}

fn next(backup: Backup<'_>) -> String {
    if backup.is_completed() {
        return format!("\nNext: `restore_cluster` with `backup: \"{}\"` makes a new cluster from it.\n", backup.name());
    }
    "\nNext: `list_cluster_events` and `get_cluster_logs` of its cluster tell more.\n".into()
}
