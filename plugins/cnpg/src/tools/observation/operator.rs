//! get_operator_info: what Kubernetes and which CloudNativePG answer here, as far as it can be seen, and which tools the API server would
//! refuse. Also has the host ask for the tools anew, since some are withheld for kinds that may have come.

use portcullis_plugin::kubernetes::Target;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Format, Outcome};
use crate::arguments::read;
use crate::call::{Call, parse};
use crate::catalogue::{self, Entry, Hints};
use crate::image;
use crate::json::{integer, json, label, list, text, texts};
use crate::kind::DEPLOYMENTS;
use crate::offering;
use crate::parameter::{FORMAT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rights::Rights;
use crate::rule::Rule;
use crate::served::Served;
use crate::shape::Shape;
use crate::text::{count, short, table};
use crate::time;

/// By which Helm chart, manifests and OLM mark the operator's Deployment.
const SELECTOR: &str = "app.kubernetes.io/name=cloudnative-pg";
/// Where the manifests of CloudNativePG put it, and where it is looked for when all namespaces may not be.
const HOME: &str = "cnpg-system";
/// There is one per Kubernetes cluster; more are a finding.
const DEPLOYMENTS_MAX: u32 = 20;

/// The youngest kinds, and the versions that have no younger one.
const SINCE: [(&str, &str); 4] = [
    ("databaseroles", "1.30 or newer"),
    ("failoverquorums", "1.27 to 1.29"),
    ("databases", "1.25 or 1.26"),
    ("clusters", "older than 1.25"),
];

pub(crate) const TOOL: Entry = Entry {
    name: "get_operator_info",
    title: "CloudNativePG and Kubernetes versions",
    description: "Tell which Kubernetes this is, which kinds of CloudNativePG it serves and so which versions it may be, the operator's own Deployment (image, version, replicas) where it may be seen, and which tools lack RBAC rules in a namespace. Call it after CloudNativePG was installed or upgraded: this server then looks again which tools it can offer.",
    parameters: &[NAMESPACE, FORMAT],
    shape: Shape {
        properties: r#"{
"kubernetes_version": {"type": ["string", "null"]},
"installed": {"type": "boolean", "description": "Whether this API server knows the kinds of CloudNativePG"},
"kinds": {"type": "array", "items": {"type": "string"}, "description": "Plurals of group postgresql.cnpg.io"},
"version_by_kinds": {"type": ["string", "null"], "description": "What CloudNativePG may be, by the kinds that it has"},
"operators": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "namespace": {"type": "string"}, "image": {"type": ["string", "null"]}, "version": {"type": ["string", "null"]},
  "replicas": {"type": "integer"}, "ready_replicas": {"type": "integer"}, "created": {"type": ["string", "null"]}}}},
"rights": {"type": ["object", "null"], "description": "What the identity of this call may do; null: not seen", "properties": {
  "namespace": {"type": "string"},
  "complete": {"type": "boolean", "description": "false: the API server cannot list all that it allows, so that less may be lacking"},
  "lacking": {"type": "array", "items": {"type": "object", "properties": {
    "tool": {"type": "string"}, "rules": {"type": "array", "items": {"type": "string"}, "description": "verbs and resource"}}}}}},
"notes": {"type": "array", "items": {"type": "string"}}
}"#,
        required: &["kubernetes_version", "installed", "kinds", "version_by_kinds", "operators", "rights", "notes"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(DEPLOYMENTS, &["list"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    namespace: Option<String>,
    format: Option<Format>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let served = match Served::cnpg(call) {
        Ok(served) => served,
        Err(problem) if problem.code == 404 => Served::none(),
        Err(problem) => return Err(problem),
    };
    let mut notes = Vec::new();
    let operators = operators(call, &mut notes);
    let kubernetes = kubernetes(call, &mut notes);
    let version = SINCE.iter().find(|(kind, _)| served.has(kind)).map(|(_, version)| *version);
    if version.is_some() && operators.iter().all(|one| integer(one, "/ready_replicas") == Some(0)) && !operators.is_empty() {
        notes.push("no replica of the operator is ready: nothing that is asked of it happens until one is".into());
    }
    if operators.len() > 1 {
        notes.push("there is more than one operator: two that watch the same namespaces work against each other".into());
    }
    let rights = rights(call, &call.namespace(input.namespace.as_deref()), &served, &mut notes);
    let mut kinds = served.kinds();
    kinds.sort_unstable();
    let structured = json!({
        "kubernetes_version": kubernetes, "installed": version.is_some(), "kinds": kinds, "version_by_kinds": version,
        "operators": operators, "rights": rights, "notes": notes,
    });
    call.host.tools_changed();
    Ok(Answer::new(words(&structured, call.host.now()), structured).formatted(input.format).into())
}

fn kubernetes(call: &Call<'_>, notes: &mut Vec<String>) -> Option<String> {
    let found = call.api.server_version().map(|reply| parse(&reply.body));
    match found {
        Ok(Ok(version)) => text(&version, "/gitVersion").map(short),
        Ok(Err(problem)) => {
            notes.push(format!("the version of Kubernetes was not seen: {}", short(&problem.message)));
            None
        }
        Err(status) => {
            notes.push(format!("the version of Kubernetes was not seen: {}", short(&status.message)));
            None
        }
    }
}

/// The tools of this server that lack a rule, and which.
fn rights(call: &Call<'_>, namespace: &str, served: &Served, notes: &mut Vec<String>) -> Value {
    let rights = match Rights::read(call, namespace) {
        Ok(rights) => rights,
        Err(why) => {
            notes.push(format!("what this identity may do was not seen: {}", short(&why)));
            return Value::Null;
        }
    };
    let offered = catalogue::all().filter(|one| offering::withheld(one, call.settings.profile, Some(served)).is_none());
    let lacking: Vec<Value> = offered
        .map(|one| (one.name, rights.lacking(one, served)))
        .filter(|(_, rules)| !rules.is_empty())
        .map(|(name, rules)| json!({"tool": name, "rules": rules}))
        .collect();
    json!({"namespace": namespace, "complete": !rights.is_incomplete(), "lacking": lacking})
}

/// Everywhere, else where it usually is. That it may not be seen is no failure: most people may not look into its namespace.
fn operators(call: &Call<'_>, notes: &mut Vec<String>) -> Vec<Value> {
    let mut refusal = None;
    for place in [DEPLOYMENTS.everywhere(), DEPLOYMENTS.within(HOME)] {
        match deployments(call, place) {
            Ok(found) => {
                if found.is_empty() {
                    notes.push(format!("no Deployment with the label `{SELECTOR}` was found: the operator may run outside of this Kubernetes or under another label"));
                }
                return found;
            }
            Err(problem) => refusal = Some(problem),
        }
    }
    if let Some(problem) = refusal {
        let why = if problem.code == 403 { "not permitted" } else { "not seen" };
        notes.push(format!("the operator's Deployment: {why} ({})", short(&problem.message)));
    }
    Vec::new()
}

fn deployments(call: &Call<'_>, place: Target) -> Result<Vec<Value>, Problem> {
    let found = call.list(&place.list().labels(SELECTOR).limit(DEPLOYMENTS_MAX))?;
    Ok(list(&found, "/items").iter().map(deployment).collect())
}

fn deployment(object: &Value) -> Value {
    let containers = list(object, "/spec/template/spec/containers");
    let manager = containers.iter().find(|one| text(one, "/name") == Some("manager")).or_else(|| containers.first());
    let image = manager.and_then(|one| text(one, "/image"));
    let version = image.and_then(image::tag).or_else(|| label(object, "app.kubernetes.io/version"));
    json!({
        "name": text(object, "/metadata/name"), "namespace": text(object, "/metadata/namespace"), "image": image.map(short),
        "version": version.map(short), "replicas": integer(object, "/spec/replicas").unwrap_or(1),
        "ready_replicas": integer(object, "/status/readyReplicas").unwrap_or(0), "created": text(object, "/metadata/creationTimestamp"),
    })
}

fn words(info: &Value, now: i64) -> String {
    let word = |one: &Value, pointer: &str| text(one, pointer).unwrap_or("unknown").to_owned();
    let mut out = format!("- Kubernetes: {}\n", word(info, "/kubernetes_version"));
    match text(info, "/version_by_kinds") {
        Some(version) => {
            let kinds: Vec<&str> = list(info, "/kinds").iter().filter_map(Value::as_str).collect();
            out.push_str(&format!("- CloudNativePG, by its kinds: {version}\n- Kinds: {}\n", short(&kinds.join(", "))));
        }
        None => out.push_str("- CloudNativePG: **not installed**, this API server knows none of its kinds\n"),
    }
    let number = |one: &Value, pointer: &str| integer(one, pointer).unwrap_or(0);
    let row = |one: &Value| {
        vec![
            word(one, "/namespace"),
            word(one, "/name"),
            word(one, "/version"),
            format!("{}/{}", number(one, "/ready_replicas"), number(one, "/replicas")),
            time::age(text(one, "/created"), now),
            word(one, "/image"),
        ]
    };
    let rows: Vec<Vec<String>> = list(info, "/operators").iter().map(row).collect();
    if !rows.is_empty() {
        out.push_str(&format!("\n{}", table(&["Namespace", "Operator", "Version", "Ready", "Age", "Image"], &rows)));
    }
    out.push_str(&lacking(info));
    for note in list(info, "/notes").iter().filter_map(Value::as_str) {
        out.push_str(&format!("- {note}\n"));
    }
    out.push_str("\nThis server looks again which tools it can offer here.\n");
    out
}

/// The rights, for people; nothing if they were not seen.
fn lacking(info: &Value) -> String {
    let Some(namespace) = text(info, "/rights/namespace") else { return String::new() };
    let tools = list(info, "/rights/lacking");
    if tools.is_empty() {
        return format!("- In namespace `{namespace}` every tool has the RBAC rules that it needs\n");
    }
    let row = |one: &Value| vec![text(one, "/tool").unwrap_or_default().to_owned(), texts(one, "/rules").join("; ")];
    let rows: Vec<Vec<String>> = tools.iter().map(row).collect();
    let incomplete = match info.pointer("/rights/complete") {
        Some(Value::Bool(true)) => "",
        _ => " The API server cannot list all that it allows, so that it may be less.",
    };
    format!(
        "\n{} lack RBAC rules in namespace `{namespace}`. What a tool only shows besides is left out of its answer; all else is refused with the rule to add.{incomplete}\n\n{}\n",
        count(i64::try_from(tools.len()).unwrap_or(i64::MAX), "tool"),
        table(&["Tool", "Lacks"], &rows)
    )
}
