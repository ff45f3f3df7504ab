//! Reading and writing fields of an object that is plain JSON, by path.
//! Must not know what any field means; the API's rules live beside the verbs.

use serde_json::{Value, json};

static NULL: Value = Value::Null;

/// The value at a path, or `null` when any step is missing.
pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    let step = |value: &'a Value, key: &&str| value.get(*key);
    path.iter().try_fold(value, step).unwrap_or(&NULL)
}

/// The string at a path, or the empty string.
pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The elements at a path, or an empty slice.
pub(crate) fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// Sets the value at a path; maps are made (and put in place of anything else) on the way.
pub(crate) fn put(value: &mut Value, path: &[&str], new: Value) {
    let Some((key, rest)) = path.split_first() else {
        *value = new;
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    if let Some(map) = value.as_object_mut() {
        put(map.entry(*key).or_insert(Value::Null), rest, new);
    }
}

/// Removes the value at a path, if it is there.
pub(crate) fn remove(value: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(value, |value, key| value.get_mut(*key))?;
    parent.as_object_mut()?.remove(*last)
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// `metadata.namespace`, empty for a cluster-scoped object.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

/// `metadata.resourceVersion`.
pub(crate) fn version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"])
}

/// True once a deletion was asked for and finalizers hold it up.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !at(object, &["metadata", "deletionTimestamp"]).is_null()
}

/// The instant now, in the API's format: RFC 3339, UTC, whole seconds.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_step_reads_as_null_and_is_made_by_put() {
        let mut object = json!({"spec": 1});
        assert!(at(&object, &["status", "phase"]).is_null());
        put(&mut object, &["status", "phase"], json!("Running"));
        assert_eq!(text(&object, &["status", "phase"]), "Running");
        assert_eq!(remove(&mut object, &["status", "phase"]), Some(json!("Running")));
        assert_eq!(object, json!({"spec": 1, "status": {}}));
    }
}
