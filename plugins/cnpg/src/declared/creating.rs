//! Declares one: checks the cluster, finds what is declared already, posts the object and waits until the operator has carried it out.

use serde_json::{Map, Value};

use super::{Declared, Place, all, check, cluster, search, target};
use crate::answer::{Answer, warnings};
use crate::applied;
use crate::call::{Call, MANAGER, Written};
use crate::diff;
use crate::json::{json, text};
use crate::kind::{CLUSTER_LABEL, CNPG};
use crate::naming;
use crate::problem::Problem;
use crate::text::short;
use crate::yaml;

/// The properties of the answer (JSON text), and those that are always there.
pub(crate) const PROPERTIES: &str = r#"{
"name": {"type": "string", "description": "What it is called in PostgreSQL"}, "crd_name": {"type": "string", "description": "Name of the object that declares it"},
"namespace": {"type": "string"}, "cluster": {"type": "string"},
"created": {"type": "boolean"}, "dry_run": {"type": "boolean"},
"manifest": {"type": "object", "description": "What was sent, or what is there already"},
"server_defaults": {"type": "array", "items": {"type": "object"}, "description": "What the API server added"},
"notes": {"type": "array", "items": {"type": "string"}},
"warnings": {"type": "array", "items": {"type": "string"}},
"wait": {"type": ["object", "null"]}
}"#;
pub(crate) const REQUIRED: &[&str] = &["name", "crd_name", "namespace", "cluster", "created", "dry_run", "notes", "warnings"];

/// What is wanted.
pub(crate) struct Wanted<'a> {
    pub(crate) place: Place<'a>,
    /// Of the spec, what goes beyond place and policy; `Null`s are left out.
    pub(crate) spec: Map<String, Value>,
    pub(crate) policy: Option<&'a str>,
    pub(crate) notes: Vec<String>,
    pub(crate) dry_run: Option<bool>,
    pub(crate) wait: Option<bool>,
    pub(crate) timeout: Option<i64>,
    /// The tool that changes it, for when it is there already and differs.
    pub(crate) update: Option<&'static str>,
}

/// Declares it. `examine` is shown the Cluster when it is sure that something is sent, and may refuse, prepare or add notes.
pub(crate) fn create(
    call: &Call<'_>,
    what: &Declared,
    mut wanted: Wanted<'_>,
    examine: &dyn Fn(&Value) -> Result<Vec<String>, Problem>,
) -> Result<Answer, Problem> {
    let place = wanted.place;
    check(what.parameter, place.name)?;
    let cluster = cluster(call, place.namespace, place.cluster)?;
    let among = all(call, what.kind, place.namespace)?;
    let spec = spec(what, &mut wanted);
    if let Some(found) = search(what, &among, &place)? {
        return same(what, &wanted, &spec, found);
    }
    wanted.notes.extend(examine(&cluster)?);
    let plain = naming::object(place.cluster, &place.path());
    let taken = among.iter().any(|one| text(one, "/metadata/name") == Some(&plain));
    let name = if taken { naming::hashed(place.cluster, &place.path()) } else { plain };
    let manifest = manifest(what, &place, &name, spec);
    let dry_run = wanted.dry_run.unwrap_or(false);
    let written = call.create(&what.kind.within(place.namespace), &manifest, dry_run)?;
    if dry_run {
        return Ok(rehearsed(what, &wanted, &manifest, &written));
    }
    call.host.log(&format!("declared {} {}/{name}", what.noun, place.namespace));
    created(call, what, &wanted, &manifest, written)
}

fn spec(what: &Declared, wanted: &mut Wanted<'_>) -> Value {
    let mut spec = std::mem::take(&mut wanted.spec);
    spec.retain(|_, value| !value.is_null());
    spec.insert("cluster".into(), json!({"name": wanted.place.cluster}));
    spec.insert("name".into(), wanted.place.name.into());
    if let Some(database) = wanted.place.database {
        spec.insert("dbname".into(), database.into());
    }
    spec.insert(what.policy.into(), wanted.policy.unwrap_or("retain").into());
    Value::Object(spec)
}

fn manifest(what: &Declared, place: &Place<'_>, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("{CNPG}/v1"), "kind": what.word,
        "metadata": {
            "name": name, "namespace": place.namespace,
            "labels": {CLUSTER_LABEL: place.cluster, "app.kubernetes.io/managed-by": MANAGER},
        },
        "spec": spec,
    })
}

/// It is declared already: as wanted, or otherwise.
fn same(what: &Declared, wanted: &Wanted<'_>, spec: &Value, found: &Value) -> Result<Answer, Problem> {
    let there = found.get("spec").unwrap_or(&Value::Null);
    let fields = spec.as_object().into_iter().flatten();
    let differ: Vec<String> = fields
        .filter(|(key, value)| there.get(key.as_str()) != Some(*value))
        .map(|(key, value)| {
            let is = there.get(key.as_str()).map_or_else(|| "not set".to_owned(), |one| short(&one.to_string()));
            format!("{key} is {is}, not {}", short(&value.to_string()))
        })
        .collect();
    let (name, object) = (short(wanted.place.name), text(found, "/metadata/name").unwrap_or_default());
    if !differ.is_empty() {
        let message = format!("{} `{name}` is declared already by `{object}`, and differs: {}", what.noun, differ.join("; "));
        let hint = wanted.update.map_or_else(
            || "Nothing was changed. Delete it first, or choose another name.".to_owned(),
            |tool| format!("Nothing was changed. Change it with `{tool}`, or choose another name."),
        );
        return Err(Problem::refused("AlreadyExists", message, hint).next(what.look));
    }
    let mut structured = structured(wanted, found, &[]);
    put(&mut structured, "created", false.into());
    let next = what.look.first().copied().unwrap_or_default();
    let text = format!(
        "{} `{name}` of cluster `{}/{}` is declared already as asked, by `{object}`: nothing was changed.\n\nNext: `{next}`.\n",
        what.word, wanted.place.namespace, wanted.place.cluster
    );
    Ok(Answer::new(text, structured))
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
}

fn structured(wanted: &Wanted<'_>, manifest: &Value, texts: &[String]) -> Value {
    let dry_run = wanted.dry_run.unwrap_or(false);
    json!({
        "name": wanted.place.name, "crd_name": text(manifest, "/metadata/name"), "namespace": wanted.place.namespace,
        "cluster": wanted.place.cluster, "created": !dry_run, "dry_run": dry_run, "manifest": diff::without_bookkeeping(manifest),
        "server_defaults": [], "notes": wanted.notes, "warnings": texts, "wait": null,
    })
}

fn lines(notes: &[String]) -> String {
    notes.iter().map(|note| format!("- {note}\n")).collect()
}

fn rehearsed(what: &Declared, wanted: &Wanted<'_>, manifest: &Value, written: &Written) -> Answer {
    let added = diff::changes(manifest, &written.object);
    let mut text = format!(
        "**Dry run**: the API server accepts {} `{}`; nothing was created.\n\n```yaml\n{}```\n",
        what.noun,
        short(wanted.place.name),
        yaml::block(manifest)
    );
    if !added.is_empty() {
        text.push_str(&format!("\nThe API server would add:\n{}", diff::markdown(&added)));
    }
    text.push_str(&lines(&wanted.notes));
    text.push_str(&warnings(&written.warnings));
    text.push_str("\nNext: the same call with `dry_run: false`.\n");
    let mut structured = structured(wanted, manifest, &written.warnings);
    put(&mut structured, "server_defaults", diff::structured(&added));
    Answer::new(text, structured)
}

fn created(call: &Call<'_>, what: &Declared, wanted: &Wanted<'_>, manifest: &Value, written: Written) -> Result<Answer, Problem> {
    let place = &wanted.place;
    let mut structured = structured(wanted, manifest, &written.warnings);
    put(&mut structured, "server_defaults", diff::structured(&diff::changes(manifest, &written.object)));
    let mut text = format!(
        "{} `{}` of cluster `{}/{}` is declared by `{}`; {}\n",
        what.word,
        short(place.name),
        place.namespace,
        place.cluster,
        text(manifest, "/metadata/name").unwrap_or_default(),
        if wanted.policy == Some("delete") { "deleting that drops it." } else { "deleting that leaves it in PostgreSQL." }
    );
    text.push_str(&lines(&wanted.notes));
    text.push_str(&warnings(&written.warnings));
    if wanted.wait.unwrap_or(true) {
        let target = target(what, manifest);
        let waited = applied::until_applied(call, &target, written.object, wanted.timeout);
        text.push_str(&format!("\n{}\n", waited.words(what.noun, what.look)?));
        put(&mut structured, "wait", waited.structured());
    }
    text.push_str(&format!("\nNext: `{}`.\n", what.look.first().copied().unwrap_or_default()));
    Ok(Answer::new(text, structured))
}
