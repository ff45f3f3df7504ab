//! What goes over the wire for an operation: method, URL, headers, body. Must not send it.
//! Specs: Kubernetes API Concepts (forms, dry run, server-side apply, watches); RFC 7396, RFC 6902 (patches).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use kube::client::Body;
use portcullis_core::kube::{
    DeleteOptions, Form, KubeOperation, KubeRequest, KubeStatus, ListOptions, LogOptions, PatchKind, Target, WatchRequest,
    WriteOptions,
};
use serde::Serialize;
use serde_json::json;

use crate::path::{Naming, bad, group, object};
use crate::proxy;
use crate::query::Query;

const JSON: &str = "application/json";
// Without `,application/json` behind them on purpose: a server that cannot make the form answers 406, and never the whole object instead,
// which may be a Secret whose values the plugin must not see.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const ANYTHING: &str = "*/*";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeleteBody<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditions: Option<Preconditions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propagation_policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_period_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preconditions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<&'a str>,
}

/// A request that can be sent more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// HTTP method.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) uri: String,
    /// Which form comes back.
    pub(crate) accept: &'static str,
    /// Media type and body.
    pub(crate) content: Option<(&'static str, Bytes)>,
    /// Changes nothing: may be sent again after a 503, too.
    pub(crate) reads: bool,
    /// The reply is text or anything else, not JSON.
    pub(crate) text: bool,
    /// A pod or service answers, and nothing that it says is the API server's.
    pub(crate) proxied: bool,
}

impl Plan {
    fn get(uri: String, accept: &'static str) -> Self {
        Self { method: Method::GET, uri, accept, content: None, reads: true, text: false, proxied: false }
    }

    fn write(method: Method, uri: String, accept: &'static str, content: (&'static str, Bytes)) -> Self {
        Self { method, uri, accept, content: Some(content), reads: false, text: false, proxied: false }
    }

    /// The plan of a request. `namespace` is where an access review goes that names none.
    pub(crate) fn of(request: &KubeRequest, namespace: &str) -> Result<Self, KubeStatus> {
        let target = &request.target;
        match &request.operation {
            KubeOperation::Get(form) => Ok(Self::get(object(target, Naming::One)?, single(*form))),
            KubeOperation::List(options, form) => list(target, options, *form),
            KubeOperation::Create(body, options) => {
                let uri = object(target, Naming::New)? + written(options).as_str();
                Ok(Self::write(Method::POST, uri, single(options.reply), (JSON, body.clone().into())))
            }
            KubeOperation::Apply(body, options, force) => apply(target, body, options, *force),
            KubeOperation::Patch(kind, body, options) => patch(target, *kind, body, options),
            KubeOperation::Delete(options) => delete(target, options),
            KubeOperation::Logs(options) => logs(target, options, request.max_reply),
            KubeOperation::Proxy(path) => through_proxy(target, path),
            KubeOperation::Access => Ok(access(target.namespace.as_deref().unwrap_or(namespace))),
            KubeOperation::Discover => Ok(Self::get(group(&target.group, &target.version)?, JSON)),
            KubeOperation::ServerVersion => Ok(Self::version()),
        }
    }

    /// GET /version.
    pub(crate) fn version() -> Self {
        Self::get("/version".to_owned(), JSON)
    }

    /// A watch. Bookmarks are asked for: they cost little, and let a guest resume where it was.
    pub(crate) fn watch(request: &WatchRequest) -> Result<Self, KubeStatus> {
        let query = listed(&request.options)
            .add("watch", "true")
            .add("allowWatchBookmarks", "true")
            .add("timeoutSeconds", &request.timeout_seconds.max(1).to_string());
        Ok(Self::get(object(&request.target, Naming::Many)? + query.as_str(), single(request.form)))
    }

    /// Sending it twice is meant to do what sending it once does (RFC 9110 §9.2.2); a review is a POST and changes nothing.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.reads || [Method::GET, Method::PUT, Method::DELETE].contains(&self.method)
    }

    /// The HTTP request, with the headers that say for whom.
    pub(crate) fn request(&self, caller: &HeaderMap) -> Result<Request<Body>, KubeStatus> {
        let (kind, body) = self.content.clone().unzip();
        let request =
            Request::builder().method(self.method.clone()).uri(self.uri.as_str()).body(Body::from(body.unwrap_or_default()));
        let mut request = request.map_err(|why| bad(format!("no request can be made of this target: {why}")))?;
        let headers = request.headers_mut();
        headers.extend(caller.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(self.accept));
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Ok(request)
    }
}

/// The form of one object, of a write's reply, and of a watch's events.
fn single(form: Form) -> &'static str {
    match form {
        Form::Object => JSON,
        Form::Table => TABLE,
        Form::Metadata => METADATA,
    }
}

fn list(target: &Target, options: &ListOptions, form: Form) -> Result<Plan, KubeStatus> {
    let accept = if form == Form::Metadata { METADATA_LIST } else { single(form) };
    let query = listed(options).maybe("limit", options.limit).maybe("continue", options.continue_token.as_ref());
    Ok(Plan::get(object(target, Naming::Many)? + query.as_str(), accept))
}

fn listed(options: &ListOptions) -> Query {
    Query::default()
        .maybe("labelSelector", options.label_selector.as_ref())
        .maybe("fieldSelector", options.field_selector.as_ref())
        .maybe("resourceVersion", options.resource_version.as_ref())
}

fn written(options: &WriteOptions) -> Query {
    Query::default()
        .when(options.dry_run, "dryRun", "All")
        .maybe("fieldManager", options.field_manager.as_ref())
        .maybe("fieldValidation", options.field_validation.as_ref())
}

/// Server-side apply; JSON is YAML, so the guest's JSON goes out under the YAML media type that every server knows.
fn apply(target: &Target, body: &str, options: &WriteOptions, force: bool) -> Result<Plan, KubeStatus> {
    if options.field_manager.as_ref().is_none_or(String::is_empty) {
        return Err(bad("apply needs a field manager: set options.field-manager"));
    }
    let uri = object(target, Naming::One)? + written(options).when(force, "force", "true").as_str();
    Ok(Plan::write(Method::PATCH, uri, single(options.reply), ("application/apply-patch+yaml", body.to_owned().into())))
}

fn patch(target: &Target, kind: PatchKind, body: &str, options: &WriteOptions) -> Result<Plan, KubeStatus> {
    let kind = match kind {
        PatchKind::Merge => "application/merge-patch+json",
        PatchKind::Json => "application/json-patch+json",
    };
    let uri = object(target, Naming::One)? + written(options).as_str();
    Ok(Plan::write(Method::PATCH, uri, single(options.reply), (kind, body.to_owned().into())))
}

/// A delete answers a Status, or the object if finalizers hold it; of a Secret only its metadata may come back.
fn delete(target: &Target, options: &DeleteOptions) -> Result<Plan, KubeStatus> {
    let accept = if target.group.is_empty() && target.plural == "secrets" { METADATA } else { JSON };
    Ok(Plan::write(Method::DELETE, object(target, Naming::One)?, accept, (JSON, fences(options)?)))
}

/// The DeleteOptions (meta/v1) as a body: preconditions have no form in a query.
fn fences(options: &DeleteOptions) -> Result<Bytes, KubeStatus> {
    let fenced = options.uid.is_some() || options.resource_version.is_some();
    let body = DeleteBody {
        api_version: "v1",
        kind: "DeleteOptions",
        preconditions: fenced
            .then_some(Preconditions { uid: options.uid.as_deref(), resource_version: options.resource_version.as_deref() }),
        propagation_policy: options.propagation.as_deref(),
        grace_period_seconds: options.grace_period_seconds,
        dry_run: options.dry_run.then_some(["All"]),
    };
    serde_json::to_vec(&body).map(Bytes::from).map_err(|why| bad(format!("the delete options are no JSON: {why}")))
}

/// Logs are cut by the server at what the host would take.
fn logs(target: &Target, options: &LogOptions, max_reply: u64) -> Result<Plan, KubeStatus> {
    let limit = options.limit_bytes.map_or(max_reply, |limit| max_reply.min(limit.into())).max(1);
    let query = Query::default()
        .maybe("container", options.container.as_ref())
        .when(options.previous, "previous", "true")
        .when(options.timestamps, "timestamps", "true")
        .maybe("sinceSeconds", options.since_seconds)
        .maybe("tailLines", options.tail_lines)
        .add("limitBytes", &limit.to_string());
    Ok(Plan { text: true, ..Plan::get(below(target, "log")? + query.as_str(), ANYTHING) })
}

fn through_proxy(target: &Target, path: &str) -> Result<Plan, KubeStatus> {
    Ok(Plan { text: true, proxied: true, ..Plan::get(below(target, "proxy")? + proxy::checked(path)?, ANYTHING) })
}

/// The path of a subresource that the operation itself implies; another one in the target would not be the one that the grant covers.
fn below(target: &Target, implied: &str) -> Result<String, KubeStatus> {
    match target.subresource {
        None => object(&Target { subresource: Some(implied.to_owned()), ..target.clone() }, Naming::One),
        Some(_) => {
            Err(bad(format!("this operation is about the subresource {implied:?} already: leave target.subresource empty")))
        }
    }
}

/// A create by its method, a read by its meaning.
fn access(namespace: &str) -> Plan {
    let body =
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}});
    let uri = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews".to_owned();
    Plan { reads: true, ..Plan::write(Method::POST, uri, JSON, (JSON, body.to_string().into())) }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
