//! Sets of fields as `managedFields` names them: `f:` for a field, `k:` for an item of a list that is a map,
//! `v:` for an item of a list that is a set. Must not know managers; `ownership.rs` does.
//! Format: FieldsV1, structured-merge-diff v4.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::object::{at, list, text};

/// One field, step by step from the root.
pub(crate) type Path = Vec<String>;

/// A set of fields: leaves, and items of lists that are maps.
pub(crate) type FieldSet = BTreeSet<Path>;

/// Metadata that nobody manages.
const UNMANAGED: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The fields that an object sets, given its schema (`null` for a kind without one, whose lists are then atomic).
pub(crate) fn collect(schema: &Value, object: &Value) -> FieldSet {
    let mut set = FieldSet::new();
    let mut managed = object.clone();
    if let Some(fields) = managed.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.retain(|key, _| !UNMANAGED.contains(&key.as_str()));
        }
        fields.retain(|key, value| key != "metadata" || value.as_object().is_some_and(|map| !map.is_empty()));
        for (key, value) in &*fields {
            walk(&child(schema, &[], key), value, &mut vec![format!("f:{key}")], &mut set);
        }
    }
    set
}

/// The schema of a field; metadata's own is known without one.
fn child(schema: &Value, path: &[String], key: &str) -> Value {
    match (path, key) {
        ([metadata], "ownerReferences") if metadata == "f:metadata" => {
            json!({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"]})
        }
        ([metadata], "finalizers") if metadata == "f:metadata" => json!({"x-kubernetes-list-type": "set"}),
        _ => at(schema, &["properties"]).get(key).unwrap_or(at(schema, &["additionalProperties"])).clone(),
    }
}

fn walk(schema: &Value, value: &Value, path: &mut Path, set: &mut FieldSet) {
    match (value, text(schema, &["x-kubernetes-list-type"])) {
        (Value::Object(fields), _) if !fields.is_empty() && text(schema, &["x-kubernetes-map-type"]) != "atomic" => {
            for (key, value) in fields {
                let schema = child(schema, path, key);
                below(path, format!("f:{key}"), |path| walk(&schema, value, path, set));
            }
        }
        (Value::Array(items), "map") if !items.is_empty() => {
            for item in items {
                below(path, item_key(schema, item), |path| {
                    set.insert(path.clone());
                    walk(at(schema, &["items"]), item, path, set);
                });
            }
        }
        (Value::Array(items), "set") if !items.is_empty() => {
            set.extend(items.iter().map(|item| [path.as_slice(), &[format!("v:{item}")]].concat()));
        }
        _ => drop(set.insert(path.clone())),
    }
}

fn below(path: &mut Path, step: String, then: impl FnOnce(&mut Path)) {
    path.push(step);
    then(path);
    path.pop();
}

fn item_key(schema: &Value, item: &Value) -> String {
    let names = list(schema, &["x-kubernetes-list-map-keys"]).iter().filter_map(Value::as_str);
    let key: Map<String, Value> = names.map(|name| (name.to_owned(), at(item, &[name]).clone())).collect();
    format!("k:{}", Value::Object(key))
}

/// The value of a field, if the object has it.
pub(crate) fn get<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, step| match step.split_once(':')? {
        ("f", key) => value.get(key),
        (_, key) => value.as_array()?.iter().find(|item| is_item(item, step, key)),
    })
}

fn is_item(item: &Value, step: &str, key: &str) -> bool {
    let Ok(key) = serde_json::from_str::<Value>(key) else { return false };
    if step.starts_with("v:") {
        return *item == key;
    }
    key.as_object().into_iter().flatten().all(|(name, value)| at(item, &[name]) == value)
}

/// Sets a field, making what leads to it.
pub(crate) fn set(object: &mut Value, path: &[String], new: &Value) {
    let Some((step, rest)) = path.split_first() else {
        *object = new.clone();
        return;
    };
    match step.split_once(':') {
        Some(("f", key)) => {
            if !object.is_object() {
                *object = json!({});
            }
            if let Some(map) = object.as_object_mut() {
                set(map.entry(key).or_insert(Value::Null), rest, new);
            }
        }
        Some((_, key)) => set_item(object, step, key, rest, new),
        None => {}
    }
}

fn set_item(object: &mut Value, step: &str, key: &str, rest: &[String], new: &Value) {
    if !object.is_array() {
        *object = json!([]);
    }
    let Some(items) = object.as_array_mut() else { return };
    if !items.iter().any(|item| is_item(item, step, key)) {
        items.push(serde_json::from_str(key).unwrap_or_default());
    }
    if let Some(item) = items.iter_mut().find(|item| is_item(item, step, key)) {
        set(item, rest, new);
    }
}

/// Removes a field, if it is there; what is left empty above it stays.
pub(crate) fn unset(object: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    let Some((kind, key)) = step.split_once(':') else { return };
    match (kind, object, rest) {
        ("f", Value::Object(map), []) => drop(map.remove(key)),
        ("f", Value::Object(map), rest) => map.get_mut(key).into_iter().for_each(|value| unset(value, rest)),
        (_, Value::Array(items), []) => items.retain(|item| !is_item(item, step, key)),
        (_, Value::Array(items), rest) => {
            let found = items.iter_mut().find(|item| is_item(item, step, key));
            found.into_iter().for_each(|item| unset(item, rest));
        }
        _ => {}
    }
}

/// How a message names a field: `.spec.list[name="a"].value`.
pub(crate) fn shown(path: &[String]) -> String {
    let step = |step: &String| match step.split_once(':') {
        Some(("f", key)) => format!(".{key}"),
        Some(("v", key)) => format!("[={key}]"),
        Some((_, key)) => {
            let key: Value = serde_json::from_str(key).unwrap_or_default();
            let pairs = key.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}"));
            format!("[{}]", pairs.collect::<Vec<_>>().join(","))
        }
        None => String::new(),
    };
    path.iter().map(step).collect()
}

/// The set as `fieldsV1`.
pub(crate) fn to_wire(set: &FieldSet) -> Value {
    let mut wire = json!({});
    for path in set {
        let mut steps: Vec<&str> = path.iter().map(String::as_str).collect();
        if path.last().is_some_and(|last| last.starts_with("k:")) {
            steps.push(".");
        }
        if steps.iter().try_fold(&wire, |value, step| value.get(*step)).is_none() {
            crate::object::put(&mut wire, &steps, json!({}));
        }
    }
    wire
}

/// The set that a `fieldsV1` names.
pub(crate) fn from_wire(wire: &Value) -> FieldSet {
    let mut set = FieldSet::new();
    read(wire, &mut Vec::new(), &mut set);
    set
}

fn read(wire: &Value, path: &mut Path, set: &mut FieldSet) {
    let Some(map) = wire.as_object() else { return };
    if !path.is_empty() && (map.is_empty() || map.contains_key(".")) {
        set.insert(path.clone());
    }
    for (step, below_it) in map.iter().filter(|(step, _)| *step != ".") {
        below(path, step.clone(), |path| read(below_it, path, set));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({"properties": {"spec": {"properties": {
            "map": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {}},
            "set": {"x-kubernetes-list-type": "set"},
            "whole": {"x-kubernetes-map-type": "atomic"},
        }}}})
    }

    #[test]
    fn a_set_survives_the_wire_and_finds_its_values() {
        let object = json!({"kind": "X", "metadata": {"name": "x", "labels": {"a": "b"}, "finalizers": ["f"]},
            "spec": {"map": [{"name": "n", "v": 1}], "set": ["s"], "whole": {"a": 1}, "list": [1], "none": {}}});
        let set = collect(&schema(), &object);
        assert_eq!(from_wire(&to_wire(&set)), set);
        let shown: Vec<String> = set.iter().map(|path| shown(path)).collect();
        assert!(shown.contains(&r#".spec.map[name="n"].v"#.to_owned()), "{shown:?}");
        for field in [
            ".metadata.labels.a",
            r#".metadata.finalizers[="f"]"#,
            r#".spec.set[="s"]"#,
            ".spec.whole",
            ".spec.list",
            ".spec.none",
        ] {
            assert!(shown.contains(&field.to_owned()), "{field} in {shown:?}");
        }
        assert!(set.iter().all(|path| get(&object, path).is_some()));
    }

    #[test]
    fn what_is_set_can_be_unset() {
        let path: Path = ["f:spec", r#"k:{"name":"n"}"#, "f:v"].map(str::to_owned).to_vec();
        let path: Path = [&path[..1], &["f:map".to_owned()], &path[1..]].concat();
        let mut object = json!({});
        set(&mut object, &path, &json!(2));
        assert_eq!(object, json!({"spec": {"map": [{"name": "n", "v": 2}]}}));
        unset(&mut object, &path);
        unset(&mut object, &path[..3]);
        assert_eq!(object, json!({"spec": {"map": []}}));
    }
}
