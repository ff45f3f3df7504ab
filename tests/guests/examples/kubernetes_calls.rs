//! Passes one request to the API server and says what came back, word for word: every function of the capability `kubernetes`.

use portcullis_plugin::kubernetes::{
    Api, DeleteOptions, Host, Kind, ListOptions, LogOptions, METADATA, OBJECT, PatchKind, Reply, Status, Target, WriteOptions,
};
use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};
use serde_json::{Value, json};

struct Relay;

#[derive(serde::Deserialize)]
#[serde(default)]
struct Arguments {
    op: String,
    plural: String,
    namespace: Option<String>,
    name: Option<String>,
    body: String,
    force: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        let none = String::new;
        Self {
            op: none(),
            plural: "pods".to_owned(),
            namespace: Some("default".to_owned()),
            name: None,
            body: none(),
            force: false,
        }
    }
}

impl Arguments {
    fn target(&self) -> Target {
        let target = Kind::new("", "v1", "").everywhere();
        Target { plural: self.plural.clone(), namespace: self.namespace.clone(), name: self.name.clone(), ..target }
    }
}

fn ask(api: &dyn Api, arguments: &Arguments) -> Result<Value, Status> {
    let (target, body, write) = (arguments.target(), arguments.body.as_str(), WriteOptions::strict("relay"));
    let reply = match arguments.op.as_str() {
        "get" => api.get(&target.get()),
        "metadata" => api.get(&target.get().form(METADATA)),
        "list" => api.list(&target.list().limit(10)),
        "create" => api.create(&target, body, &write),
        "apply" => api.apply(&target, body, &write, arguments.force),
        "merge" => api.patch(&target, PatchKind::Merge, body, &write),
        "json-patch" => api.patch(&target, PatchKind::Json, body, &write),
        "delete" => api.delete(&target, &DeleteOptions::default()),
        "proxy" => api.get_proxy(&target, body),
        "access" => api.access("default"),
        "discover" => api.discover("", "v1"),
        "version" => api.server_version(),
        "logs" => api.logs(&target, &LogOptions::default()).map(Reply::new),
        "namespace" => Ok(Reply::new(api.default_namespace())),
        "many" => return Ok(many(api, &target)),
        _ => return watch(api, &target),
    }?;
    Ok(json!({"body": reply.body, "warnings": reply.warnings}))
}

/// The same object in two forms, and a list.
fn many(api: &dyn Api, target: &Target) -> Value {
    let list = Target { name: None, ..target.clone() }.list();
    let reads = [target.clone().get().into(), target.clone().get().form(METADATA).into(), list.into()];
    let answers = api.read_many(&reads).into_iter().map(|result| result.map_or_else(describe, |reply| Value::from(reply.body)));
    json!({"results": answers.collect::<Value>()})
}

/// Events until the server ends the watch.
fn watch(api: &dyn Api, target: &Target) -> Result<Value, Status> {
    let mut watch = api.watch(target, &ListOptions::default(), OBJECT, 1)?;
    let mut events = Vec::new();
    while !watch.ended() {
        events.extend(watch.next(1_000)?.map(|event| json!([event.kind, event.object])));
    }
    Ok(json!({"events": events}))
}

fn describe(status: Status) -> Value {
    json!({"code": status.code, "reason": status.reason, "origin": status.origin, "message": status.message})
}

impl Plugin for Relay {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("relay", "Asks the API server.").input(r#"{"type":"object"}"#)]
    }

    fn call(_: &Context, _: &str, arguments: &str) -> Result<Outcome, Failure> {
        let arguments = portcullis_plugin::arguments(arguments)?;
        let answer = ask(&Host, &arguments);
        let is_error = answer.is_err();
        Ok(Output { is_error, ..Output::json(answer.unwrap_or_else(describe)) }.into())
    }
}

portcullis_plugin::manifest!(
    "name: relay
version: 0.1.0
description: Asks the API server.
requests:
  kubernetes:
    rules:
    - apiGroups: ['']
      resources: [pods, pods/log, pods/proxy, secrets]
      verbs: ['*']
"
);
portcullis_plugin::export!(Relay);
