//! From a request to its reply: authenticate, authorize, then the verb. One place turns errors into replies.
//! Must not hold rules of the API; each verb's are in its own file.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::auth::Identity;
use crate::call::{Asked, Call, Target};
use crate::delete::{DeleteOptions, Propagation, delete};
use crate::error::ApiError;
use crate::kind::ResourceType;
use crate::object::{list, name, namespace, text, uid};
use crate::reply::{self, Reply};
use crate::server::{Shared, streamed};
use crate::store::State;
use crate::write::{Patch, Unknown, Write, WriteOptions, Written, owned};
use crate::{discovery, list as lists, pods, review, scale, watch};

/// Answers a request.
pub(crate) fn answer(shared: &Arc<Shared>, target: &Target, call: &Call) -> Reply {
    let answered = identify(shared, target, call).and_then(|who| match target {
        Target::Path => path(shared, call),
        Target::Unknown(asked) => unknown(shared, &who, asked, call),
        Target::Resource(asked) => resource(shared, asked, call),
    });
    answered.unwrap_or_else(|error| reply::error(&error))
}

fn identify(shared: &Shared, target: &Target, call: &Call) -> Result<Identity, ApiError> {
    let directory = shared.directory.read();
    let who = directory.identify(call)?;
    directory.authorize(&who, target, call)?;
    Ok(who)
}

fn path(shared: &Shared, call: &Call) -> Result<Reply, ApiError> {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answer = shared.store.with(|state| discovery::answer(state, &segments))?;
    Ok(match answer {
        Value::String(text) => reply::text(200, text),
        answer => reply::json(200, &answer),
    })
}

/// Reviews are resources without objects; everything else here is served by nobody.
fn unknown(shared: &Shared, who: &Identity, asked: &Asked, call: &Call) -> Result<Reply, ApiError> {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if asked.verb != "create" || asked.kind.group != "authorization.k8s.io" {
        return Err(ApiError::no_such_resource());
    }
    let answer = review::answer(&shared.directory.read(), who, &segments, &body(call)?);
    answer.map(|answer| reply::json(201, &answer)).ok_or_else(ApiError::no_such_resource)
}

fn resource(shared: &Arc<Shared>, asked: &Asked, call: &Call) -> Result<Reply, ApiError> {
    match (asked.subresource.as_str(), asked.verb) {
        ("", "list") => shared.store.with(|state| lists::list(state, asked, call)).map(|list| reply::json(200, &list)),
        ("", "watch") => Ok(streamed(shared, watch::watch(shared, asked, call)?)),
        ("log", "get") => log(shared, asked, call),
        ("proxy", "get") => proxied(shared, asked),
        ("scale", _) => shared.store.with(|state| scale::answer(state, asked, call)).map(|scale| reply::json(200, &scale)),
        ("" | "status", "get") => {
            let found = shared.store.with(|state| state.find(&asked.kind, &asked.namespace, &asked.name))?;
            Ok(reply::json(200, &lists::single(&asked.kind, owned(&found), call)?))
        }
        ("", "create") if asked.name.is_empty() => {
            written(asked, call, shared.store.with(|state| write(state, asked, call, None))?)
        }
        ("" | "status", "update") => written(asked, call, shared.store.with(|state| write(state, asked, call, None))?),
        ("" | "status", "patch") => {
            let patch = patch(call)?;
            written(asked, call, shared.store.with(|state| write(state, asked, call, Some(&patch)))?)
        }
        ("", "delete") => deleted(shared, asked, call),
        ("", "deletecollection") => deleted_many(shared, asked, call),
        _ => Err(ApiError::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")),
    }
}

fn write(state: &mut State, asked: &Asked, call: &Call, patch: Option<&Patch>) -> Result<Written, ApiError> {
    let options = write_options(call)?;
    if asked.kind.namespaced && asked.namespace.is_empty() {
        return Err(ApiError::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"));
    }
    let write =
        Write { state, kind: &asked.kind, namespace: &asked.namespace, subresource: &asked.subresource, options: &options };
    let written = match (asked.verb, patch) {
        (_, Some(patch)) => write.patch(&asked.name, patch)?,
        ("create", None) => write.create(body(call)?)?,
        (_, None) => write.update(&asked.name, body(call)?)?,
    };
    crate::delete::sweep(state);
    Ok(written)
}

fn written(asked: &Asked, call: &Call, written: Written) -> Result<Reply, ApiError> {
    let code = if written.created { 201 } else { 200 };
    let shown = lists::single(&asked.kind, written.object, call)?;
    Ok(reply::warn(reply::json(code, &shown), &written.warnings))
}

/// The body as JSON.
pub(crate) fn body(call: &Call) -> Result<Value, ApiError> {
    let broken = |error| ApiError::bad_request(format!("the object provided is unrecognized: json parse error: {error}"));
    serde_json::from_slice(&call.body).map_err(broken)
}

/// The patch that a request carries.
pub(crate) fn patch(call: &Call) -> Result<Patch, ApiError> {
    let media = call.header("content-type").split(';').next().unwrap_or_default().trim();
    match media {
        "application/merge-patch+json" => Ok(Patch::Merge(body(call)?)),
        "application/json-patch+json" => Ok(Patch::Json(body(call)?)),
        "application/apply-patch+yaml" if call.query("fieldManager").is_empty() => {
            let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
            Err(ApiError::new(422, "Invalid", message))
        }
        "application/apply-patch+yaml" => yaml(call).map(Patch::Apply),
        _ => {
            let accepted = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            let message = format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
            Err(ApiError::new(415, "UnsupportedMediaType", message))
        }
    }
}

/// An applied configuration is YAML, which JSON mostly is.
fn yaml(call: &Call) -> Result<Value, ApiError> {
    let text = String::from_utf8_lossy(&call.body);
    let read = serde_json::from_str(&text).or_else(|_| serde_saphyr::from_str(&text));
    read.map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}

fn dry_run(value: &str) -> Result<bool, ApiError> {
    match value {
        "" => Ok(false),
        "All" => Ok(true),
        other => Err(ApiError::new(422, "Invalid", format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\""))),
    }
}

/// The options of a write, from the query.
pub(crate) fn write_options(call: &Call) -> Result<WriteOptions, ApiError> {
    let unknown = match call.query("fieldValidation") {
        "" | "Warn" => Unknown::Warn,
        "Strict" => Unknown::Strict,
        "Ignore" => Unknown::Ignore,
        other => {
            return Err(ApiError::new(
                422,
                "Invalid",
                format!("fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""),
            ));
        }
    };
    let agent = call.header("user-agent").split('/').next().unwrap_or_default();
    let manager = Some(call.query("fieldManager")).filter(|manager| !manager.is_empty()).unwrap_or(agent);
    let manager = if manager.is_empty() { "unknown" } else { manager };
    Ok(WriteOptions {
        dry_run: dry_run(call.query("dryRun"))?,
        manager: manager.to_owned(),
        unknown,
        force: call.is_set("force"),
    })
}

fn delete_options(call: &Call) -> Result<DeleteOptions, ApiError> {
    let body = if call.body.is_empty() { json!({}) } else { body(call)? };
    let given = |name: &str| match text(&body, &["preconditions", name]) {
        "" => None,
        value => Some(value.to_owned()),
    };
    let policy =
        Some(text(&body, &["propagationPolicy"])).filter(|policy| !policy.is_empty()).unwrap_or(call.query("propagationPolicy"));
    let propagation = match policy {
        "" | "Background" => Propagation::Background,
        "Foreground" => Propagation::Foreground,
        "Orphan" => Propagation::Orphan,
        other => {
            return Err(ApiError::new(
                422,
                "Invalid",
                format!(
                    "propagationPolicy: Unsupported value: \"{other}\": supported values: \"Background\", \"Foreground\", \"Orphan\""
                ),
            ));
        }
    };
    let in_body = list(&body, &["dryRun"]).first().and_then(Value::as_str).unwrap_or_default();
    let dry_run = dry_run(call.query("dryRun"))? || dry_run(in_body)?;
    Ok(DeleteOptions { dry_run, uid: given("uid"), version: given("resourceVersion"), propagation })
}

fn deleted(shared: &Shared, asked: &Asked, call: &Call) -> Result<Reply, ApiError> {
    let options = delete_options(call)?;
    let deleted = shared.store.with(|state| delete(state, &asked.kind, &asked.namespace, &asked.name, &options))?;
    let shows_object = !deleted.gone || asked.kind.plural == "pods";
    let answer = if shows_object {
        lists::single(&asked.kind, owned(&deleted.object), call)?
    } else {
        success(&asked.kind, &deleted.object)
    };
    Ok(reply::json(200, &answer))
}

fn success(kind: &ResourceType, object: &Value) -> Value {
    let mut details = json!({"name": name(object), "kind": kind.plural, "uid": uid(object)});
    if !kind.group.is_empty() {
        crate::object::put(&mut details, &["group"], json!(kind.group));
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn deleted_many(shared: &Shared, asked: &Asked, call: &Call) -> Result<Reply, ApiError> {
    let options = delete_options(call)?;
    let selector = lists::selector(asked, call)?;
    let deleted: Result<Vec<Value>, ApiError> = shared.store.with(|state| {
        let found = lists::select(state, asked, &selector);
        let one = |object: &Arc<Value>| delete(state, &asked.kind, namespace(object), name(object), &options);
        found.iter().map(one).map(|deleted| deleted.map(|deleted| owned(&deleted.object))).collect()
    });
    let meta = json!({"resourceVersion": shared.store.with(|state| state.revision()).to_string()});
    Ok(reply::json(
        200,
        &json!({"kind": asked.kind.list_kind, "apiVersion": asked.kind.api_version(), "metadata": meta, "items": deleted?}),
    ))
}

fn log(shared: &Shared, asked: &Asked, call: &Call) -> Result<Reply, ApiError> {
    let pod = shared.store.with(|state| state.find(&asked.kind, &asked.namespace, &asked.name))?;
    Ok(reply::text(200, shared.answers.log(&pod, call)?))
}

fn proxied(shared: &Shared, asked: &Asked) -> Result<Reply, ApiError> {
    let pod = pods::proxied_name(&asked.name);
    let is_pod = asked.kind.plural == "pods";
    let target = if is_pod { Some(shared.store.with(|state| state.find(&asked.kind, &asked.namespace, pod))?) } else { None };
    let peers = if is_pod { shared.store.with(|state| state.list(&asked.kind, &asked.namespace)) } else { Vec::new() };
    let (code, text) = shared.answers.proxied(asked, target.as_deref(), &peers)?;
    let is_json = text.starts_with(['{', '[']);
    let media = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    Ok(reply::bytes(code, media, text))
}
