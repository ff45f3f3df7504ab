//! An API server in memory for unit tests: keeps objects, records every request, and refuses or watches as the test says. It knows
//! nothing of schemas; the real things are exercised in tests/it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use portcullis_plugin::kubernetes::{
    Api, Cause, DeleteOptions, Event, GetRequest, ListOptions, ListRequest, LogOptions, PatchKind, Read, Reply, Status, TABLE,
    Target, Watch, WriteOptions,
};
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Question};
use crate::call::{Call, Context};
use crate::catalogue;
use crate::json::{label, text};
use crate::port::Host;
use crate::settings::Settings;

/// 2026-11-21T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_262_400;

/// One request, as it was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) verb: &'static str,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) body: Value,
    pub(crate) form: String,
    pub(crate) dry_run: bool,
    pub(crate) write: Option<WriteOptions>,
    pub(crate) delete: Option<DeleteOptions>,
    pub(crate) list: Option<ListOptions>,
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
    pub(crate) steps: RefCell<VecDeque<Step>>,
    pub(crate) warnings: RefCell<Vec<String>>,
    pub(crate) page: Cell<usize>,
    pub(crate) progress: RefCell<Vec<String>>,
    clock_ms: Cell<u64>,
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
        let schema = crate::parameter::input_schema(entry.parameters);
        assert!(jsonschema::is_valid(&schema, &arguments), "arguments against the input schema: {arguments}");
        let (context, settings) = (self.context.borrow().clone(), self.settings.borrow().clone());
        let call = Call { api: self, host: self, context: &context, settings: &settings };
        let outcome = (entry.run)(&call, &arguments.to_string()).unwrap_or_else(|problem| Outcome::Done(problem.into()));
        if let Outcome::Done(answer) = &outcome {
            let validator = jsonschema::validator_for(&entry.shape.schema()).expect("an output schema");
            let errors: Vec<String> = validator.iter_errors(&answer.structured).map(|one| one.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} in {}", answer.structured);
            assert!(answer.text.chars().count() <= crate::answer::BUDGET, "{} characters", answer.text.len());
        }
        outcome
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

    fn reply(&self, object: &Value) -> Reply {
        Reply { body: object.to_string(), warnings: self.warnings.borrow().clone() }
    }

    /// Somebody else writes first: the precondition fails.
    fn somebody_else(&self) -> Result<(), Status> {
        let Some(object) = self.meanwhile.borrow_mut().take() else { return Ok(()) };
        for (plural, old) in self.objects.borrow_mut().iter_mut() {
            if plural == "clusters" && old.pointer("/metadata/name") == object.pointer("/metadata/name") {
                *old = object.clone();
            }
        }
        Err(status(409, "Conflict", "the object has been modified"))
    }
}

fn merge(object: &mut Value, patch: &Value) {
    match (object.as_object_mut(), patch.as_object()) {
        (Some(map), Some(changes)) => {
            for (key, value) in changes {
                merge(map.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        _ => *object = patch.clone(),
    }
}

/// The printer columns of the Cluster CRD.
fn table(items: &[Value], next: Option<&str>) -> Value {
    let columns = ["Name", "Age", "Instances", "Ready", "Status", "Primary"];
    let cell = |one: &Value, pointer: &str| one.pointer(pointer).cloned().unwrap_or_default();
    let rows: Vec<Value> = items
        .iter()
        .map(|one| {
            let cells = json!([
                cell(one, "/metadata/name"),
                "1d",
                cell(one, "/status/instances"),
                cell(one, "/status/readyInstances"),
                cell(one, "/status/phase"),
                cell(one, "/status/currentPrimary")
            ]);
            json!({"cells": cells, "object": {"kind": "PartialObjectMetadata", "metadata": cell(one, "/metadata")}})
        })
        .collect();
    let columns: Vec<Value> = columns.iter().map(|name| json!({"name": name})).collect();
    json!({"kind": "Table", "metadata": {"continue": next}, "columnDefinitions": columns, "rows": rows})
}

impl Api for Fake {
    fn get(&self, request: &GetRequest) -> Result<Reply, Status> {
        self.record(Self::request("get", &request.target))?;
        self.find(&request.target).map(|object| self.reply(&object))
    }

    fn list(&self, request: &ListRequest) -> Result<Reply, Status> {
        let (target, options) = (&request.target, &request.options);
        self.record(Request { form: request.form.clone(), list: Some(options.clone()), ..Self::request("list", target) })?;
        let labelled = |object: &Value| {
            let wanted = options.label_selector.as_deref().and_then(|one| one.split_once('='));
            wanted.is_none_or(|(key, value)| label(object, key) == Some(value))
        };
        let within =
            |object: &Value| target.namespace.is_none() || text(object, "/metadata/namespace") == target.namespace.as_deref();
        let objects = self.objects.borrow();
        let all = objects.iter().filter(|(plural, _)| *plural == target.plural).map(|(_, object)| object);
        let mut items: Vec<Value> = all.filter(|one| within(one) && labelled(one)).cloned().collect();
        items.sort_by_key(|one| {
            format!("{}/{}", text(one, "/metadata/namespace").unwrap_or(""), text(one, "/metadata/name").unwrap_or(""))
        });
        let from = options.continue_.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0);
        let size = if self.page.get() == 0 { items.len().max(1) } else { self.page.get() };
        let next = (from + size < items.len()).then(|| (from + size).to_string());
        let items: Vec<Value> = items.into_iter().skip(from).take(size).collect();
        if request.form == TABLE {
            return Ok(self.reply(&table(&items, next.as_deref())));
        }
        Ok(self.reply(&json!({"kind": "List", "metadata": {"continue": next}, "items": items})))
    }

    fn read_many(&self, requests: &[Read]) -> Vec<Result<Reply, Status>> {
        let one = |read: &Read| match read {
            Read::Get(request) => self.get(request),
            Read::List(request) => self.list(request),
        };
        requests.iter().map(one).collect()
    }

    fn create(&self, target: &Target, object: &str, options: &WriteOptions) -> Result<Reply, Status> {
        let mut object: Value = serde_json::from_str(object).expect("JSON");
        let request = Self::request("create", target);
        self.record(Request { body: object.clone(), dry_run: options.dry_run, write: Some(options.clone()), ..request })?;
        merge(&mut object, &json!({"metadata": {"uid": "uid-new", "resourceVersion": "1"}, "spec": {"enablePDB": true}}));
        if !options.dry_run {
            self.objects.borrow_mut().push((target.plural.clone(), object.clone()));
        }
        Ok(self.reply(&object))
    }

    fn apply(&self, _: &Target, _: &str, _: &WriteOptions, _: bool) -> Result<Reply, Status> {
        panic!("these tools never apply")
    }

    fn patch(&self, target: &Target, kind: PatchKind, patch: &str, options: &WriteOptions) -> Result<Reply, Status> {
        assert_eq!(kind, PatchKind::Merge);
        let patch: Value = serde_json::from_str(patch).expect("JSON");
        let request = Self::request("patch", target);
        self.record(Request { body: patch.clone(), dry_run: options.dry_run, write: Some(options.clone()), ..request })?;
        self.somebody_else()?;
        let mut object = self.find(target)?;
        merge(&mut object, &patch);
        Ok(self.reply(&object))
    }

    fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Reply, Status> {
        self.record(Request { dry_run: options.dry_run, delete: Some(options.clone()), ..Self::request("delete", target) })?;
        self.somebody_else()?;
        self.find(target)?;
        Ok(self.reply(&json!({"kind": "Status", "status": "Success"})))
    }

    fn watch(&self, target: &Target, options: &ListOptions, _: &str, _: u32) -> Result<Box<dyn Watch + '_>, Status> {
        self.record(Request { list: Some(options.clone()), ..Self::request("watch", target) })?;
        Ok(Box::new(FakeWatch { fake: self, ended: false }))
    }

    fn logs(&self, _: &Target, _: &LogOptions) -> Result<String, Status> {
        panic!("these tools read no logs")
    }

    fn get_proxy(&self, target: &Target, path: &str) -> Result<Reply, Status> {
        self.record(Request { body: path.into(), ..Self::request("proxy", target) })?;
        let primary = target.name.as_deref().is_some_and(|name| name.contains("-1:"));
        Ok(self.reply(&json!({
            "isPrimary": primary, "currentLsn": "0/3000060", "replayLsn": "0/3000000", "isWalReceiverActive": !primary, "timeLineID": 1,
            "replicationInfo": if primary { json!([{"applicationName": "db-2", "state": "streaming", "syncState": "async", "replayLag": "0s"}]) } else { json!([]) },
        })))
    }

    fn access(&self, _: &str) -> Result<Reply, Status> {
        panic!("these tools do not ask for their rules")
    }

    fn discover(&self, _: &str, _: &str) -> Result<Reply, Status> {
        panic!("these tools do not discover")
    }

    fn server_version(&self) -> Result<Reply, Status> {
        panic!("these tools do not ask for the version")
    }

    fn default_namespace(&self) -> String {
        "default".into()
    }
}

struct FakeWatch<'a> {
    fake: &'a Fake,
    ended: bool,
}

impl Watch for FakeWatch<'_> {
    fn next(&mut self, timeout_ms: u32) -> Result<Option<Event>, Status> {
        let clock = &self.fake.clock_ms;
        match self.fake.steps.borrow_mut().pop_front() {
            Some(Step::Event(after, kind, object)) => {
                clock.set(clock.get() + after);
                Ok(Some(Event { kind: kind.into(), object: object.to_string() }))
            }
            Some(Step::Fail(status)) => Err(status),
            Some(Step::End) => {
                self.ended = true;
                Ok(None)
            }
            Some(Step::Silence) | None => {
                clock.set(clock.get() + u64::from(timeout_ms));
                Ok(None)
            }
        }
    }

    fn ended(&self) -> bool {
        self.ended
    }
}

impl Host for Fake {
    fn now(&self) -> i64 {
        NOW
    }

    fn elapsed_ms(&self) -> u64 {
        self.clock_ms.get()
    }

    fn progress(&self, _: u32, message: &str) {
        self.progress.borrow_mut().push(message.into());
    }

    fn log(&self, _: &str) {}
}
