//! set_backup_config: where a cluster's WAL and backups go: an ObjectStore of the Barman Cloud plugin, volume snapshots, or both. In-tree
//! Barman is on its way out (CloudNativePG 1.31) and only taken away here. How long an archive is kept, its ObjectStore says.

mod archive;

use serde::Deserialize;
use serde_json::{Map, Value};

use self::archive::Archive;
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, as_seen, obtain};
use crate::guard;
use crate::json::{json, merged, text};
use crate::kind::{CLUSTERS, OBJECT_STORES};
use crate::name::OBJECT_PATTERN;
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rolling;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

/// What `unset` names.
const PARTS: [&str; 2] = ["object_store", "volume_snapshot"];

pub(crate) const TOOL: Entry = Entry {
    name: "set_backup_config",
    title: "Set where backups go",
    description: "Set where a cluster archives its WAL and takes its backups: an ObjectStore of the Barman Cloud plugin, volume snapshots, or both. What is left out stays as it is. Another archive than the one it has, or none, needs the human's consent: point-in-time recovery ends where the old one ends. `create_backup` takes a backup afterwards.",
    parameters: &[
        NAME,
        Parameter::optional(
            "object_store",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "ObjectStore (Barman Cloud plugin) in the cluster's namespace: WAL archive and base backups.",
        ),
        Parameter::optional(
            "server_name",
            Takes::Text("^[A-Za-z0-9]([-._A-Za-z0-9]{0,251}[A-Za-z0-9])?$"),
            "null",
            "Folder in the object store. Left out: as it is, or the cluster's name. It must be empty or this cluster's own.",
        ),
        Parameter::optional(
            "volume_snapshot_class",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "VolumeSnapshotClass for snapshots of the volumes.",
        ),
        Parameter::optional(
            "snapshot_online",
            Takes::Flag,
            "null",
            "Whether PostgreSQL runs while a snapshot is taken (CloudNativePG's default is true).",
        ),
        Parameter::optional(
            "snapshot_owner",
            Takes::Choice(&["none", "backup", "cluster"]),
            "null",
            "With what snapshots are deleted: nothing, their Backup, or the Cluster.",
        ),
        Parameter::optional(
            "target",
            Takes::Choice(&["primary", "prefer-standby"]),
            "null",
            "Which instance takes backups unless they say otherwise (CloudNativePG's default is prefer-standby).",
        ),
        Parameter::optional("unset", Takes::Choices(&PARTS), "null", "What to take out of the spec."),
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "archive": {"type": ["object", "null"], "description": "object_store and server_name, as they are (or would be)"},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"]), Rule::on(OBJECT_STORES, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    object_store: Option<String>,
    server_name: Option<String>,
    volume_snapshot_class: Option<String>,
    snapshot_online: Option<bool>,
    snapshot_owner: Option<String>,
    target: Option<String>,
    unset: Option<Vec<String>>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

impl Input {
    fn drops(&self, part: &str) -> bool {
        self.unset.iter().flatten().any(|one| one == part)
    }

    fn sets_snapshots(&self) -> bool {
        self.volume_snapshot_class.is_some() || self.snapshot_online.is_some() || self.snapshot_owner.is_some()
    }
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    examine(&input)?;
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let patch = json!({"spec": spec(&input, cluster)?});
        let after = merged(object, &patch);
        if after == *object {
            return Ok(None);
        }
        let mut notes = notes(cluster, Cluster(&after));
        notes.extend(archive::examine(call, cluster, Cluster(&after))?);
        Ok(Some(Wanted::merge(patch, notes)))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("is backed up like this already", &json!({})).into()) };
    let cluster = Cluster(&seen.object);
    let lost = archive::lost(cluster, &merged(&seen.object, &json!({"spec": spec(&input, cluster)?})));
    let mut by = None;
    if let Some(lost) = lost.filter(|_| !change.dry_run) {
        match obtain(call, &danger(&input, cluster, &as_seen(&seen.object), &lost))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let parameter = if input.object_store.is_some() { "object_store" } else { "volume_snapshot_class" };
    let done = change.make_agreed(seen, by).map_err(|problem| problem.renamed(&[("backup", parameter)]))?;
    let words = Words {
        would: "would be backed up like this".into(),
        did: "has its backups set up".into(),
        next: "`create_backup`; `get_cluster_status` with `sections: [\"backups\"]` shows whether WAL is archived",
        extra: json!({"archive": Archive::of(Cluster(done.object())).map(|one| one.structured()), "confirmed_by": by}),
    };
    Ok(done.answer(&words).into())
}

fn examine(input: &Input) -> Result<(), Problem> {
    let both =
        |parameter: &str| Err(Problem::argument("unset", format!("it names what `{parameter}` sets"), "Say one of the two."));
    if input.drops(PARTS[0]) && (input.object_store.is_some() || input.server_name.is_some()) {
        return both("object_store");
    }
    if input.drops(PARTS[1]) && input.sets_snapshots() {
        return both("volume_snapshot_class");
    }
    let named = input.object_store.is_some() || input.server_name.is_some() || input.target.is_some();
    if !named && !input.sets_snapshots() && input.unset.as_ref().is_none_or(Vec::is_empty) {
        let message = "nothing to change was given";
        return Err(Problem::argument("object_store", message, "Name an `object_store`, a `volume_snapshot_class`, or `unset`."));
    }
    Ok(())
}

/// Merge patch of the spec.
fn spec(input: &Input, cluster: Cluster<'_>) -> Result<Map<String, Value>, Problem> {
    let (mut spec, mut backup) = (Map::new(), Map::new());
    if input.drops(PARTS[0]) || input.object_store.is_some() || input.server_name.is_some() {
        let wanted = (!input.drops(PARTS[0])).then_some((input.object_store.as_deref(), input.server_name.as_deref()));
        spec.insert("plugins".into(), archive::plugins(cluster, wanted)?);
        if cluster.0.pointer("/spec/backup/barmanObjectStore").is_some() {
            backup.insert("barmanObjectStore".into(), Value::Null);
            backup.insert("retentionPolicy".into(), Value::Null);
        }
    }
    if let Some(target) = &input.target {
        backup.insert("target".into(), target.as_str().into());
    }
    if let Some(snapshots) = snapshots(input, cluster)? {
        backup.insert("volumeSnapshot".into(), snapshots);
    }
    if !backup.is_empty() {
        spec.insert("backup".into(), backup.into());
    }
    Ok(spec)
}

fn snapshots(input: &Input, cluster: Cluster<'_>) -> Result<Option<Value>, Problem> {
    let there = cluster.0.pointer("/spec/backup/volumeSnapshot").is_some();
    if input.drops(PARTS[1]) {
        return Ok(there.then_some(Value::Null));
    }
    if !input.sets_snapshots() {
        return Ok(None);
    }
    if !there && input.volume_snapshot_class.is_none() {
        let message = "no snapshots are set up yet, and they need their class";
        return Err(Problem::argument("volume_snapshot_class", message, "Name a VolumeSnapshotClass."));
    }
    let given = [
        ("className", input.volume_snapshot_class.as_deref().map(Value::from)),
        ("online", input.snapshot_online.map(Value::from)),
        ("snapshotOwnerReference", input.snapshot_owner.as_deref().map(Value::from)),
    ];
    Ok(Some(Value::Object(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())))
}

fn notes(before: Cluster<'_>, after: Cluster<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let plugins = |one: Cluster<'_>| crate::json::list(one.0, "/spec/plugins").len();
    if plugins(before) != plugins(after) {
        out.push("another set of plugins: the instances are restarted one after the other".to_owned());
        out.extend(rolling::notes(before));
    }
    if text(after.0, "/spec/backup/volumeSnapshot/snapshotOwnerReference") == Some("cluster") {
        out.push("`snapshot_owner: cluster`: the snapshots are deleted with the cluster".into());
    }
    let online = after.0.pointer("/spec/backup/volumeSnapshot/online").and_then(Value::as_bool);
    if online == Some(false) {
        out.push("`snapshot_online: false`: PostgreSQL stops on the instance while a snapshot is taken".into());
    }
    let had = before.0.pointer("/spec/backup/volumeSnapshot").is_some();
    if had && after.0.pointer("/spec/backup/volumeSnapshot").is_none() {
        out.push("snapshots that exist stay; scheduled backups by this method fail from now on".into());
    }
    out
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, identity: &'a str, lost: &Archive) -> Danger<'a> {
    let place = short(&lost.words());
    Danger {
        tool: "set_backup_config",
        noun: "cluster",
        name: cluster.name(),
        identity,
        question: format!("Let PostgreSQL cluster {}/{} no longer archive to {place}?", cluster.namespace(), cluster.name()),
        impact: format!(
            "- Point-in-time recovery from {place} ends with the last WAL there\n- What is in it stays\n- Until a backup is taken to the new place, changes from then on cannot be restored\n"
        ),
        undone: "was not changed",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
