//! The API from inside the process, for tests, the seed and the operator: same rules, no HTTP, no authorization.
//! Must not bypass a rule of the API itself.

use serde_json::Value;

use crate::delete::{DeleteOptions, delete, sweep};
use crate::error::ApiError;
use crate::object::{namespace, text};
use crate::server::Shared;
use crate::store::State;
use crate::write::{Patch, Unknown, Write, WriteOptions, owned};

/// What the API would have answered.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub struct Refused {
    /// HTTP status.
    pub code: u16,
    /// `Status.reason`.
    pub reason: String,
    /// `Status.message`.
    pub message: String,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { code: error.code, reason: error.reason.to_owned(), message: error.message }
    }
}

/// CloudNativePG's operator calls itself `manager`; so does everything that plays it.
fn options() -> WriteOptions {
    WriteOptions { manager: "manager".to_owned(), unknown: Unknown::Strict, ..WriteOptions::default() }
}

impl Shared {
    /// Creates an object.
    pub(crate) fn create(&self, object: &Value) -> Result<Value, Refused> {
        Ok(self.store.with(|state| create(state, object))?)
    }

    /// Reads an object.
    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.store.with(|state| get(state, kind, namespace, name))
    }

    /// Patches an object or its status.
    pub(crate) fn patch(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        subresource: &str,
        patch: &Value,
    ) -> Result<Value, Refused> {
        Ok(self.store.with(|state| merge(state, kind, namespace, name, subresource, patch))?)
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<(), Refused> {
        Ok(self.store.with(|state| remove(state, kind, namespace, name))?)
    }
}

/// Creates an object.
pub(crate) fn create(state: &mut State, object: &Value) -> Result<Value, ApiError> {
    let kind = state.kind_named(text(object, &["kind"])).ok_or_else(ApiError::no_such_resource)?;
    let options = options();
    let write = Write { state, kind: &kind, namespace: namespace(object), subresource: "", options: &options };
    let object = write.create(object.clone())?.object;
    sweep(state);
    Ok(object)
}

/// Reads an object.
pub(crate) fn get(state: &State, kind: &str, namespace: &str, name: &str) -> Option<Value> {
    state.get(&*state.kind_named(kind)?, namespace, name).map(|object| owned(&object))
}

/// Merges a patch into an object or its status.
pub(crate) fn merge(
    state: &mut State,
    kind: &str,
    namespace: &str,
    name: &str,
    subresource: &str,
    patch: &Value,
) -> Result<Value, ApiError> {
    let kind = state.kind_named(kind).ok_or_else(ApiError::no_such_resource)?;
    let options = options();
    let write = Write { state, kind: &kind, namespace, subresource, options: &options };
    let object = write.patch(name, &Patch::Merge(patch.clone()))?.object;
    sweep(state);
    Ok(object)
}

/// Deletes an object.
pub(crate) fn remove(state: &mut State, kind: &str, namespace: &str, name: &str) -> Result<(), ApiError> {
    let kind = state.kind_named(kind).ok_or_else(ApiError::no_such_resource)?;
    delete(state, &kind, namespace, name, &DeleteOptions::default()).map(drop)
}
