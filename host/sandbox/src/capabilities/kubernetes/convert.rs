//! Between the WIT of `portcullis:kubernetes/api` and core's nouns. Words that the WIT does not document are refused as BadTarget.

use portcullis_core::kube::{
    DeleteOptions, Form, KubeOrigin, KubeReply, KubeStatus, ListOptions, LogOptions, PatchKind, Target, WriteOptions,
};

use super::refusal;
use crate::bindings::kubernetes as wit;

/// Characters of a field manager (Kubernetes API conventions, and the WIT).
const MANAGER_MAX: usize = 128;

fn unknown(what: &str, known: &str) -> KubeStatus {
    refusal(400, "BadTarget", format!("{what} must be one of {known}"))
}

pub(super) fn form(form: &str) -> Result<Form, KubeStatus> {
    match form {
        "object" => Ok(Form::Object),
        "table" => Ok(Form::Table),
        "metadata" => Ok(Form::Metadata),
        _ => Err(unknown("form", "object, table, metadata")),
    }
}

pub(super) fn patch_kind(kind: &str) -> Result<PatchKind, KubeStatus> {
    match kind {
        "merge" => Ok(PatchKind::Merge),
        "json" => Ok(PatchKind::Json),
        _ => Err(unknown("the kind of a patch", "merge, json")),
    }
}

pub(super) fn write(options: wit::WriteOptions) -> Result<WriteOptions, KubeStatus> {
    let validation = options.field_validation.as_deref();
    if validation.is_some_and(|word| !matches!(word, "Strict" | "Warn" | "Ignore")) {
        return Err(unknown("field-validation", "Strict, Warn, Ignore"));
    }
    if options.field_manager.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > MANAGER_MAX) {
        return Err(refusal(400, "BadTarget", format!("field-manager must have 1 to {MANAGER_MAX} characters")));
    }
    Ok(WriteOptions {
        dry_run: options.dry_run,
        field_manager: options.field_manager,
        field_validation: options.field_validation,
        reply: form(&options.reply)?,
    })
}

/// A target that names no object.
pub(super) fn target(group: &str, version: &str, namespace: Option<String>) -> wit::Target {
    wit::Target {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: String::new(),
        namespace,
        name: None,
        subresource: None,
    }
}

impl From<wit::Target> for Target {
    fn from(target: wit::Target) -> Self {
        let wit::Target { group, version, plural, namespace, name, subresource } = target;
        Self { group, version, plural, namespace, name, subresource }
    }
}

impl From<wit::ListOptions> for ListOptions {
    fn from(options: wit::ListOptions) -> Self {
        Self {
            label_selector: options.label_selector,
            field_selector: options.field_selector,
            limit: options.limit,
            continue_token: options.continue_,
            resource_version: options.resource_version,
        }
    }
}

impl From<wit::DeleteOptions> for DeleteOptions {
    fn from(options: wit::DeleteOptions) -> Self {
        let wit::DeleteOptions { dry_run, uid, resource_version, propagation, grace_period_seconds } = options;
        Self { dry_run, uid, resource_version, propagation, grace_period_seconds }
    }
}

impl From<wit::LogOptions> for LogOptions {
    fn from(options: wit::LogOptions) -> Self {
        let wit::LogOptions { container, previous, timestamps, since_seconds, tail_lines, limit_bytes } = options;
        Self { container, previous, timestamps, since_seconds, tail_lines, limit_bytes }
    }
}

impl From<KubeReply> for wit::Reply {
    fn from(reply: KubeReply) -> Self {
        Self { body: reply.body, warnings: reply.warnings }
    }
}

impl From<KubeStatus> for wit::Status {
    fn from(status: KubeStatus) -> Self {
        let cause =
            |one: portcullis_core::kube::KubeCause| wit::Cause { reason: one.reason, message: one.message, field: one.field };
        let origin = match status.origin {
            KubeOrigin::ApiServer => "api-server",
            KubeOrigin::Grant => "grant",
            KubeOrigin::Host => "host",
        };
        Self {
            code: status.code,
            reason: status.reason,
            message: status.message,
            causes: status.causes.into_iter().map(cause).collect(),
            retry_after_ms: status.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
            origin: origin.to_owned(),
        }
    }
}
