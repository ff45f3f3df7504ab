//! Edits of lists that the API server keeps whole (`managed.roles`, `externalClusters`, `tablespaces` …): a JSON patch of the one element,
//! so that what others wrote into the list stays. The patch tests the element that it was decided on; who sends it (`change`) tests the
//! version of the object too.

use serde_json::Value;

use crate::json::{json, list};

/// One edit.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) operations: Vec<Value>,
    /// The merge patch that comes to the same: what a person would commit.
    pub(crate) as_merge: Value,
}

fn pointer(path: &[&str]) -> String {
    path.iter().map(|key| format!("/{key}")).collect()
}

/// `value` under all of these keys.
fn under(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(value, |below, key| json!({key: below}))
}

/// Appends an element, and makes what is above it if need be.
pub(crate) fn append(object: &Value, path: &[&str], element: &Value) -> Edit {
    let mut all = list(object, &pointer(path)).to_vec();
    let there = |depth: usize| object.pointer(&pointer(path.get(..depth).unwrap_or_default()));
    let operation = if there(path.len()).is_some_and(Value::is_array) {
        json!({"op": "add", "path": format!("{}/-", pointer(path)), "value": element})
    } else {
        let depth = (1..path.len()).rev().find(|depth| there(*depth).is_some_and(Value::is_object)).unwrap_or(0) + 1;
        let (above, below) = path.split_at_checked(depth).unwrap_or((path, &[]));
        json!({"op": "add", "path": pointer(above), "value": under(below, json!([element]))})
    };
    all.push(element.clone());
    Edit { operations: vec![operation], as_merge: under(path, all.into()) }
}

/// Puts `wanted` in the place of the element there, or takes the element out.
pub(crate) fn replace(object: &Value, path: &[&str], at: usize, wanted: Option<&Value>) -> Edit {
    let mut all = list(object, &pointer(path)).to_vec();
    let place = format!("{}/{at}", pointer(path));
    let test = json!({"op": "test", "path": place, "value": all.get(at)});
    let change = match wanted {
        Some(element) => json!({"op": "replace", "path": place, "value": element}),
        None => json!({"op": "remove", "path": place}),
    };
    if at < all.len() {
        all.splice(at..=at, wanted.cloned());
    }
    Edit { operations: vec![test, change], as_merge: under(path, all.into()) }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::{append, replace};

    const PATH: &[&str] = &["spec", "managed", "roles"];

    #[test]
    fn what_is_above_the_first_element_is_made_with_it_and_nothing_more() {
        let operation = |object: Value| append(&object, PATH, &json!({"name": "a"})).operations[0].clone();
        let made = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
        assert_eq!(operation(json!({"spec": {}})), made("/spec/managed", json!({"roles": [{"name": "a"}]})));
        assert_eq!(
            operation(json!({"spec": {"managed": {"services": {}}}})),
            made("/spec/managed/roles", json!([{"name": "a"}]))
        );
        assert_eq!(operation(json!({"spec": {"managed": {"roles": []}}})), made("/spec/managed/roles/-", json!({"name": "a"})));
    }

    #[test]
    fn the_element_is_tested_before_it_is_replaced_or_taken_out() {
        let object = json!({"spec": {"managed": {"roles": [{"name": "a"}, {"name": "b"}]}}});
        let edit = replace(&object, PATH, 1, None);
        assert_eq!(edit.operations[0], json!({"op": "test", "path": "/spec/managed/roles/1", "value": {"name": "b"}}));
        assert_eq!(edit.as_merge, json!({"spec": {"managed": {"roles": [{"name": "a"}]}}}));
        let edit = replace(&object, PATH, 0, Some(&json!({"name": "a", "login": true})));
        assert_eq!(edit.operations[1]["op"], "replace");
        assert_eq!(edit.as_merge.pointer("/spec/managed/roles/0/login"), Some(&json!(true)));
    }
}
