//! Create, update, patch and apply: what the API server does between the body and the store.
//! Must not read HTTP (`route.rs`) or delete (`delete.rs`). Order as in the generic registry: decode, default,
//! validate, admit, own, commit.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::kind::ResourceType;
use crate::object::{at, is_terminating, list, now, put, remove, text, uid, version};
use crate::ownership::{self, Manager};
use crate::store::State;
use crate::{admission, definition, names, patch, rules, schema};

/// What to do about fields that the schema does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Unknown {
    /// Drop them.
    Ignore,
    /// Drop them with a warning each: what servers do since 1.27.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

/// The options of a write, from its query.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    /// `dryRun=All`.
    pub(crate) dry_run: bool,
    /// `fieldManager`, or the first word of the user agent.
    pub(crate) manager: String,
    /// `fieldValidation`.
    pub(crate) unknown: Unknown,
    /// `force`, of an apply.
    pub(crate) force: bool,
}

/// A patch of one of the three kinds that custom resources take.
#[derive(Clone, Debug)]
pub(crate) enum Patch {
    /// RFC 7396.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
    /// Server-side apply.
    Apply(Value),
}

/// What a write gives back.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The object as stored, or as it would be.
    pub(crate) object: Value,
    /// True if it was not there before.
    pub(crate) created: bool,
    /// `Warning:` headers.
    pub(crate) warnings: Vec<String>,
}

/// One write on one object.
pub(crate) struct Write<'a> {
    /// Where to.
    pub(crate) state: &'a mut State,
    /// Resource.
    pub(crate) kind: &'a ResourceType,
    /// Namespace, empty for cluster scope.
    pub(crate) namespace: &'a str,
    /// Empty, or `status`.
    pub(crate) subresource: &'a str,
    /// Options.
    pub(crate) options: &'a WriteOptions,
}

impl Write<'_> {
    /// Creates an object.
    pub(crate) fn create(self, mut body: Value) -> Result<Written, ApiError> {
        self.fits(&body)?;
        if !version(&body).is_empty() {
            return Err(ApiError::bad_request("resourceVersion should not be set on objects to be created"));
        }
        let manager = self.manager("Update");
        self.name_it(&mut body)?;
        let mut new = body;
        put(&mut new, &["metadata", "managedFields"], json!([]));
        remove(&mut new, &["metadata", "managedFields"]);
        self.insert(new, |kind, new| ownership::after_update(schema_of(kind), &json!({}), new, &manager))
    }

    fn insert(mut self, mut new: Value, own: impl FnOnce(&ResourceType, &mut Value)) -> Result<Written, ApiError> {
        let name = crate::object::name(&new).to_owned();
        self.namespace_is_live()?;
        self.stamp(&mut new);
        let mut warnings = self.conform(&json!({}), &mut new)?;
        if self.state.get(self.kind, self.namespace, &name).is_some() {
            return Err(ApiError::already_exists(self.kind, &name));
        }
        warnings.extend(admission::admit(self.kind, None, &new)?);
        own(self.kind, &mut new);
        if self.kind.plural == "customresourcedefinitions" {
            definition::establish(&mut new);
        }
        if self.options.dry_run {
            return Ok(Written { object: new, created: true, warnings });
        }
        if let Some(served) = Some(&new).filter(|_| self.kind.plural == "customresourcedefinitions").and_then(definition::served)
        {
            self.state.serve(served);
        }
        let object = Value::clone(&self.state.commit(self.kind, new));
        Ok(Written { object, created: true, warnings })
    }

    /// Replaces an object, or its status.
    pub(crate) fn update(self, name: &str, body: Value) -> Result<Written, ApiError> {
        self.fits(&body)?;
        let named = crate::object::name(&body);
        if !named.is_empty() && named != name {
            let message = format!("the name of the object ({named}) does not match the name on the URL ({name})");
            return Err(ApiError::bad_request(message));
        }
        let live = self.state.find(self.kind, self.namespace, name)?;
        if version(&body).is_empty() && self.kind.is_custom() {
            let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            return Err(ApiError::invalid(&self.kind.kind, &self.kind.group, name, &[cause]));
        }
        self.replace(&live, body)
    }

    /// Patches an object, or its status.
    pub(crate) fn patch(self, name: &str, patch: &Patch) -> Result<Written, ApiError> {
        let live = match (self.state.get(self.kind, self.namespace, name), patch) {
            (Some(live), _) => live,
            (None, Patch::Apply(applied)) if self.subresource.is_empty() => return self.create_applied(name, applied),
            (None, _) => return Err(ApiError::not_found(self.kind, name)),
        };
        let mut new = Value::clone(&live);
        match patch {
            Patch::Merge(patch) => patch::merge(&mut new, patch),
            Patch::Json(operations) => patch::json_patch(&mut new, operations).map_err(|why| unprocessable(&why))?,
            Patch::Apply(applied) => return self.apply(&live, applied),
        }
        if crate::object::name(&new) != name {
            return Err(ApiError::bad_request("the name of the object does not match the name on the URL"));
        }
        self.replace(&live, new)
    }

    fn create_applied(self, name: &str, applied: &Value) -> Result<Written, ApiError> {
        self.fits(applied)?;
        let mut body = applied.clone();
        if !version(&body).is_empty() {
            return Err(ApiError::conflict(
                self.kind,
                name,
                "the object has been modified; please apply your changes to the latest version and try again",
            ));
        }
        put(&mut body, &["metadata", "name"], json!(name));
        self.name_it(&mut body)?;
        let manager = self.manager("Apply");
        let applied = body.clone();
        self.insert(body, |kind, new| {
            if let Ok(owned) = ownership::apply(schema_of(kind), &json!({}), &applied, &manager, true) {
                put(new, &["metadata", "managedFields"], at(&owned, &["metadata", "managedFields"]).clone());
            }
        })
    }

    fn apply(self, live: &Value, applied: &Value) -> Result<Written, ApiError> {
        self.fits(applied)?;
        let manager = self.manager("Apply");
        if !at(applied, &["metadata", "managedFields"]).is_null() {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        let stale = version(applied);
        if !stale.is_empty() && stale != version(live) {
            return Err(ApiError::modified(self.kind, crate::object::name(live)));
        }
        let new = ownership::apply(schema_of(self.kind), live, applied, &manager, self.options.force)?;
        self.finish(live, new, true)
    }

    fn replace(self, live: &Value, mut new: Value) -> Result<Written, ApiError> {
        let name = crate::object::name(live);
        if !version(&new).is_empty() && version(&new) != version(live) {
            return Err(ApiError::modified(self.kind, name));
        }
        if !uid(&new).is_empty() && uid(&new) != uid(live) {
            let why = format!("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid(&new), uid(live));
            return Err(ApiError::conflict(self.kind, name, &why));
        }
        put(&mut new, &["metadata", "managedFields"], at(live, &["metadata", "managedFields"]).clone());
        self.finish(live, new, false)
    }

    /// From the merged object to the stored one.
    fn finish(self, live: &Value, mut new: Value, is_apply: bool) -> Result<Written, ApiError> {
        self.keep_what_is_not_ours(live, &mut new);
        if self.kind.plural == "secrets" {
            names::encode_secret(&mut new);
        }
        let mut warnings = self.conform(live, &mut new)?;
        if self.subresource.is_empty() {
            warnings.extend(admission::admit(self.kind, Some(live), &new)?);
        }
        if self.kind.is_custom() && !same_but_metadata(live, &new) {
            let generation = at(live, &["metadata", "generation"]).as_u64().unwrap_or_default() + 1;
            put(&mut new, &["metadata", "generation"], json!(generation));
        }
        if !is_apply {
            ownership::after_update(schema_of(self.kind), live, &mut new, &self.manager("Update"));
        }
        if without_owners(live) == without_owners(&new) && ownership::same(live, &new) {
            return Ok(Written { object: live.clone(), created: false, warnings });
        }
        if self.options.dry_run {
            return Ok(Written { object: new, created: false, warnings });
        }
        let object = Value::clone(&self.state.commit(self.kind, new));
        if is_terminating(&object) && list(&object, &["metadata", "finalizers"]).is_empty() {
            self.state.erase(&crate::store::key(self.kind, self.namespace, crate::object::name(&object)));
        }
        Ok(Written { object, created: false, warnings })
    }

    /// Metadata that only the server writes, and the half of the object that this endpoint does not.
    fn keep_what_is_not_ours(&self, live: &Value, new: &mut Value) {
        for field in [
            "name",
            "namespace",
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ] {
            restore(live, new, &["metadata", field]);
        }
        for field in ["apiVersion", "kind"] {
            restore(live, new, &[field]);
        }
        if self.subresource == "status" {
            let status = at(new, &["status"]).clone();
            let owners = at(new, &["metadata", "managedFields"]).clone();
            *new = live.clone();
            put(new, &["metadata", "managedFields"], owners);
            put(new, &["status"], status);
        } else if self.kind.has("status") && self.kind.is_custom() {
            restore(live, new, &["status"]);
        }
    }

    /// Prunes, defaults and validates; gives the warnings.
    fn conform(&self, live: &Value, new: &mut Value) -> Result<Vec<String>, ApiError> {
        let Some(schema) = &self.kind.schema else { return Ok(Vec::new()) };
        let unknown = schema::prune(schema, new);
        if self.options.unknown == Unknown::Strict && !unknown.is_empty() {
            return Err(self.strict(&unknown));
        }
        schema::fill_defaults(schema, new);
        let mut causes = schema::validate(schema, new);
        if causes.is_empty() {
            causes = rules::check(schema, live, new);
        }
        if !causes.is_empty() {
            return Err(ApiError::invalid(&self.kind.kind, &self.kind.group, crate::object::name(new), &causes));
        }
        let warned = unknown.iter().filter(|_| self.options.unknown == Unknown::Warn);
        Ok(warned.map(|field| format!("unknown field \"{field}\"")).collect())
    }

    fn strict(&self, unknown: &[String]) -> ApiError {
        let fields: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
        let ResourceType { kind, version, .. } = self.kind;
        let fields = fields.join(", ");
        ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {fields}"
        ))
    }

    /// The body is an object of this kind, for this namespace.
    fn fits(&self, body: &Value) -> Result<(), ApiError> {
        let (kind, api_version) = (text(body, &["kind"]), text(body, &["apiVersion"]));
        if kind.is_empty() {
            return Err(ApiError::bad_request(format!("Object 'Kind' is missing in '{body}'")));
        }
        let wanted = self.kind.api_version();
        if api_version != wanted {
            let message =
                format!("the API version in the data ({api_version}) does not match the expected API version ({wanted})");
            return Err(ApiError::bad_request(message));
        }
        if kind != self.kind.kind && self.kind.is_custom() {
            let cause = Cause::invalid("kind", &json!(kind), format!("must be {}", self.kind.kind));
            return Err(ApiError::invalid(kind, &self.kind.group, crate::object::name(body), &[cause]));
        }
        if kind != self.kind.kind {
            let message = format!("the object provided is a {kind}, but this endpoint takes a {}", self.kind.kind);
            return Err(ApiError::bad_request(message));
        }
        let namespace = crate::object::namespace(body);
        if !namespace.is_empty() && namespace != self.namespace {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(ApiError::bad_request(message));
        }
        Ok(())
    }

    fn name_it(&self, body: &mut Value) -> Result<(), ApiError> {
        let prefix = text(body, &["metadata", "generateName"]).to_owned();
        if crate::object::name(body).is_empty() && !prefix.is_empty() {
            let suffix = format!("{:05x}", self.state.revision());
            put(body, &["metadata", "name"], json!(format!("{prefix}{suffix}")));
        }
        names::check(self.kind, crate::object::name(body))
    }

    fn namespace_is_live(&self) -> Result<(), ApiError> {
        let Some(kind) = self.state.kind("", "v1", "namespaces").filter(|_| self.kind.namespaced) else { return Ok(()) };
        let namespace = self.state.find(&kind, "", self.namespace)?;
        if is_terminating(&namespace) {
            let why = format!("unable to create new content in namespace {} because it is being terminated", self.namespace);
            return Err(ApiError::forbidden(self.kind, "", &why));
        }
        Ok(())
    }

    fn stamp(&mut self, new: &mut Value) {
        let uid = self.state.new_uid();
        put(new, &["metadata", "uid"], json!(uid));
        put(new, &["metadata", "creationTimestamp"], json!(now()));
        if self.kind.namespaced {
            put(new, &["metadata", "namespace"], json!(self.namespace));
        }
        if self.kind.is_custom() {
            put(new, &["metadata", "generation"], json!(1));
        }
        if self.kind.has("status") && self.kind.is_custom() {
            remove(new, &["status"]);
        }
        match self.kind.plural.as_str() {
            "namespaces" => put(new, &["status", "phase"], json!("Active")),
            "secrets" => names::encode_secret(new),
            "pods" | "persistentvolumeclaims" if at(new, &["status", "phase"]).is_null() => {
                put(new, &["status", "phase"], json!("Pending"))
            }
            _ => {}
        }
    }

    fn manager(&self, operation: &'static str) -> Manager {
        Manager {
            name: self.options.manager.clone(),
            operation,
            subresource: self.subresource.to_owned(),
            api_version: self.kind.api_version(),
        }
    }
}

fn schema_of(kind: &ResourceType) -> &Value {
    kind.schema.as_ref().unwrap_or(&Value::Null)
}

fn unprocessable(why: &str) -> ApiError {
    ApiError::new(422, "Invalid", format!("the server rejected our request due to an error in our request: {why}"))
}

fn restore(live: &Value, new: &mut Value, path: &[&str]) {
    match at(live, path) {
        Value::Null => drop(remove(new, path)),
        value => put(new, path, value.clone()),
    }
}

fn same_but_metadata(left: &Value, right: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        remove(&mut object, &["metadata"]);
        remove(&mut object, &["status"]);
        object
    };
    bare(left) == bare(right)
}

fn without_owners(object: &Value) -> Value {
    let mut object = object.clone();
    remove(&mut object, &["metadata", "managedFields"]);
    object
}

/// The object of an `Arc`, for a reply.
pub(crate) fn owned(object: &Arc<Value>) -> Value {
    Value::clone(object)
}
