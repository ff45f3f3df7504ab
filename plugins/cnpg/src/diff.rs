//! What a write would change: the paths that differ between two objects. Leaves out what only the API server writes.

use serde_json::{Map, Value};

use crate::json::json;
use crate::logs::redact;

/// Most paths in one answer: a dry run that changes more is shown by its manifest, not path by path.
pub(crate) const CHANGES_MAX: usize = 60;

/// The one field in which people write passwords in clear (`ldapbindpasswd`).
const PG_HBA: &str = "spec.postgresql.pg_hba";

/// One path whose value differs; `Null` where there was none.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) from: Value,
    pub(crate) to: Value,
}

/// The changes from `before` to `after`, in the order of their paths.
pub(crate) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    walk(&without_bookkeeping(before), &without_bookkeeping(after), String::new(), &mut out);
    out.truncate(CHANGES_MAX);
    for one in out.iter_mut().filter(|one| one.path == PG_HBA) {
        (one.from, one.to) = (redacted(&one.from), redacted(&one.to));
    }
    out
}

/// The changes of the status alone, for what only a status says.
pub(crate) fn of_status(before: &Value, after: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    let status = |object: &Value| object.get("status").cloned().unwrap_or_default();
    walk(&status(before), &status(after), "status".into(), &mut out);
    out.truncate(CHANGES_MAX);
    out
}

/// Lines of pg_hba.conf without the passwords in them.
pub(crate) fn redacted(lines: &Value) -> Value {
    let Some(all) = lines.as_array() else { return lines.clone() };
    all.iter().map(|one| one.as_str().map_or_else(|| one.clone(), |line| redact(line).into())).collect()
}

/// The same object without what the API server keeps for itself.
pub(crate) fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(top) = object.as_object_mut() {
        top.remove("status");
        if let Some(metadata) = top.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"] {
                metadata.remove(key);
            }
        }
    }
    object
}

fn walk(before: &Value, after: &Value, path: String, out: &mut Vec<Change>) {
    let empty = Map::new();
    let sides = match (before, after) {
        (Value::Object(before), Value::Object(after)) => Some((before, after)),
        (Value::Null, Value::Object(after)) => Some((&empty, after)),
        (Value::Object(before), Value::Null) => Some((before, &empty)),
        _ => None,
    };
    let Some((left, right)) = sides else {
        if before != after {
            out.push(Change { path, from: before.clone(), to: after.clone() });
        }
        return;
    };
    let mut keys: Vec<&String> = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))).collect();
    keys.sort();
    for key in keys {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        walk(left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null), below, out);
    }
}

/// For `structuredContent`.
pub(crate) fn structured(changes: &[Change]) -> Value {
    changes.iter().map(|one| json!({"path": one.path, "from": one.from, "to": one.to})).collect()
}

/// For people: one line per path, in a diff block.
pub(crate) fn markdown(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "Nothing would change.\n".into();
    }
    let mut out = String::from("```diff\n");
    for one in changes {
        if !one.from.is_null() {
            out.push_str(&format!("- {}: {}\n", one.path, one.from));
        }
        if !one.to.is_null() {
            out.push_str(&format!("+ {}: {}\n", one.path, one.to));
        }
    }
    out.push_str("```\n");
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{changes, markdown};

    #[test]
    fn only_what_a_person_decides_counts_as_a_change() {
        let before = json!({"metadata": {"resourceVersion": "1"}, "spec": {"instances": 3, "a": {"b": 1}}, "status": {"x": 1}});
        let after = json!({"metadata": {"resourceVersion": "2"}, "spec": {"instances": 5, "a": {"b": 1, "c": true}}});
        let found = changes(&before, &after);
        let paths: Vec<_> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["spec.a.c", "spec.instances"]);
        assert!(markdown(&found).contains("- spec.instances: 3\n+ spec.instances: 5"));
    }
}
