//! Reading JSON objects by RFC 6901 pointer. Objects of the API server stay `Value`: a field that we do not know must survive.

use serde_json::Value;

/// A string, unless it is absent or empty.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|one| !one.is_empty())
}

/// An integer.
pub(crate) fn integer(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// A list; absent is empty.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The strings of a list.
pub(crate) fn texts<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    list(value, pointer).iter().filter_map(Value::as_str).collect()
}

/// An annotation, whose key may hold `/`.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations").and_then(|all| all.get(key)).and_then(Value::as_str)
}

/// A label, whose key may hold `/`.
pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels").and_then(|all| all.get(key)).and_then(Value::as_str)
}

/// Whether an owner reference of the object names this uid, so that garbage collection removes it with its owner.
pub(crate) fn is_owned_by(object: &Value, uid: &str) -> bool {
    list(object, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/uid") == Some(uid))
}

/// The object with one key more.
pub(crate) fn with(mut object: Value, key: &str, value: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
    object
}

/// The object after a merge patch (RFC 7396).
pub(crate) fn merged(object: &Value, patch: &Value) -> Value {
    let Some(changes) = patch.as_object() else { return patch.clone() };
    let mut map = object.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
        } else {
            let before = map.get(key).cloned().unwrap_or_default();
            map.insert(key.clone(), merged(&before, change));
        }
    }
    Value::Object(map)
}
