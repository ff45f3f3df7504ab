//! The scale subresource of custom resources: autoscaling/v1 `Scale`, read and written.
//! Must not call a webhook: the API server does not, which is why clients should not scale a Cluster this way.

use serde_json::{Value, json};

use crate::call::{Asked, Call};
use crate::error::ApiError;
use crate::jsonpath;
use crate::object::{at, name, namespace, put, uid, version};
use crate::patch;
use crate::route::{body, patch as read_patch, write_options};
use crate::store::State;
use crate::write::{Patch, Write};

/// Reads, replaces or patches the scale of an object.
pub(crate) fn answer(state: &mut State, asked: &Asked, call: &Call) -> Result<Value, ApiError> {
    let live = state.find(&asked.kind, &asked.namespace, &asked.name)?;
    let Some(paths) = &asked.kind.scale else { return Err(ApiError::no_such_resource()) };
    let mut scale = scale(&live, paths);
    match asked.verb {
        "get" => return Ok(scale),
        "update" => scale = body(call)?,
        "patch" => match read_patch(call)? {
            Patch::Merge(patch) => patch::merge(&mut scale, &patch),
            Patch::Json(operations) => {
                patch::json_patch(&mut scale, &operations).map_err(|why| ApiError::new(422, "Invalid", why))?
            }
            Patch::Apply(_) => return Err(ApiError::bad_request("scale takes a merge patch or a JSON patch")),
        },
        _ => return Err(ApiError::no_such_resource()),
    }
    let [replicas, ..] = paths;
    let steps: Vec<&str> = replicas.split('.').filter(|step| !step.is_empty()).collect();
    let mut change = json!({});
    put(&mut change, &steps, at(&scale, &["spec", "replicas"]).clone());
    put(&mut change, &["metadata", "resourceVersion"], at(&scale, &["metadata", "resourceVersion"]).clone());
    let options = write_options(call)?;
    let write = Write { state, kind: &asked.kind, namespace: &asked.namespace, subresource: "scale", options: &options };
    let written = write.patch(&asked.name, &Patch::Merge(change))?;
    Ok(self::scale(&written.object, paths))
}

fn scale(object: &Value, [spec, status, selector]: &[String; 3]) -> Value {
    let number = |path: &str| jsonpath::first(object, path).and_then(Value::as_i64).unwrap_or_default();
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": name(object), "namespace": namespace(object), "uid": uid(object), "resourceVersion": version(object)},
        "spec": {"replicas": number(spec)}, "status": {"replicas": number(status)},
    });
    if let Some(found) = jsonpath::first(object, selector).filter(|_| !selector.is_empty()) {
        put(&mut scale, &["status", "selector"], found.clone());
    }
    scale
}
