//! The requests that the fake answers, as the API server would: preconditions, merge and JSON patches, apply, pages, watches.

use portcullis_plugin::kubernetes::{
    Api, DeleteOptions, Event, GetRequest, ListOptions, ListRequest, LogOptions, METADATA, PatchKind, Read, Reply, Status, TABLE,
    Target, Watch, WriteOptions,
};
use serde_json::{Value, json};

use super::{Fake, Request, Step, json_patch, status};
use crate::json::{label, merged, text};

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

/// Optimistic locking: a body that names a version is about that version.
fn fenced(body: &Value, live: &Value) -> Result<(), Status> {
    let version = text(body, "/metadata/resourceVersion");
    if version.is_none_or(|one| Some(one) == text(live, "/metadata/resourceVersion")) {
        return Ok(());
    }
    Err(status(409, "Conflict", "the object has been modified"))
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
        let object: Value = serde_json::from_str(object).expect("JSON");
        let request = Self::request("create", target);
        self.write(Request { body: object.clone(), dry_run: options.dry_run, write: Some(options.clone()), ..request })?;
        let name = text(&object, "/metadata/name").map(str::to_owned);
        if self.find(&Target { name, ..target.clone() }).is_ok() {
            return Err(status(409, "AlreadyExists", "already exists"));
        }
        Ok(self.reply(&self.born(target, object, options.dry_run)))
    }

    fn apply(&self, target: &Target, object: &str, options: &WriteOptions, force: bool) -> Result<Reply, Status> {
        assert!(!force, "nobody's field is taken by force");
        let object: Value = serde_json::from_str(object).expect("JSON");
        let request = Self::request("apply", target);
        self.write(Request { body: object.clone(), dry_run: options.dry_run, write: Some(options.clone()), ..request })?;
        self.somebody_else()?;
        let stored = match self.find(target) {
            Ok(live) => {
                fenced(&object, &live)?;
                self.store(target, merged(&live, &object), options.dry_run)
            }
            Err(_) => self.born(target, object, options.dry_run),
        };
        if options.reply == METADATA {
            return Ok(self.reply(&json!({"kind": "PartialObjectMetadata", "metadata": stored["metadata"]})));
        }
        Ok(self.reply(&stored))
    }

    fn patch(&self, target: &Target, kind: PatchKind, patch: &str, options: &WriteOptions) -> Result<Reply, Status> {
        let patch: Value = serde_json::from_str(patch).expect("JSON");
        let request = Self::request("patch", target);
        self.write(Request { body: patch.clone(), dry_run: options.dry_run, write: Some(options.clone()), ..request })?;
        self.somebody_else()?;
        let live = self.find(target)?;
        let wanted = match kind {
            PatchKind::Merge => {
                fenced(&patch, &live)?;
                merged(&live, &patch)
            }
            PatchKind::Json => json_patch::apply(&live, &patch)?,
        };
        Ok(self.reply(&self.store(target, wanted, options.dry_run)))
    }

    fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Reply, Status> {
        self.write(Request { dry_run: options.dry_run, delete: Some(options.clone()), ..Self::request("delete", target) })?;
        self.somebody_else()?;
        let live = self.find(target)?;
        let version = options.resource_version.as_deref().is_none_or(|one| Some(one) == text(&live, "/metadata/resourceVersion"));
        if !(version && options.uid.as_deref().is_none_or(|one| Some(one) == text(&live, "/metadata/uid"))) {
            return Err(status(409, "Conflict", "the precondition does not hold"));
        }
        if live.pointer("/metadata/finalizers").is_some() {
            self.store(
                target,
                merged(&live, &json!({"metadata": {"deletionTimestamp": "2026-11-21T12:00:00Z"}})),
                options.dry_run,
            );
        } else if !options.dry_run {
            self.forget(target);
        }
        Ok(self.reply(&json!({"kind": "Status", "status": "Success"})))
    }

    fn watch(&self, target: &Target, options: &ListOptions, _: &str, _: u32) -> Result<Box<dyn Watch + '_>, Status> {
        self.record(Request { list: Some(options.clone()), ..Self::request("watch", target) })?;
        Ok(Box::new(FakeWatch { fake: self, ended: false }))
    }

    fn logs(&self, target: &Target, options: &LogOptions) -> Result<String, Status> {
        self.record(Request { logs: Some(options.clone()), ..Self::request("logs", target) })?;
        let logs = self.logs.borrow();
        let of = |name: &str| logs.iter().find(|(pod, _)| pod == name).map(|(_, lines)| lines.clone());
        target.name.as_deref().and_then(of).ok_or_else(|| status(404, "NotFound", "pods not found"))
    }

    fn get_proxy(&self, target: &Target, path: &str) -> Result<Reply, Status> {
        self.record(Request { body: path.into(), ..Self::request("proxy", target) })?;
        let name = target.name.as_deref().and_then(|name| name.split(':').nth(1)).unwrap_or_default();
        let primary = name.ends_with("-1");
        let usual = json!({
            "isPrimary": primary, "currentLsn": "0/3000060", "replayLsn": "0/3000000", "isWalReceiverActive": !primary, "timeLineID": 1,
            "replicationInfo": if primary { json!([{"applicationName": "db-2", "state": "streaming", "syncState": "async", "replayLag": "0s"}]) } else { json!([]) },
        });
        let said = self.live.borrow();
        let said = said.iter().find(|(pod, _)| pod == name).map_or(usual.clone(), |(_, said)| merged(&usual, said));
        Ok(self.reply(&said))
    }

    fn access(&self, namespace: &str) -> Result<Reply, Status> {
        self.record(Request { verb: "access", namespace: Some(namespace.into()), ..Request::default() })?;
        Ok(self.reply(&self.access.borrow()))
    }

    fn discover(&self, group: &str, _: &str) -> Result<Reply, Status> {
        self.record(Request { verb: "discover", plural: group.into(), ..Request::default() })?;
        let resources: Vec<Value> = self.served.borrow().iter().map(|name| json!({"name": name})).collect();
        Ok(self.reply(&json!({"kind": "APIResourceList", "resources": resources})))
    }

    fn server_version(&self) -> Result<Reply, Status> {
        self.record(Request { verb: "version", ..Request::default() })?;
        Ok(self.reply(&json!({"major": "1", "minor": "34", "gitVersion": "v1.34.1"})))
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
