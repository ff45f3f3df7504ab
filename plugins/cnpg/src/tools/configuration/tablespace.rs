//! set_tablespace: one entry of `spec.tablespaces`, which is a volume of its own per instance. The list is atomic: a JSON patch of the
//! entry. CloudNativePG takes no tablespace away again, and no volume shrinks. Source: CloudNativePG, "Tablespaces".

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Outcome;
use crate::arguments::read;
use crate::atomic;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::guard;
use crate::json::{json, list, merged, text, with};
use crate::kind::CLUSTERS;
use crate::name::OBJECT_PATTERN;
use crate::parameter::{DRY_RUN, NAME, NAMESPACE, Parameter, TIMEOUT, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::quantity;
use crate::roles::policy::IDENTIFIER_PATTERN;
use crate::rolling;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::waiting;
use crate::watching::{self, Verdict};

const PATH: &[&str] = &["spec", "tablespaces"];
/// Longest name, in characters: it becomes part of the names of volumes (`db-1-tbs-name`).
const NAME_MAX: usize = 40;

pub(crate) const TOOL: Entry = Entry {
    name: "set_tablespace",
    title: "Make or change a tablespace",
    description: "Make a tablespace of a cluster (a volume of its own on each instance), or change the one of that name: grow it, give it another owner, use it for temporary objects. What is left out stays as it is. A new one restarts the instances one after the other; none can be taken away again.",
    parameters: &[
        NAME,
        Parameter::required(
            "tablespace",
            Takes::Text("^[A-Za-z_][A-Za-z0-9_$]{0,39}$"),
            "Name of the tablespace in PostgreSQL; it does not begin with `pg_`.",
        ),
        Parameter::optional(
            "size",
            Takes::Text(""),
            "null",
            "Size of its volume on each instance, e.g. `10Gi`; a new one needs it. It can grow later, not shrink.",
        ),
        Parameter::optional(
            "storage_class",
            Takes::Text(OBJECT_PATTERN),
            "null",
            "StorageClass of its volumes; of a new one only. Left out: the default.",
        ),
        Parameter::optional(
            "owner",
            Takes::Text(IDENTIFIER_PATTERN),
            "null",
            "Role that owns it. Left out: as it is; of a new one `postgres`.",
        ),
        Parameter::optional(
            "temporary",
            Takes::Flag,
            "null",
            "Whether temporary tables and sorts go there (`temp_tablespaces`).",
        ),
        Parameter::optional("wait", Takes::Flag, "false", "Wait until CloudNativePG says that it is there, or why it is not."),
        TIMEOUT,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "tablespace": {"type": "string"}, "created": {"type": "boolean"}, "state": {"type": ["string", "null"], "description": "As CloudNativePG reports it"},
"wait": {"type": ["object", "null"]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Provision,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch", "watch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    tablespace: String,
    size: Option<String>,
    storage_class: Option<String>,
    owner: Option<String>,
    temporary: Option<bool>,
    wait: Option<bool>,
    timeout: Option<i64>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    examine(&input)?;
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let Some((at, there)) = find(cluster, &input.tablespace) else { return create(&input, cluster).map(Some) };
        let wanted = merged(there, &fields(&input));
        if wanted == *there {
            return Ok(None);
        }
        compare(&input, there)?;
        Ok(Some(Wanted::list(atomic::replace(object, PATH, at, Some(&wanted)), grown(&input, there))))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let own = |created: bool| json!({"tablespace": input.tablespace, "created": created});
    let what = format!("tablespace `{}`", input.tablespace);
    let Some(seen) = change.look()? else { return Ok(change.same(&format!("has {what} like this already"), &own(false)).into()) };
    let created = find(Cluster(&seen.object), &input.tablespace).is_none();
    let instances = Cluster(&seen.object).instances();
    let done = change.make(seen).map_err(|problem| problem.renamed(&[("storage_size", "size")]))?;
    let verb = if created { "made" } else { "changed" };
    let words = Words {
        would: format!("would have {what} {verb}"),
        did: format!("has {what} {verb}: CloudNativePG brings it into being"),
        next: "`get_cluster_status`; `create_postgres_database` takes it as `tablespace`",
        extra: own(created && !change.dry_run),
    };
    let mut answer = done.answer(&words);
    let mut object = done.into_object();
    if input.wait == Some(true) && !change.dry_run {
        let seconds = waiting::seconds(input.timeout, instances);
        let seen = watching::until(call, &change.target, object, seconds, &|now| judge(now, &input.tablespace));
        answer.text.push_str(&format!("\n{}\n", judge(&seen.object, &input.tablespace).1));
        answer.structured = with(answer.structured, "wait", seen.structured());
        object = seen.object;
    }
    let state = state(&object, &input.tablespace).and_then(|one| text(one, "/state")).map(short);
    answer.structured = with(answer.structured, "state", state.into());
    Ok(answer.into())
}

fn examine(input: &Input) -> Result<(), Problem> {
    if input.tablespace.starts_with("pg_") || input.tablespace.len() > NAME_MAX {
        let message = format!("`{}` begins with `pg_`, or is longer than {NAME_MAX} characters", short(&input.tablespace));
        return Err(Problem::argument("tablespace", message, "Choose another name."));
    }
    match input.size.as_deref().filter(|size| !quantity::is_positive(size)) {
        Some(bad) => Err(Problem::argument("size", format!("`{}` is no size", short(bad)), "Write e.g. `10Gi`.")),
        None => Ok(()),
    }
}

fn find<'a>(cluster: Cluster<'a>, name: &str) -> Option<(usize, &'a Value)> {
    list(cluster.0, "/spec/tablespaces").iter().enumerate().find(|(_, one)| text(one, "/name") == Some(name))
}

/// What was said of it, as the spec has it.
fn fields(input: &Input) -> Value {
    let mut out = Map::new();
    let mut storage = Map::new();
    storage.extend(input.size.clone().map(|one| ("size".to_owned(), Value::from(one))));
    storage.extend(input.storage_class.clone().map(|one| ("storageClass".to_owned(), Value::from(one))));
    if !storage.is_empty() {
        out.insert("storage".into(), storage.into());
    }
    out.extend(input.owner.clone().map(|one| ("owner".to_owned(), json!({"name": one}))));
    out.extend(input.temporary.map(|one| ("temporary".to_owned(), Value::from(one))));
    Value::Object(out)
}

fn create(input: &Input, cluster: Cluster<'_>) -> Result<Wanted, Problem> {
    if input.size.is_none() {
        let message =
            format!("cluster `{}` has no tablespace `{}` yet, and a new one needs its size", cluster.name(), input.tablespace);
        return Err(Problem::argument("size", message, "Say how large its volume shall be on each instance, e.g. `10Gi`."));
    }
    // Volumes are named after it, and Kubernetes has neither capitals nor underscores.
    let alike = |name: &str| name.to_ascii_lowercase().replace(['_', '$'], "-");
    let all = list(cluster.0, "/spec/tablespaces").iter().filter_map(|one| text(one, "/name"));
    if let Some(other) = all.into_iter().find(|one| alike(one) == alike(&input.tablespace)) {
        let message = format!("its volumes would be called like those of tablespace `{}`", short(other));
        return Err(Problem::argument("tablespace", message, "Choose a name that differs in more than case and underscores."));
    }
    let entry = merged(&json!({"name": input.tablespace}), &fields(input));
    let mut notes = vec![
        "a tablespace cannot be taken away from a cluster again".to_owned(),
        "each instance gets another volume, and is restarted for it, one after the other".to_owned(),
    ];
    notes.extend(rolling::notes(cluster));
    Ok(Wanted::list(atomic::append(cluster.0, PATH, &entry), notes))
}

/// What cannot be changed of one that exists.
fn compare(input: &Input, there: &Value) -> Result<(), Problem> {
    let class = text(there, "/storage/storageClass");
    if input.storage_class.is_some() && input.storage_class.as_deref() != class {
        let message = format!("its volumes exist already, in StorageClass `{}`", short(class.unwrap_or("the default one")));
        return Err(Problem::argument(
            "storage_class",
            message,
            "Leave it out; make another tablespace in the other class, and move tables there.",
        ));
    }
    let before = text(there, "/storage/size");
    let smaller = |size: &str| before.and_then(quantity::value) > quantity::value(size);
    if let Some(size) = input.size.as_deref().filter(|size| smaller(size)) {
        let message = format!("it has {}, and volumes cannot shrink to {}", short(before.unwrap_or_default()), short(size));
        return Err(Problem::argument("size", message, "Make a smaller tablespace beside it, and move tables there."));
    }
    Ok(())
}

fn grown(input: &Input, there: &Value) -> Vec<String> {
    let grows = input.size.as_deref().is_some_and(|size| text(there, "/storage/size") != Some(size));
    if grows { vec!["its volumes grow in place, if their StorageClass can; they cannot shrink again".into()] } else { Vec::new() }
}

fn state<'a>(cluster: &'a Value, name: &str) -> Option<&'a Value> {
    list(cluster, "/status/tablespacesStatus").iter().find(|one| text(one, "/name") == Some(name))
}

fn judge(cluster: &Value, name: &str) -> (Verdict, String) {
    let state = state(cluster, name);
    let error = state.and_then(|one| text(one, "/error")).map(short);
    let word = state.and_then(|one| text(one, "/state")).unwrap_or("not looked at by the operator yet");
    let verdict = match (word, &error) {
        (_, Some(_)) => Verdict::Failed,
        ("reconciled", _) => Verdict::Reached,
        _ => Verdict::Going,
    };
    (verdict, format!("Tablespace {name}: {}{}", short(word), error.map(|one| format!(" ({one})")).unwrap_or_default()))
}
