//! Plans: a change that was tried on the server without being made, and an id that holds only as long as nothing it was decided on has
//! moved. The id is a digest of the tool, its arguments (without passwords) and every object that the trial read; nothing is stored.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use portcullis_plugin::kubernetes::{
    Api, DeleteOptions, GetRequest, ListOptions, ListRequest, LogOptions, PatchKind, Read, Reply, Status, Target, Watch,
    WriteOptions,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::catalogue::Entry;
use crate::gitops::manifest;
use crate::json::{json, list, text};
use crate::problem::Problem;

/// Parameters that say who agreed or how to wait, not what is changed: the same plan with or without them.
const BESIDE: [&str; 6] = ["dry_run", "confirm_name", "confirm", "confirm_deletion", "wait", "timeout"];

/// The API server, with a note of every object that is read one by one: what a decision can rest on. Without a basis it is a trial and
/// writes nothing; with one it is the real thing, and an object that moved cannot be read.
struct Witness<'a> {
    api: &'a dyn Api,
    seen: RefCell<BTreeMap<String, Value>>,
    basis: Option<&'a BTreeMap<String, String>>,
    /// What the tool itself has changed since: of that, another state is no surprise.
    written: RefCell<BTreeSet<String>>,
}

/// Kinds whose lists are part of the basis: what tools act upon besides the object that they were given. Others (events, backups) grow
/// all the time.
const LISTED: [&str; 10] = [
    "pods",
    "persistentvolumeclaims",
    "databaseroles",
    "databases",
    "poolers",
    "publications",
    "subscriptions",
    "scheduledbackups",
    "imagecatalogs",
    "clusterimagecatalogs",
];

/// What a trial showed.
pub(crate) struct Trial {
    pub(crate) answer: Answer,
    pub(crate) id: String,
    /// Objects that it was decided on, by kind and name, each with a digest of its desired state.
    pub(crate) basis: BTreeMap<String, String>,
}

/// Tries a tool with `dryRun=All`.
pub(crate) fn attempt(call: &Call<'_>, entry: &Entry, arguments: &Map<String, Value>) -> Result<Trial, Problem> {
    let witness = Witness { api: call.api, seen: RefCell::default(), basis: None, written: RefCell::default() };
    let mut dry = arguments.clone();
    dry.insert("dry_run".into(), true.into());
    let watched = Call { api: &witness, ..*call };
    let answer = match entry.call(&watched, &Value::Object(dry).to_string())? {
        Outcome::Done(answer) => answer,
        Outcome::Ask(_) => {
            return Err(Problem::refused("NotATrial", format!("`{}` asks before it tries", entry.name), "Call it directly."));
        }
    };
    let basis: BTreeMap<String, String> = witness.seen.take().iter().map(|(key, object)| (key.clone(), moved(object))).collect();
    Ok(Trial { id: id(entry, arguments, &basis), answer, basis })
}

/// Does what was tried, on what it was tried on.
pub(crate) fn carry_out(
    call: &Call<'_>,
    entry: &Entry,
    arguments: &Map<String, Value>,
    trial: &Trial,
) -> Result<Outcome, Problem> {
    let witness = Witness { api: call.api, seen: RefCell::default(), basis: Some(&trial.basis), written: RefCell::default() };
    entry.call(&Call { api: &witness, ..*call }, &Value::Object(arguments.clone()).to_string())
}

/// What changes when somebody else changes the object: its identity and desired state. A status that the operator writes does not.
fn moved(object: &Value) -> String {
    hex(&json!([text(object, "/metadata/uid"), manifest(object)]).to_string())
}

/// The id is shown to people and models: of a password it says that there is one, and no digest that could be guessed at.
fn id(entry: &Entry, arguments: &Map<String, Value>, basis: &BTreeMap<String, String>) -> String {
    let what: Map<String, Value> = without_secrets(entry, arguments)
        .into_iter()
        .filter(|(key, value)| !BESIDE.contains(&key.as_str()) && !value.is_null())
        .collect();
    format!("plan-{}", hex(&json!([entry.name, what, basis]).to_string()))
}

/// The arguments without what must not be repeated.
pub(crate) fn without_secrets(entry: &Entry, arguments: &Map<String, Value>) -> Map<String, Value> {
    let secret = |name: &str| entry.parameters.iter().any(|one| one.name == name && one.is_secret());
    let shown = |(name, value): (&String, &Value)| {
        let value = if secret(name) && !value.is_null() { "[hidden]".into() } else { value.clone() };
        (name.clone(), value)
    };
    arguments.iter().map(shown).collect()
}

/// The first 128 bits of SHA-256: nobody makes a second change that fits the same id.
fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Witness<'_> {
    fn note(&self, target: &Target, reply: Result<Reply, Status>) -> Result<Reply, Status> {
        let object = match &reply {
            Ok(reply) => serde_json::from_str(&reply.body).unwrap_or(Value::Null),
            Err(status) if status.code == 404 => Value::Null,
            Err(_) => return reply,
        };
        self.look(key(target), object)?;
        reply
    }

    fn note_all(&self, request: &ListRequest, reply: Result<Reply, Status>) -> Result<Reply, Status> {
        let Ok(found) = &reply else { return reply };
        if LISTED.contains(&request.target.plural.as_str()) {
            let page: Value = serde_json::from_str(&found.body).unwrap_or(Value::Null);
            for one in list(&page, "/items") {
                let name = text(one, "/metadata/name").map(str::to_owned);
                let namespace = text(one, "/metadata/namespace").map(str::to_owned);
                self.look(key(&Target { name, namespace, ..request.target.clone() }), one.clone())?;
            }
        }
        reply
    }

    /// The first look is the one that was decided on; a later one must agree with the basis.
    fn look(&self, key: String, object: Value) -> Result<(), Status> {
        let planned = self.basis.and_then(|all| all.get(&key));
        if planned.is_some_and(|planned| *planned != moved(&object)) && !self.written.borrow().contains(&key) {
            return Err(Status::new(409, "Conflict", format!("{key} was changed after it was planned for")));
        }
        self.seen.borrow_mut().entry(key).or_insert(object);
        Ok(())
    }

    fn wrote<T>(&self, target: &Target, reply: Result<T, Status>) -> Result<T, Status> {
        if reply.is_ok() {
            self.written.borrow_mut().insert(key(target));
        }
        reply
    }

    /// A trial never writes, whatever the tool asks for.
    fn options(&self, options: &WriteOptions) -> WriteOptions {
        options.clone().dry_run(options.dry_run || self.basis.is_none())
    }
}

/// `plural namespace/name`, whatever the subresource.
fn key(target: &Target) -> String {
    let place = target.namespace.as_deref().map(|one| format!("{one}/")).unwrap_or_default();
    format!("{} {place}{}", target.plural, target.name.as_deref().unwrap_or_default())
}

impl Api for Witness<'_> {
    fn get(&self, request: &GetRequest) -> Result<Reply, Status> {
        self.note(&request.target, self.api.get(request))
    }
    fn list(&self, request: &ListRequest) -> Result<Reply, Status> {
        self.note_all(request, self.api.list(request))
    }
    fn read_many(&self, requests: &[Read]) -> Vec<Result<Reply, Status>> {
        let noted = |(read, reply): (&Read, Result<Reply, Status>)| match read {
            Read::Get(request) => self.note(&request.target, reply),
            Read::List(request) => self.note_all(request, reply),
        };
        requests.iter().zip(self.api.read_many(requests)).map(noted).collect()
    }
    fn create(&self, target: &Target, object: &str, options: &WriteOptions) -> Result<Reply, Status> {
        self.api.create(target, object, &self.options(options))
    }
    fn apply(&self, target: &Target, object: &str, options: &WriteOptions, force: bool) -> Result<Reply, Status> {
        self.wrote(target, self.api.apply(target, object, &self.options(options), force))
    }
    fn patch(&self, target: &Target, kind: PatchKind, patch: &str, options: &WriteOptions) -> Result<Reply, Status> {
        self.wrote(target, self.api.patch(target, kind, patch, &self.options(options)))
    }
    fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Reply, Status> {
        let options = DeleteOptions { dry_run: options.dry_run || self.basis.is_none(), ..options.clone() };
        self.wrote(target, self.api.delete(target, &options))
    }
    fn watch(&self, target: &Target, options: &ListOptions, form: &str, seconds: u32) -> Result<Box<dyn Watch + '_>, Status> {
        self.api.watch(target, options, form, seconds)
    }
    fn logs(&self, target: &Target, options: &LogOptions) -> Result<String, Status> {
        self.api.logs(target, options)
    }
    fn get_proxy(&self, target: &Target, path: &str) -> Result<Reply, Status> {
        self.api.get_proxy(target, path)
    }
    fn access(&self, namespace: &str) -> Result<Reply, Status> {
        self.api.access(namespace)
    }
    fn discover(&self, group: &str, version: &str) -> Result<Reply, Status> {
        self.api.discover(group, version)
    }
    fn server_version(&self) -> Result<Reply, Status> {
        self.api.server_version()
    }
    fn default_namespace(&self) -> String {
        self.api.default_namespace()
    }
}
