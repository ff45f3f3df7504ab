//! wait_for: watches one object until it is as it should be, with progress. What that means for each kind is the table here.

use portcullis_plugin::kubernetes::Kind;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Outcome};
use crate::arguments::read;
use crate::backup::Backup;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::cluster::Cluster;
use crate::everywhere::{FIND, namespace_of};
use crate::json::{integer, json, text};
use crate::kind::{BACKUPS, CLUSTERS, DATABASE_ROLES, DATABASES, POOLERS, PUBLICATIONS, SUBSCRIPTIONS};
use crate::name::OBJECT_PATTERN;
use crate::parameter::{NAMESPACE, Parameter, Takes};
use crate::phase::{self, Health};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;
use crate::time;
use crate::watching::{self, End, Verdict};

/// How far an object of a kind is, and its state in words.
type Ready = fn(&Value) -> (Verdict, String);

/// Word of the parameter, kind, and when it is ready.
const KINDS: [(&str, Kind, Ready); 7] = [
    ("cluster", CLUSTERS, cluster),
    ("backup", BACKUPS, backup),
    ("pooler", POOLERS, pooler),
    ("database", DATABASES, applied),
    ("role", DATABASE_ROLES, applied),
    ("publication", PUBLICATIONS, applied),
    ("subscription", SUBSCRIPTIONS, applied),
];

pub(crate) const TOOL: Entry = Entry {
    name: "wait_for",
    title: "Wait for an object",
    description: "Wait, with progress, until a cluster is healthy with all instances ready, a backup is completed, a pooler runs, or a database, role, publication or subscription is applied; or until any of them is deleted. Ends at once at states that lead nowhere.",
    parameters: &[
        Parameter::required(
            "kind",
            Takes::Choice(&["cluster", "backup", "pooler", "database", "role", "publication", "subscription"]),
            "What to wait for.",
        ),
        Parameter::required("name", Takes::Text(OBJECT_PATTERN), "Name of the Kubernetes object."),
        Parameter::optional(
            "condition",
            Takes::Choice(&["ready", "deleted"]),
            "\"ready\"",
            "ready: as the kind understands it. deleted: until it is gone.",
        ),
        Parameter::optional(
            "timeout",
            Takes::Integer(1, 3600),
            "300",
            "Seconds to wait. Never longer than this server lets a call run.",
        ),
        NAMESPACE,
        FIND,
    ],
    shape: Shape {
        properties: r#"{
"kind": {"type": "string"}, "name": {"type": "string"}, "namespace": {"type": "string"}, "condition": {"type": "string"},
"met": {"type": "boolean"}, "outcome": {"enum": ["ready", "timed_out", "failed", "deleted", "not_watched"]},
"state": {"type": "string", "description": "As it was last seen"}, "waited_seconds": {"type": "integer"}
}"#,
        required: &["kind", "name", "namespace", "condition", "met", "outcome", "state", "waited_seconds"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[
        Rule::on(CLUSTERS, &["get", "list", "watch"]),
        Rule::on(BACKUPS, &["get", "list", "watch"]),
        Rule::on(POOLERS, &["get", "list", "watch"]),
        Rule::on(DATABASES, &["get", "list", "watch"]),
        Rule::on(DATABASE_ROLES, &["get", "list", "watch"]),
        Rule::on(PUBLICATIONS, &["get", "list", "watch"]),
        Rule::on(SUBSCRIPTIONS, &["get", "list", "watch"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    kind: String,
    name: String,
    condition: Option<String>,
    timeout: Option<u64>,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
}

fn cluster(object: &Value) -> (Verdict, String) {
    let cluster = Cluster(object);
    let words =
        format!("{} ({}/{} ready)", short(cluster.phase().unwrap_or("no phase yet")), cluster.ready(), cluster.instances());
    let verdict = match phase::health(cluster.phase()) {
        _ if cluster.is_settled_at(cluster.instances()) => Verdict::Reached,
        Health::Failed => Verdict::Failed,
        _ => Verdict::Going,
    };
    (verdict, words)
}

fn backup(object: &Value) -> (Verdict, String) {
    (Backup(object).verdict(), short(Backup(object).phase()))
}

fn pooler(object: &Value) -> (Verdict, String) {
    let (have, asked) = (integer(object, "/status/instances").unwrap_or(0), integer(object, "/spec/instances").unwrap_or(1));
    (if have >= asked { Verdict::Reached } else { Verdict::Going }, format!("{have}/{asked} running"))
}

/// `applied` of the generation that is there; false is tried again by the operator, so it is not the end.
fn applied(object: &Value) -> (Verdict, String) {
    let current = integer(object, "/status/observedGeneration") == integer(object, "/metadata/generation");
    let message = text(object, "/status/message").map(short).unwrap_or_default();
    match object.pointer("/status/applied").and_then(Value::as_bool).filter(|_| current) {
        Some(true) => (Verdict::Reached, "applied".into()),
        Some(false) => (Verdict::Going, format!("not applied: {message}")),
        None => (Verdict::Going, "not looked at yet".into()),
    }
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let Some((_, kind, ready)) = KINDS.into_iter().find(|(word, ..)| *word == input.kind) else {
        return Err(Problem::argument("kind", format!("`{}` is not known", short(&input.kind)), "See the input schema."));
    };
    let namespace = match input.all_namespaces {
        Some(true) => namespace_of(call, kind, &input.name)?,
        _ => call.namespace(input.namespace.as_deref()),
    };
    let target = kind.within(namespace.as_str()).named(&input.name);
    let gone = input.condition.as_deref() == Some("deleted");
    let object = match call.get(&target) {
        Err(problem) if problem.code == 404 && gone => return Ok(answer(&input, &namespace, "deleted", "gone already", 0).into()),
        other => other?,
    };
    let judge = |now: &Value| {
        let (verdict, words) = ready(now);
        (if gone { Verdict::Going } else { verdict }, format!("{} {}: {words}", input.kind, input.name))
    };
    let seen = watching::until(call, &target, object, input.timeout.unwrap_or(300), &judge);
    let (_, state) = ready(&seen.object);
    let outcome = match seen.end {
        End::Reached => "ready",
        End::TimedOut => "timed_out",
        End::Failed => "failed",
        End::Deleted => "deleted",
        End::Blind(problem) => return Err(problem),
    };
    Ok(answer(&input, &namespace, outcome, &state, seen.took_ms / 1000).into())
}

fn answer(input: &Input, namespace: &str, outcome: &str, state: &str, seconds: u64) -> Answer {
    let condition = input.condition.as_deref().unwrap_or("ready");
    let met = outcome == condition;
    let took = time::span(i64::try_from(seconds).unwrap_or(0));
    let text = format!(
        "{} `{namespace}/{}`: {} after {took} ({}). Last seen: {state}.\n",
        input.kind,
        input.name,
        if met { "the condition is met" } else { "**the condition is not met**" },
        outcome.replace('_', " ")
    );
    let structured = json!({
        "kind": input.kind, "name": input.name, "namespace": namespace, "condition": condition, "met": met, "outcome": outcome,
        "state": state, "waited_seconds": seconds,
    });
    Answer::new(text, structured)
}
