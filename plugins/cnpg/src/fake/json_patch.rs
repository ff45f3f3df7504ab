//! As much of JSON Patch (RFC 6902) as the tools use: test, add, replace, remove.

use portcullis_plugin::kubernetes::Status;
use serde_json::Value;

use super::status;

/// The object after all operations; the first that fails refuses them all.
pub(super) fn apply(object: &Value, operations: &Value) -> Result<Value, Status> {
    let mut object = object.clone();
    for operation in operations.as_array().expect("a list of operations") {
        let path = operation["path"].as_str().expect("a path");
        match operation["op"].as_str() {
            Some("test") if object.pointer(path) == operation.get("value") => {}
            Some("test") => {
                return Err(status(422, "Invalid", &format!("the server rejected our request: test of {path} failed")));
            }
            Some("add" | "replace") => put(&mut object, path, operation["value"].clone(), operation["op"] == "add")?,
            Some("remove") => take(&mut object, path)?,
            other => panic!("{other:?}"),
        }
    }
    Ok(object)
}

fn parent<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Status> {
    let (above, last) = path.rsplit_once('/').expect("a pointer");
    let key = last.replace("~1", "/").replace("~0", "~");
    let parent = object.pointer_mut(above).ok_or_else(|| status(422, "Invalid", &format!("no {above}")))?;
    Ok((parent, key))
}

fn put(object: &mut Value, path: &str, value: Value, insert: bool) -> Result<(), Status> {
    match parent(object, path)? {
        (Value::Object(map), key) => {
            map.insert(key, value);
        }
        (Value::Array(items), key) if key == "-" => items.push(value),
        (Value::Array(items), key) => {
            let index: usize = key.parse().expect("an index");
            if insert { items.insert(index, value) } else { items[index] = value }
        }
        _ => return Err(status(422, "Invalid", "not a container")),
    }
    Ok(())
}

fn take(object: &mut Value, path: &str) -> Result<(), Status> {
    match parent(object, path)? {
        (Value::Object(map), key) => map.remove(&key).map(drop),
        (Value::Array(items), key) => {
            items.remove(key.parse().expect("an index"));
            Some(())
        }
        _ => None,
    }
    .ok_or_else(|| status(422, "Invalid", &format!("nothing at {path}")))
}
