//! `managedFields`: who owns which field, after an update and after a server-side apply, and the conflicts.
//! Must not store anything. Rules: structured-merge-diff, without conversion between versions.

use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::fields::{self, FieldSet, Path};
use crate::object::{list, put, text};

/// A manager as `managedFields` tells them apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Manager {
    /// Field manager.
    pub(crate) name: String,
    /// `Apply`, or `Update` for every other verb.
    pub(crate) operation: &'static str,
    /// Subresource it came through, mostly empty.
    pub(crate) subresource: String,
    /// Version of the object it wrote.
    pub(crate) api_version: String,
}

#[derive(Clone, Debug)]
struct Entry {
    manager: Manager,
    time: String,
    fields: FieldSet,
}

fn read(object: &Value) -> Vec<Entry> {
    let entry = |entry: &Value| Entry {
        manager: Manager {
            name: text(entry, &["manager"]).to_owned(),
            operation: if text(entry, &["operation"]) == "Apply" { "Apply" } else { "Update" },
            subresource: text(entry, &["subresource"]).to_owned(),
            api_version: text(entry, &["apiVersion"]).to_owned(),
        },
        time: text(entry, &["time"]).to_owned(),
        fields: fields::from_wire(entry.get("fieldsV1").unwrap_or(&Value::Null)),
    };
    list(object, &["metadata", "managedFields"]).iter().map(entry).collect()
}

fn write(object: &mut Value, entries: &[Entry]) {
    let wire = |entry: &Entry| {
        let mut wire = json!({
            "manager": entry.manager.name, "operation": entry.manager.operation, "apiVersion": entry.manager.api_version,
            "time": entry.time, "fieldsType": "FieldsV1", "fieldsV1": fields::to_wire(&entry.fields),
        });
        if !entry.manager.subresource.is_empty() {
            put(&mut wire, &["subresource"], json!(entry.manager.subresource));
        }
        wire
    };
    let entries = entries.iter().filter(|entry| !entry.fields.is_empty()).map(wire).collect();
    put(object, &["metadata", "managedFields"], Value::Array(entries));
}

/// True if two objects have the same owners, whenever they became so.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    let owners = |object: &Value| read(object).into_iter().map(|entry| (entry.manager, entry.fields)).collect::<Vec<_>>();
    owners(left) == owners(right)
}

fn is_item(path: &Path) -> bool {
    path.last().is_some_and(|last| last.starts_with("k:"))
}

/// True if the field differs; an item of a list differs only by being there or not.
fn differs(path: &Path, left: &Value, right: &Value) -> bool {
    let (left, right) = (fields::get(left, path), fields::get(right, path));
    if is_item(path) { left.is_some() != right.is_some() } else { left != right }
}

/// Gives what an update changed from `live` to `new` to its manager.
pub(crate) fn after_update(schema: &Value, live: &Value, new: &mut Value, manager: &Manager) {
    let (before, after) = (fields::collect(schema, live), fields::collect(schema, new));
    let changed: FieldSet = after.iter().filter(|path| differs(path, live, new)).cloned().collect();
    let removed: FieldSet = before.difference(&after).cloned().collect();
    let mut entries = read(live);
    for entry in entries.iter_mut().filter(|entry| entry.manager != *manager) {
        entry.fields.retain(|path| !changed.contains(path) && !removed.contains(path));
    }
    let mut own = take_own(&mut entries, manager);
    let kept: FieldSet = own.fields.difference(&removed).cloned().collect();
    if !changed.is_empty() || kept != own.fields {
        own.time = crate::object::now();
    }
    own.fields = kept.union(&changed).cloned().collect();
    entries.insert(0, own);
    write(new, &entries);
}

/// Takes the manager's entry out of the list, or makes one.
fn take_own(entries: &mut Vec<Entry>, manager: &Manager) -> Entry {
    let place = entries.iter().position(|entry| entry.manager == *manager);
    let fresh = || Entry { manager: manager.clone(), time: crate::object::now(), fields: FieldSet::new() };
    place.map_or_else(fresh, |place| entries.remove(place))
}

/// The live object with an applied configuration merged in.
///
/// # Errors
/// 409 naming each manager that owns a field with another value, unless forced.
pub(crate) fn apply(schema: &Value, live: &Value, applied: &Value, manager: &Manager, force: bool) -> Result<Value, ApiError> {
    let wanted = fields::collect(schema, applied);
    let mut entries = read(live);
    let conflicts = conflicts(&entries, &wanted, live, applied, manager);
    if !force && !conflicts.is_empty() {
        return Err(refusal(&conflicts));
    }
    for entry in entries.iter_mut().filter(|entry| entry.manager != *manager) {
        entry.fields.retain(|path| !conflicts.iter().any(|(_, conflict)| conflict == path));
    }
    let mut own = take_own(&mut entries, manager);
    let dropped: FieldSet = own.fields.difference(&wanted).cloned().collect();
    own.time = if own.fields == wanted { own.time.clone() } else { crate::object::now() };
    own.fields.clone_from(&wanted);
    entries.insert(0, own);
    let mut merged = live.clone();
    for path in wanted.iter().filter(|path| !is_item(path)) {
        fields::set(&mut merged, path, fields::get(applied, path).unwrap_or(&Value::Null));
    }
    let is_owned = |path: &Path| entries.iter().any(|entry| entry.fields.iter().any(|owned| owned.starts_with(path)));
    dropped.iter().filter(|path| !is_owned(path)).for_each(|path| fields::unset(&mut merged, path));
    write(&mut merged, &entries);
    Ok(merged)
}

fn conflicts(entries: &[Entry], wanted: &FieldSet, live: &Value, applied: &Value, manager: &Manager) -> Vec<(Entry, Path)> {
    let others = entries.iter().filter(|entry| entry.manager != *manager);
    let fields = others.flat_map(|entry| entry.fields.intersection(wanted).map(move |path| (entry, path)));
    let fields = fields.filter(|(_, path)| !is_item(path) && fields::get(live, path).is_some() && differs(path, live, applied));
    fields.map(|(entry, path)| (entry.clone(), path.clone())).collect()
}

fn shown(entry: &Entry) -> String {
    let Manager { name, operation, subresource, api_version } = &entry.manager;
    let through = if subresource.is_empty() { String::new() } else { format!(" with subresource \"{subresource}\"") };
    match *operation {
        "Update" => format!("\"{name}\"{through} using {api_version} at {}", entry.time),
        _ => format!("\"{name}\"{through}"),
    }
}

fn refusal(conflicts: &[(Entry, Path)]) -> ApiError {
    let cause = |(entry, path): &(Entry, Path)| Cause {
        reason: "FieldManagerConflict",
        message: format!("conflict with {}", shown(entry)),
        field: fields::shown(path),
    };
    let causes: Vec<Cause> = conflicts.iter().map(cause).collect();
    let message = match conflicts {
        [(entry, path)] => format!("Apply failed with 1 conflict: conflict with {}: {}", shown(entry), fields::shown(path)),
        many => format!("Apply failed with {} conflicts: {}", many.len(), by_manager(many)),
    };
    ApiError::apply_conflict(message, &causes)
}

fn by_manager(conflicts: &[(Entry, Path)]) -> String {
    let mut managers: Vec<String> = conflicts.iter().map(|(entry, _)| shown(entry)).collect();
    managers.sort();
    managers.dedup();
    let of = |manager: &String| {
        let paths = conflicts.iter().filter(|(entry, _)| shown(entry) == *manager).map(|(_, path)| fields::shown(path));
        let lines: Vec<String> = paths.map(|path| format!("\n- {path}")).collect();
        format!("conflicts with {manager}:{}", lines.concat())
    };
    managers.iter().map(of).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn manager(name: &str, operation: &'static str) -> Manager {
        Manager { name: name.to_owned(), operation, subresource: String::new(), api_version: "v1".to_owned() }
    }

    fn apply_as(name: &str, live: &Value, applied: &Value) -> Result<Value, ApiError> {
        apply(&Value::Null, live, applied, &manager(name, "Apply"), false)
    }

    #[test]
    fn a_second_apply_removes_what_it_no_longer_names() {
        let first = apply_as("a", &json!({}), &json!({"data": {"x": "1", "y": "2"}})).unwrap();
        let second = apply_as("a", &first, &json!({"data": {"x": "1"}})).unwrap();
        assert_eq!(second.get("data"), Some(&json!({"x": "1"})));
    }

    #[test]
    fn what_two_managers_own_stays_until_both_let_go() {
        let first = apply_as("a", &json!({}), &json!({"data": {"x": "1"}})).unwrap();
        let both = apply_as("b", &first, &json!({"data": {"x": "1"}})).unwrap();
        let one = apply_as("a", &both, &json!({"data": {"z": "1"}})).unwrap();
        assert_eq!(one.get("data"), Some(&json!({"x": "1", "z": "1"})));
        let none = apply_as("b", &one, &json!({"data": {"q": "1"}})).unwrap();
        assert_eq!(none.get("data"), Some(&json!({"z": "1", "q": "1"})));
    }

    #[test]
    fn another_value_is_a_conflict_that_names_the_owner() {
        let mut live = json!({"data": {"x": "1"}});
        after_update(&Value::Null, &json!({}), &mut live, &manager("kubectl-edit", "Update"));
        let error = apply_as("a", &live, &json!({"data": {"x": "2"}})).unwrap_err();
        assert_eq!(error.code, 409);
        assert!(
            error.message.starts_with(r#"Apply failed with 1 conflict: conflict with "kubectl-edit" using v1 at "#),
            "{error}"
        );
        assert!(error.message.ends_with(": .data.x"), "{error}");
    }

    #[test]
    fn force_takes_the_field_over() {
        let mut live = json!({"data": {"x": "1"}});
        after_update(&Value::Null, &json!({}), &mut live, &manager("kubectl-edit", "Update"));
        let forced = apply(&Value::Null, &live, &json!({"data": {"x": "2"}}), &manager("a", "Apply"), true).unwrap();
        let owners: Vec<&str> =
            list(&forced, &["metadata", "managedFields"]).iter().map(|entry| text(entry, &["manager"])).collect();
        assert_eq!(owners, ["a"]);
    }
}
