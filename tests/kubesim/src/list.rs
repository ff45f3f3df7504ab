//! Lists and single reads in every form, with limit and continue.
//! Must not follow changes; `watch.rs` does.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::call::{Asked, Call};
use crate::error::ApiError;
use crate::kind::ResourceType;
use crate::negotiate::{Form, form};
use crate::object::{name, namespace, put};
use crate::selector::Selector;
use crate::store::{Page, State};
use crate::table::{self, Include};

/// The selectors of a request.
pub(crate) fn selector(asked: &Asked, call: &Call) -> Result<Selector, ApiError> {
    Selector::parse(&asked.kind.plural, call.query("labelSelector"), call.query("fieldSelector"))
}

/// Answers a list.
pub(crate) fn list(state: &mut State, asked: &Asked, call: &Call) -> Result<Value, ApiError> {
    let form = form(call.header("accept"))?;
    let selector = selector(asked, call)?;
    let limit: usize = match call.query("limit") {
        "" => 0,
        limit => limit.parse().map_err(|_| ApiError::bad_request(format!("limit: Invalid value: \"{limit}\"")))?,
    };
    let (revision, mut found) = match call.query("continue") {
        "" => (state.revision(), select(state, asked, &selector)),
        token => continued(state, token)?,
    };
    let rest = if limit > 0 && found.len() > limit { found.split_off(limit) } else { Vec::new() };
    let mut meta = json!({"resourceVersion": revision.to_string()});
    if let Some(first) = rest.first() {
        let token = token(revision, first);
        put(&mut meta, &["continue"], json!(token));
        if selector.is_empty() {
            put(&mut meta, &["remainingItemCount"], json!(rest.len()));
        }
        state.keep(Page { token, revision, rest });
    }
    let items: Vec<&Value> = found.iter().map(Arc::as_ref).collect();
    Ok(many(&asked.kind, &items, &meta, form, call))
}

/// What is selected now.
pub(crate) fn select(state: &State, asked: &Asked, selector: &Selector) -> Vec<Arc<Value>> {
    let mut found = state.list(&asked.kind, &asked.namespace);
    found.retain(|object| selector.matches(object) && (asked.name.is_empty() || asked.name == name(object)));
    found
}

fn many(kind: &ResourceType, items: &[&Value], meta: &Value, form: Form, call: &Call) -> Value {
    match form {
        Form::Whole => json!({"kind": kind.list_kind, "apiVersion": kind.api_version(), "metadata": meta, "items": items}),
        Form::Table => table::table(kind, items, meta, Include::parse(call.query("includeObject"))),
        Form::Metadata => table::metadata_list(items, meta),
    }
}

/// One object in the form that was asked for.
pub(crate) fn single(kind: &ResourceType, object: Value, call: &Call) -> Result<Value, ApiError> {
    Ok(match form(call.header("accept"))? {
        Form::Whole => object,
        Form::Table => table::table(kind, &[&object], &json!({}), Include::parse(call.query("includeObject"))),
        Form::Metadata => table::metadata_only(&object),
    })
}

fn token(revision: u64, first: &Value) -> String {
    let start = format!("{}/{}", namespace(first), name(first));
    URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start}).to_string())
}

fn continued(state: &State, token: &str) -> Result<(u64, Vec<Arc<Value>>), ApiError> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if decoded.is_none() {
        return Err(ApiError::bad_request("continue key is not valid: base64 or JSON cannot be read"));
    }
    let expired = "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
        the continue parameter.";
    let page = state.page(token).ok_or_else(|| ApiError::expired(expired))?;
    Ok((page.revision, page.rest))
}
