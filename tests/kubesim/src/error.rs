//! The API's `Status` errors: one constructor per reason, worded as the real API server words them.
//! Must not decide when one applies. Wording: apimachinery `pkg/api/errors`.

use serde_json::{Value, json};

use crate::kind::ResourceType;

/// One entry of `details.causes`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cause {
    /// Machine-readable, for example `FieldValueInvalid`.
    pub(crate) reason: &'static str,
    /// What is wrong, without the field's path.
    pub(crate) message: String,
    /// Path of the field, for example `spec.instances`.
    pub(crate) field: String,
}

impl Cause {
    /// A value of the wrong type or out of range.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: impl AsRef<str>) -> Self {
        let message = format!("Invalid value: {value}: {}", detail.as_ref());
        Self { reason: "FieldValueInvalid", message, field: field.into() }
    }

    /// A field that must be there and is not.
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", message, field: field.into() }
    }

    /// A value that is not one of those allowed.
    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, allowed: &[Value]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", allowed.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.into() }
    }
}

/// A refusal, which becomes a `Status` object on the wire.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) code: u16,
    /// `Status.reason`.
    pub(crate) reason: &'static str,
    /// `Status.message`.
    pub(crate) message: String,
    /// `Status.details`, `null` for none; boxed, since a map is large when serde_json keeps its order, as elsewhere in this workspace.
    pub(crate) details: Box<Value>,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    /// Any error without details.
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Box::default(), retry_after: None }
    }

    fn about(mut self, kind: &ResourceType, name: &str) -> Self {
        let details = json!({"name": name, "group": kind.group, "kind": kind.plural});
        let kept = details.as_object().into_iter().flatten().filter(|(_, value)| value.as_str() != Some(""));
        *self.details = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        self
    }

    /// 404 for an object.
    pub(crate) fn not_found(kind: &ResourceType, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", kind.group_resource())).about(kind, name)
    }

    /// 404 for a path or resource that nobody serves.
    pub(crate) fn no_such_resource() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        *error.details = json!({});
        error
    }

    /// 409 on create.
    pub(crate) fn already_exists(kind: &ResourceType, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.group_resource());
        Self::new(409, "AlreadyExists", message).about(kind, name)
    }

    /// 409 on update or delete.
    pub(crate) fn conflict(kind: &ResourceType, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.group_resource());
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// 409 because another writer was faster.
    pub(crate) fn modified(kind: &ResourceType, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// 422 with one cause per field, from the server itself or in the words of a webhook.
    pub(crate) fn invalid(kind: &str, group: &str, name: &str, causes: &[Cause]) -> Self {
        let lines: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let what = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut error = Self::new(422, "Invalid", format!("{full} \"{name}\" is invalid: {what}"));
        *error.details = json!({"name": name, "group": group, "kind": kind, "causes": wire_causes(causes)});
        error
    }

    /// 409 of a server-side apply, with the managers that own the fields.
    pub(crate) fn apply_conflict(message: String, causes: &[Cause]) -> Self {
        let mut error = Self::new(409, "Conflict", message);
        *error.details = json!({"causes": wire_causes(causes)});
        error
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403 of an object or a list.
    pub(crate) fn forbidden(kind: &ResourceType, name: &str, why: &str) -> Self {
        let what = kind.group_resource();
        let message = match name {
            "" => format!("{what} is forbidden: {why}"),
            name => format!("{what} \"{name}\" is forbidden: {why}"),
        };
        Self::new(403, "Forbidden", message).about(kind, name)
    }

    /// 410 for a resource version or continue token that is too old.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        let mut details = (*self.details).clone();
        if let Some(seconds) = self.retry_after {
            crate::object::put(&mut details, &["retryAfterSeconds"], json!(seconds));
        }
        if !details.is_null() {
            crate::object::put(&mut status, &["details"], details);
        }
        status
    }
}

fn wire_causes(causes: &[Cause]) -> Vec<Value> {
    let wire = |cause: &Cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field});
    causes.iter().map(wire).collect()
}
