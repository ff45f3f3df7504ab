//! An API server in memory for unit tests: keeps objects, records every request, and refuses or watches as the test says. It knows
//! nothing of schemas; the real things are exercised in tests/it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod api;
mod json_patch;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use portcullis_plugin::kubernetes::{Cause, DeleteOptions, ListOptions, LogOptions, Reply, Status, Target, WriteOptions};
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Question};
use crate::call::{Call, Context};
use crate::catalogue;
use crate::json::{merged, text};
use crate::port::Host;
use crate::settings::Settings;

/// 2026-11-21T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_262_400;

/// The kinds of CloudNativePG 1.30.
const SERVED: [&str; 11] = [
    "clusters",
    "backups",
    "scheduledbackups",
    "poolers",
    "databases",
    "databaseroles",
    "publications",
    "subscriptions",
    "imagecatalogs",
    "clusterimagecatalogs",
    "failoverquorums",
];

/// One request, as it was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) verb: &'static str,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
    pub(crate) body: Value,
    pub(crate) form: String,
    pub(crate) dry_run: bool,
    pub(crate) write: Option<WriteOptions>,
    pub(crate) delete: Option<DeleteOptions>,
    pub(crate) list: Option<ListOptions>,
    pub(crate) logs: Option<LogOptions>,
}

/// What a watch does next, after this many milliseconds.
pub(crate) enum Step {
    Event(u64, &'static str, Value),
    /// Nothing, until the caller's time-out.
    Silence,
    /// The server closes the watch.
    End,
    Fail(Status),
}

/// A refusal to come: verb, plural (`*`: any), how often.
struct Fault {
    verb: &'static str,
    plural: &'static str,
    left: u32,
    status: Status,
}

/// The stand-in.
#[derive(Default)]
pub(crate) struct Fake {
    objects: RefCell<Vec<(String, Value)>>,
    requests: RefCell<Vec<Request>>,
    faults: RefCell<Vec<Fault>>,
    /// Runs before the next patch or delete: what somebody else did in between.
    pub(crate) meanwhile: RefCell<Option<Value>>,
    /// What somebody else writes after that many writes of ours, without our next one being refused for it: its own precondition must.
    others: RefCell<Vec<(usize, String, Value)>>,
    writes: Cell<usize>,
    pub(crate) steps: RefCell<VecDeque<Step>>,
    pub(crate) warnings: RefCell<Vec<String>>,
    pub(crate) page: Cell<usize>,
    pub(crate) progress: RefCell<Vec<String>>,
    pub(crate) pauses: RefCell<Vec<u64>>,
    pub(crate) logged: RefCell<Vec<String>>,
    /// How often the host was told to ask for the tools anew.
    pub(crate) tools_changed: Cell<usize>,
    clock_ms: Cell<u64>,
    logs: RefCell<Vec<(String, String)>>,
    served: RefCell<Vec<String>>,
    /// What instances say of themselves, merged into the usual.
    live: RefCell<Vec<(String, Value)>>,
    /// What a SelfSubjectRulesReview answers.
    pub(crate) access: RefCell<Value>,
    randoms: Cell<u8>,
    pub(crate) context: RefCell<Context>,
    pub(crate) settings: RefCell<Settings>,
}

pub(crate) fn status(code: u16, reason: &str, message: &str) -> Status {
    Status::new(code, reason, message)
}

/// A 422 with its causes.
pub(crate) fn invalid(field: &str, message: &str) -> Status {
    let cause = Cause { reason: "FieldValueInvalid".into(), message: message.into(), field: field.into() };
    Status { causes: vec![cause], ..Status::new(422, "Invalid", "Cluster is invalid") }
}

/// A pod of cluster `db` that is ready, and owned by it.
pub(crate) fn pod(name: &str, role: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "resourceVersion": "5",
            "labels": {"cnpg.io/cluster": "db", "cnpg.io/podRole": "instance", "cnpg.io/instanceRole": role, "cnpg.io/instanceName": name},
            "ownerReferences": [{"kind": "Cluster", "name": "db", "uid": "uid-db"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A healthy cluster.
pub(crate) fn cluster(namespace: &str, name: &str, instances: i64) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}"), "resourceVersion": "10",
            "creationTimestamp": "2026-11-20T12:00:00Z"},
        "spec": {"instances": instances, "storage": {"size": "10Gi"}},
        "status": {"instances": instances, "readyInstances": instances, "phase": "Cluster in healthy state",
            "currentPrimary": format!("{name}-1"), "targetPrimary": format!("{name}-1")},
    })
}

impl Fake {
    pub(crate) fn new() -> Self {
        let fake = Self::default();
        fake.context.borrow_mut().deadline_ms = 60_000;
        let all = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        *fake.access.borrow_mut() = json!({"status": {"resourceRules": [all], "incomplete": false}});
        *fake.served.borrow_mut() = SERVED.iter().map(|one| (*one).to_owned()).collect();
        fake
    }

    pub(crate) fn with(self, plural: &str, object: Value) -> Self {
        self.objects.borrow_mut().push((plural.into(), object));
        self
    }

    pub(crate) fn failing(self, verb: &'static str, plural: &'static str, times: u32, status: Status) -> Self {
        self.faults.borrow_mut().push(Fault { verb, plural, left: times, status });
        self
    }

    pub(crate) fn watching(self, steps: Vec<Step>) -> Self {
        self.steps.borrow_mut().extend(steps);
        self
    }

    /// Runs a tool the way the component does, and holds its answer against the output schema.
    pub(crate) fn run(&self, tool: &str, arguments: Value) -> Outcome {
        let entry = catalogue::find(tool).expect("a tool of the catalogue");
        let schema = crate::parameter::input_schema(&entry.takes());
        assert!(jsonschema::is_valid(&schema, &arguments), "arguments against the input schema: {arguments}");
        let (context, settings) = (self.context.borrow().clone(), self.settings.borrow().clone());
        let call = Call { api: self, host: self, context: &context, settings: &settings };
        let outcome = entry.call(&call, &arguments.to_string()).unwrap_or_else(|problem| Outcome::Done(problem.into()));
        if let Outcome::Done(answer) = &outcome {
            let validator = jsonschema::validator_for(&entry.shape.schema()).expect("an output schema");
            let errors: Vec<String> = validator.iter_errors(&answer.structured).map(|one| one.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} in {}", answer.structured);
            let long = answer.text.len().max(answer.structured.to_string().len());
            // What reads has pages and sections, and must not need the fence.
            assert!(!entry.hints.read_only || long <= crate::answer::BUDGET, "{long} characters");
        }
        outcome.fitted()
    }

    pub(crate) fn answer(&self, tool: &str, arguments: Value) -> Answer {
        match self.run(tool, arguments) {
            Outcome::Done(answer) => answer,
            Outcome::Ask(question) => panic!("asked: {question:?}"),
        }
    }

    pub(crate) fn question(&self, tool: &str, arguments: Value) -> Question {
        match self.run(tool, arguments) {
            Outcome::Ask(question) => question,
            Outcome::Done(answer) => panic!("answered: {}", answer.text),
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// Requests of a verb.
    pub(crate) fn made(&self, verb: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|one| one.verb == verb).collect()
    }

    fn record(&self, request: Request) -> Result<(), Status> {
        let mut faults = self.faults.borrow_mut();
        let hit = faults
            .iter_mut()
            .find(|one| one.left > 0 && one.verb == request.verb && ["*", request.plural.as_str()].contains(&one.plural));
        self.requests.borrow_mut().push(request);
        match hit {
            None => Ok(()),
            Some(fault) => {
                fault.left -= 1;
                Err(fault.status.clone())
            }
        }
    }

    fn request(verb: &'static str, target: &Target) -> Request {
        Request {
            verb,
            plural: target.plural.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            subresource: target.subresource.clone(),
            ..Request::default()
        }
    }

    fn find(&self, target: &Target) -> Result<Value, Status> {
        let fits = |object: &Value| {
            text(object, "/metadata/name") == target.name.as_deref()
                && text(object, "/metadata/namespace") == target.namespace.as_deref()
        };
        let objects = self.objects.borrow();
        let found = objects.iter().find(|(plural, object)| *plural == target.plural && fits(object));
        found.map(|(_, object)| object.clone()).ok_or_else(|| status(404, "NotFound", "not found"))
    }

    /// A new object, with what the API server fills in.
    fn born(&self, target: &Target, object: Value, dry_run: bool) -> Value {
        let count = self.objects.borrow().len();
        let filled =
            json!({"metadata": {"uid": format!("uid-new-{count}"), "resourceVersion": "1"}, "spec": {"enablePDB": true}});
        let object = merged(&object, &filled);
        if dry_run {
            // What was not stored has no version.
            return merged(&object, &json!({"metadata": {"resourceVersion": null}}));
        }
        self.objects.borrow_mut().push((target.plural.clone(), object.clone()));
        object
    }

    /// The next version of an object.
    fn store(&self, target: &Target, object: Value, dry_run: bool) -> Value {
        if dry_run {
            return object;
        }
        let next = text(&object, "/metadata/resourceVersion").and_then(|one| one.parse::<u64>().ok()).unwrap_or(0) + 1;
        let object = merged(&object, &json!({"metadata": {"resourceVersion": next.to_string()}}));
        let name = text(&object, "/metadata/name").map(str::to_owned);
        for (plural, old) in self.objects.borrow_mut().iter_mut() {
            if *plural == target.plural
                && text(old, "/metadata/name") == name.as_deref()
                && text(old, "/metadata/namespace") == target.namespace.as_deref()
            {
                *old = object.clone();
            }
        }
        object
    }

    /// Somebody else makes or replaces an object after so many writes of ours.
    pub(crate) fn interlope(&self, after: usize, plural: &str, object: Value) {
        self.others.borrow_mut().push((after, plural.into(), object));
    }

    fn write(&self, request: Request) -> Result<(), Status> {
        let writes = self.writes.replace(self.writes.get() + 1);
        let due = self.others.borrow_mut().extract_if(.., |(after, ..)| *after <= writes).collect::<Vec<_>>();
        for (_, plural, object) in due {
            let word = |pointer: &str| text(&object, pointer).map(str::to_owned);
            let (namespace, name) = (word("/metadata/namespace"), word("/metadata/name"));
            self.forget(&Target {
                group: String::new(),
                version: String::new(),
                plural: plural.clone(),
                namespace,
                name,
                subresource: None,
            });
            self.objects.borrow_mut().push((plural, object));
        }
        self.record(request)
    }

    fn forget(&self, target: &Target) {
        let is = |one: &Value| {
            text(one, "/metadata/name") == target.name.as_deref()
                && text(one, "/metadata/namespace") == target.namespace.as_deref()
        };
        self.objects.borrow_mut().retain(|(plural, one)| *plural != target.plural || !is(one));
    }

    /// An object as it is now.
    pub(crate) fn stored(&self, plural: &str, name: &str) -> Option<Value> {
        let objects = self.objects.borrow();
        objects.iter().find(|(kind, one)| kind == plural && text(one, "/metadata/name") == Some(name)).map(|(_, one)| one.clone())
    }

    /// What an instance says of itself when asked live, where it differs from the usual.
    pub(crate) fn saying(self, pod: &str, status: Value) -> Self {
        self.live.borrow_mut().push((pod.into(), status));
        self
    }

    /// What a pod has logged.
    pub(crate) fn logging(self, pod: &str, lines: &str) -> Self {
        self.logs.borrow_mut().push((pod.into(), lines.into()));
        self
    }

    /// An older CloudNativePG, without these kinds.
    pub(crate) fn without(self, plurals: &[&str]) -> Self {
        self.served.borrow_mut().retain(|one| !plurals.contains(&one.as_str()));
        self
    }

    fn reply(&self, object: &Value) -> Reply {
        Reply { body: object.to_string(), warnings: self.warnings.borrow().clone() }
    }

    /// Somebody else writes first: the precondition fails.
    fn somebody_else(&self) -> Result<(), Status> {
        let Some(object) = self.meanwhile.borrow_mut().take() else { return Ok(()) };
        for (plural, old) in self.objects.borrow_mut().iter_mut() {
            if (plural == "clusters" || object.get("kind").is_none() || old.get("kind") == object.get("kind"))
                && old.pointer("/metadata/name") == object.pointer("/metadata/name")
            {
                *old = object.clone();
            }
        }
        Err(status(409, "Conflict", "the object has been modified"))
    }
}

impl Host for Fake {
    fn now(&self) -> i64 {
        NOW
    }

    fn elapsed_ms(&self) -> u64 {
        self.clock_ms.get()
    }

    fn pause(&self, milliseconds: u64) {
        self.clock_ms.set(self.clock_ms.get() + milliseconds);
        self.pauses.borrow_mut().push(milliseconds);
    }

    fn progress(&self, _: u32, message: &str) {
        self.progress.borrow_mut().push(message.into());
    }

    fn log(&self, message: &str) {
        self.logged.borrow_mut().push(message.into());
    }

    fn tools_changed(&self) {
        self.tools_changed.set(self.tools_changed.get() + 1);
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        let first = self.randoms.get();
        self.randoms.set(first.wrapping_add(101));
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = first.wrapping_add(u8::try_from(place % 251).unwrap().wrapping_mul(37));
        }
        true
    }
}
