//! JSON merge patch (RFC 7396) and JSON patch (RFC 6902) on plain JSON.
//! Must not know objects, versions or managers.

use serde_json::{Value, json};

use crate::object::{at, list, text};

/// Applies a merge patch.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (key, value) in fields {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Applies the operations of a JSON patch in order; the target is unusable after an error.
///
/// # Errors
/// What is wrong with the first operation that cannot be applied.
pub(crate) fn json_patch(target: &mut Value, operations: &Value) -> Result<(), String> {
    if !operations.is_array() {
        return Err("a JSON patch is a list of operations".to_owned());
    }
    list(operations, &[]).iter().try_for_each(|operation| one(target, operation))
}

fn one(target: &mut Value, operation: &Value) -> Result<(), String> {
    let path = text(operation, &["path"]);
    let value = at(operation, &["value"]).clone();
    let from = text(operation, &["from"]);
    let read = |target: &Value, path: &str| target.pointer(path).cloned().ok_or_else(|| missing(path));
    match text(operation, &["op"]) {
        "add" => add(target, path, value),
        "remove" => remove(target, path).map(drop),
        "replace" => {
            *target.pointer_mut(path).ok_or_else(|| missing(path))? = value;
            Ok(())
        }
        "move" => remove(target, from).and_then(|value| add(target, path, value)),
        "copy" => read(target, from).and_then(|value| add(target, path, value)),
        "test" if target.pointer(path).unwrap_or(&Value::Null) == &value => Ok(()),
        "test" => Err(format!("testing value {path} failed: test failed")),
        other => Err(format!("unexpected kind of operation: \"{other}\"")),
    }
}

fn missing(path: &str) -> String {
    format!("path not found: \"{path}\": missing value")
}

/// The parent of what a pointer names, and the last step, unescaped.
fn parent<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    let last = last.replace("~1", "/").replace("~0", "~");
    target.pointer_mut(parent).map(|parent| (parent, last)).ok_or_else(|| missing(path))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    match parent(target, path)? {
        (Value::Object(map), key) => {
            map.insert(key, value);
        }
        (Value::Array(items), key) if key == "-" => items.push(value),
        (Value::Array(items), key) => {
            let index = key.parse::<usize>().ok().filter(|index| *index <= items.len());
            items.insert(index.ok_or_else(|| missing(path))?, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, String> {
    let removed = match parent(target, path)? {
        (Value::Object(map), key) => map.remove(&key),
        (Value::Array(items), key) => {
            let index = key.parse::<usize>().ok().filter(|index| *index < items.len());
            index.map(|index| items.remove(index))
        }
        _ => None,
    };
    removed.ok_or_else(|| missing(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_merge_patch_sets_and_removes() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut target, &json!({"a": {"b": null, "e": {"f": null, "g": 1}}, "d": [2]}));
        assert_eq!(target, json!({"a": {"c": 2, "e": {"g": 1}}, "d": [2]}));
    }

    #[test]
    fn a_json_patch_applies_in_order() {
        let mut target = json!({"list": ["a", "c"], "x/y": 1});
        let patch = json!([
            {"op": "test", "path": "/list/0", "value": "a"}, {"op": "add", "path": "/list/1", "value": "b"},
            {"op": "add", "path": "/list/-", "value": "d"}, {"op": "remove", "path": "/x~1y"},
            {"op": "copy", "from": "/list/0", "path": "/first"}, {"op": "replace", "path": "/list/0", "value": "z"},
            {"op": "move", "from": "/list/3", "path": "/last"},
        ]);
        json_patch(&mut target, &patch).unwrap();
        assert_eq!(target, json!({"list": ["z", "b", "c"], "first": "a", "last": "d"}));
    }

    #[test]
    fn a_failed_test_or_a_missing_path_is_an_error() {
        let fails = |operation: Value| json_patch(&mut json!({"a": 1}), &json!([operation])).unwrap_err();
        assert!(fails(json!({"op": "test", "path": "/a", "value": 2})).contains("test failed"));
        assert!(fails(json!({"op": "remove", "path": "/b"})).contains("missing value"));
        assert!(fails(json!({"op": "add", "path": "/b/c", "value": 1})).contains("missing value"));
        assert!(fails(json!({"op": "noop", "path": "/a"})).contains("unexpected kind"));
    }
}
