//! resize_postgres_cluster: grows the volumes of a cluster in place. A shrink is refused with the safe way: the webhook forbids it for
//! good reason, and this tool never switches the webhook off on a live cluster (the reference did).

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value;

use super::expansion::{self, Expansion};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{annotation, json, text};
use crate::kind::{CLUSTERS, STORAGE_CLASSES, VOLUME_CLAIMS};
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::quantity;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

const VALIDATION: &str = "cnpg.io/validation";

pub(crate) const TOOL: Entry = Entry {
    name: "resize_postgres_cluster",
    title: "Resize the storage of a PostgreSQL cluster",
    description: "Grow the data volumes of a PostgreSQL cluster in place, if their StorageClass can. A smaller size is refused with the safe way to get there: CloudNativePG cannot shrink volumes, and its validation is never switched off here.",
    parameters: &[
        NAME,
        Parameter::optional(
            "storage_size",
            Takes::Text("^[0-9.]+([EPTGMKk]i?|m|[eE][0-9]+)?$"),
            "null",
            "New size of each data volume, e.g. `20Gi`. Needed unless `restore_validation_only` is true.",
        ),
        Parameter::optional(
            "extra_instances",
            Takes::Integer(0, 10),
            "1",
            "Of the reference's shrink; without effect, since volumes are not shrunk here.",
        ),
        Parameter::optional(
            "confirm_shrink",
            Takes::Flag,
            "false",
            "Of the reference's shrink; without effect: a shrink is refused either way.",
        ),
        Parameter::optional(
            "restore_validation_only",
            Takes::Flag,
            "false",
            "Change no size: only take off an annotation `cnpg.io/validation: disabled` that another tool left behind.",
        ),
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "previous_size": {"type": ["string", "null"]}, "storage_size": {"type": ["string", "null"]},
"validation_disabled": {"type": "boolean", "description": "Whether the cluster carries `cnpg.io/validation: disabled` afterwards"}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: true,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"]), Rule::on(VOLUME_CLAIMS, &["list"]), Rule::on(STORAGE_CLASSES, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    storage_size: Option<String>,
    #[serde(rename = "extra_instances")]
    _extra_instances: Option<i64>,
    #[serde(rename = "confirm_shrink")]
    _confirm_shrink: Option<bool>,
    restore_validation_only: Option<bool>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let only_validation = input.restore_validation_only == Some(true);
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        if only_validation { Ok(validation_back(cluster)) } else { grow(call, cluster, input.storage_size.as_deref()) }
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let wanted = input.storage_size.as_deref().filter(|_| !only_validation);
    let Some(seen) = change.look()? else {
        let same = wanted.map_or_else(|| "has its validation on".into(), |size| format!("has volumes of {size} already"));
        return Ok(change.same(&same, &json!({"storage_size": wanted, "previous_size": wanted})).into());
    };
    let before = size(Cluster(&seen.object)).map(short);
    let done = change.make(seen)?;
    let disabled = is_disabled(Cluster(done.object()));
    let (what, would) = match wanted {
        Some(to) => {
            let sizes = format!("from {} to {to}", before.as_deref().unwrap_or("an unknown size"));
            (format!("has its volumes growing {sizes}"), format!("would have its volumes grow {sizes}"))
        }
        None => ("has its validation on again".into(), "would have its validation on again".into()),
    };
    let words = Words {
        would,
        did: what,
        next: "`get_cluster_resize_status`",
        extra: json!({"previous_size": before, "storage_size": wanted.or(before.as_deref()), "validation_disabled": disabled}),
    };
    Ok(done.answer(&words).into())
}

fn size(cluster: Cluster<'_>) -> Option<&str> {
    cluster.storage_size().or_else(|| text(cluster.0, "/spec/storage/pvcTemplate/resources/requests/storage"))
}

fn is_disabled(cluster: Cluster<'_>) -> bool {
    annotation(cluster.0, VALIDATION) == Some("disabled")
}

/// Takes the override off; the one change of that annotation that only makes things safer.
fn validation_back(cluster: Cluster<'_>) -> Option<Wanted> {
    let patch = json!({"metadata": {"annotations": {VALIDATION: Value::Null}}});
    is_disabled(cluster).then_some(Wanted::merge(patch, Vec::new()))
}

fn grow(call: &Call<'_>, cluster: Cluster<'_>, wanted: Option<&str>) -> Result<Option<Wanted>, Problem> {
    let Some(wanted) = wanted else {
        return Err(Problem::argument("storage_size", "no size is given", "Say how large each volume shall be, e.g. `20Gi`."));
    };
    if !quantity::is_positive(wanted) {
        return Err(Problem::argument("storage_size", format!("`{}` is no size", short(wanted)), "Write e.g. `20Gi`."));
    }
    let before = size(cluster);
    match before.and_then(quantity::value).partial_cmp(&quantity::value(wanted)) {
        Some(Ordering::Equal) => return Ok(None),
        Some(Ordering::Greater) => return Err(shrink(cluster, before.unwrap_or_default(), wanted)),
        _ => {}
    }
    let mut notes = vec!["a volume that has grown cannot shrink again".to_owned()];
    let in_use = cluster.0.pointer("/spec/storage/resizeInUseVolumes").and_then(Value::as_bool) != Some(false);
    match expansion::of(call, cluster) {
        _ if !in_use => notes.push(
            "`spec.storage.resizeInUseVolumes` is false: volumes keep their size until each instance is rebuilt with `delete_cluster_instance`".into(),
        ),
        Expansion::Possible => {}
        Expansion::Impossible(class) => return Err(cannot_grow(&class)),
        Expansion::Unknown(why) => notes.push(format!("whether its volumes can grow is not known: {why}")),
    }
    if cluster.0.pointer("/spec/walStorage").is_some() {
        notes.push("its WAL volumes have a size of their own and stay as they are".into());
    }
    if is_disabled(cluster) {
        notes.push("`cnpg.io/validation: disabled`: nothing checked this change; `restore_validation_only: true` switches the checks on again".into());
    }
    Ok(Some(Wanted::merge(json!({"spec": {"storage": {"size": wanted}}}), notes)))
}

fn cannot_grow(class: &str) -> Problem {
    let message = format!(
        "StorageClass `{}` does not let volumes grow (`allowVolumeExpansion` is not true); nothing was changed",
        short(class)
    );
    let hint = "Its owner can allow that. Or set `spec.storage.resizeInUseVolumes: false` on the cluster, repeat this call, and then rebuild the instances one at a time: `delete_cluster_instance` for each replica, `promote_cluster_instance`, and last the old primary.";
    Problem::refused("VolumesCannotGrow", message, hint).next(&["get_cluster_resize_status"])
}

fn shrink(cluster: Cluster<'_>, from: &str, to: &str) -> Problem {
    let name = cluster.name();
    let message = format!(
        "cluster `{name}` has volumes of {}, and CloudNativePG cannot shrink volumes to {to}; nothing was changed",
        short(from)
    );
    let hint = format!(
        "This tool does not switch off the cluster's validation (`cnpg.io/validation`) to force it, with or without `confirm_shrink`. The safe way leaves `{name}` as it is until the data is proven elsewhere:\n\
         1. `create_postgres_cluster` with another name and `storage_size: \"{to}\"`;\n\
         2. copy the databases: a publication here and a subscription there (no downtime), or an import (`bootstrap.initdb.import`);\n\
         3. compare the data, point the applications to the new cluster, and only then `delete_postgres_cluster` with a final backup."
    );
    Problem::refused("ShrinkRefused", message, hint).next(&["create_postgres_cluster", "get_cluster_resize_status"])
}
