//! The simple JSONPath of printer columns: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.a=='b')]`.
//! Must not format cells. Subset of client-go `util/jsonpath` that apiextensions allows.

use serde_json::Value;

/// The first value that a path finds.
pub(crate) fn first<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = vec![value];
    let mut rest = path.trim_start_matches('$');
    while !rest.is_empty() {
        let (step, after) = next_step(rest)?;
        found = found.into_iter().flat_map(|value| take(value, step)).collect();
        rest = after;
    }
    found.into_iter().next()
}

/// One step and what follows it.
fn next_step(path: &str) -> Option<(&str, &str)> {
    if let Some(inner) = path.strip_prefix('[') {
        return inner.split_once(']').map(|(step, after)| (step.trim(), after));
    }
    let name = path.strip_prefix('.')?;
    let end = name.find(['.', '[']).unwrap_or(name.len());
    name.split_at_checked(end)
}

fn take<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    let quoted = step.strip_prefix('\'').and_then(|step| step.strip_suffix('\''));
    if let Some(filter) = step.strip_prefix("?(").and_then(|step| step.strip_suffix(')')) {
        let items = value.as_array().into_iter().flatten();
        return items.filter(|item| passes(item, filter)).collect();
    }
    match (step, value) {
        ("*", Value::Array(items)) => items.iter().collect(),
        (step, Value::Array(items)) => step.parse::<usize>().ok().and_then(|index| items.get(index)).into_iter().collect(),
        (step, value) => value.get(quoted.unwrap_or(step)).into_iter().collect(),
    }
}

/// `@.type=='x'`.
fn passes(item: &Value, filter: &str) -> bool {
    let Some((path, wanted)) = filter.split_once("==") else { return false };
    let found = first(item, path.trim().trim_start_matches('@'));
    let wanted = wanted.trim().trim_matches(['\'', '"']);
    found.and_then(Value::as_str) == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_indexes_and_filters_find_the_first_value() {
        let object = json!({"a": {"b": [{"t": "x", "v": 1}, {"t": "y", "v": 2}]}});
        assert_eq!(first(&object, ".a.b[?(@.t=='y')].v"), Some(&json!(2)));
        assert_eq!(first(&object, ".a.b[0].v"), Some(&json!(1)));
        assert_eq!(first(&object, ".a.b[*].v"), Some(&json!(1)));
        assert_eq!(first(&object, ".a.none.v"), None);
    }
}
