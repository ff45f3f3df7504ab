//! Structural schemas (OpenAPI v3 of a CRD): pruning unknown fields, filling in defaults, validating.
//! Must not know any kind; CEL rules are `rules.rs`. Wording: kube-openapi `pkg/validation`.

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::error::Cause;
use crate::object::{at, list, text};

/// Removes every field that the schema does not know and returns their paths.
pub(crate) fn prune(schema: &Value, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    if let Some(fields) = object.as_object_mut() {
        prune_fields(schema, fields, "", &mut unknown);
    }
    unknown
}

fn prune_fields(schema: &Value, fields: &mut Map<String, Value>, path: &str, unknown: &mut Vec<String>) {
    let known = at(schema, &["properties"]);
    let rest = at(schema, &["additionalProperties"]);
    let keeps_all = at(schema, &["x-kubernetes-preserve-unknown-fields"]) == &json!(true) || rest == &json!(true);
    fields.retain(|key, value| {
        let path = join(path, key);
        if is_root_field(&path) {
            return true;
        }
        let schema = known.get(key.as_str()).or_else(|| rest.as_object().map(|_| rest));
        let Some(schema) = schema else {
            if !keeps_all {
                unknown.push(path);
            }
            return keeps_all;
        };
        prune_value(schema, value, &path, unknown);
        true
    });
}

fn prune_value(schema: &Value, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(fields) => prune_fields(schema, fields, path, unknown),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                prune_value(at(schema, &["items"]), item, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

/// These three belong to every object, whatever the schema says of them.
fn is_root_field(path: &str) -> bool {
    matches!(path, "apiVersion" | "kind" | "metadata")
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Fills in defaults, also inside objects and lists that are already there.
pub(crate) fn fill_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, schema) in at(schema, &["properties"]).as_object().into_iter().flatten() {
                fill_field(key, schema, fields);
            }
            let rest = at(schema, &["additionalProperties"]);
            let known = at(schema, &["properties"]);
            let others = fields.iter_mut().filter(|(key, _)| known.get(key.as_str()).is_none());
            others.for_each(|(_, value)| fill_defaults(rest, value));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_defaults(at(schema, &["items"]), item)),
        _ => {}
    }
}

fn fill_field(key: &str, schema: &Value, fields: &mut Map<String, Value>) {
    let default = at(schema, &["default"]);
    let is_missing = fields.get(key).is_none_or(Value::is_null);
    if is_missing && !default.is_null() {
        fields.insert(key.to_owned(), default.clone());
    }
    if let Some(value) = fields.get_mut(key) {
        fill_defaults(schema, value);
    }
}

/// Everything about the object that the schema forbids.
pub(crate) fn validate(schema: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(schema, object, "", &mut causes);
    causes
}

fn check(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if path == "metadata" || (value.is_null() && at(schema, &["nullable"]) == &json!(true)) {
        return;
    }
    if let Some(cause) = wrong_type(schema, value, path) {
        causes.push(cause);
        return;
    }
    causes.extend(not_in_enum(schema, value, path));
    match value {
        Value::Object(fields) => check_fields(schema, fields, path, causes),
        Value::Array(items) => check_items(schema, items, path, causes),
        Value::String(text) => causes.extend(check_text(schema, text, path)),
        Value::Number(_) => causes.extend(out_of_range(schema, value, path)),
        _ => {}
    }
}

fn wrong_type(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    let is_either = at(schema, &["x-kubernetes-int-or-string"]) == &json!(true);
    let wanted = if is_either { "integer,string" } else { text(schema, &["type"]) };
    let is = type_of(value);
    let fits = wanted.is_empty() || wanted.split(',').any(|wanted| wanted == is || (wanted == "number" && is == "integer"));
    (!fits).then(|| Cause {
        reason: "FieldValueTypeInvalid",
        message: format!("Invalid value: \"{is}\": {path} in body must be of type {wanted}: \"{is}\""),
        field: path.to_owned(),
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn not_in_enum(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    let allowed = list(schema, &["enum"]);
    let refused = !allowed.is_empty() && !allowed.contains(value);
    refused.then(|| Cause::unsupported(path, value, allowed))
}

fn check_fields(schema: &Value, fields: &Map<String, Value>, path: &str, causes: &mut Vec<Cause>) {
    let required = list(schema, &["required"]).iter().filter_map(Value::as_str);
    let missing = required.filter(|key| !fields.contains_key(*key));
    causes.extend(missing.map(|key| Cause::required(join(path, key), "")));
    let rest = at(schema, &["additionalProperties"]);
    for (key, value) in fields {
        let schema = at(schema, &["properties"]).get(key).unwrap_or(rest);
        check(schema, value, &join(path, key), causes);
    }
}

fn check_items(schema: &Value, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    for (index, item) in items.iter().enumerate() {
        check(at(schema, &["items"]), item, &format!("{path}[{index}]"), causes);
    }
    let count = json!(items.len());
    let bound = |field: &str| at(schema, &[field]).as_u64().and_then(|bound| usize::try_from(bound).ok());
    if let Some(most) = bound("maxItems").filter(|most| items.len() > *most) {
        causes.push(Cause::invalid(path, &count, format!("{path} in body should have at most {most} items")));
    }
    if let Some(least) = bound("minItems").filter(|least| items.len() < *least) {
        causes.push(Cause::invalid(path, &count, format!("{path} in body should have at least {least} items")));
    }
    causes.extend(duplicates(schema, items, path));
}

/// Lists that are maps or sets must not name one key twice.
fn duplicates(schema: &Value, items: &[Value], path: &str) -> Vec<Cause> {
    let keys = list(schema, &["x-kubernetes-list-map-keys"]);
    let key = |item: &Value| match text(schema, &["x-kubernetes-list-type"]) {
        "map" => Some(keys.iter().filter_map(Value::as_str).map(|key| (key.to_owned(), at(item, &[key]).clone())).collect()),
        "set" => Some(item.clone()),
        _ => None,
    };
    let mut seen = Vec::new();
    let mut causes = Vec::new();
    for (index, key) in items.iter().enumerate().filter_map(|(index, item)| Some((index, key(item)?))) {
        if seen.contains(&key) {
            let message = format!("Duplicate value: {key}");
            causes.push(Cause { reason: "FieldValueDuplicate", message, field: format!("{path}[{index}]") });
        }
        seen.push(key);
    }
    causes
}

fn check_text(schema: &Value, value: &str, path: &str) -> Vec<Cause> {
    let length = u64::try_from(value.chars().count()).unwrap_or(u64::MAX);
    let shown = json!(value);
    let mut causes = Vec::new();
    if let Some(most) = at(schema, &["maxLength"]).as_u64().filter(|most| length > *most) {
        let message = format!("Too long: may not be more than {most} bytes");
        causes.push(Cause { reason: "FieldValueTooLong", message, field: path.to_owned() });
    }
    if let Some(least) = at(schema, &["minLength"]).as_u64().filter(|least| length < *least) {
        causes.push(Cause::invalid(path, &shown, format!("{path} in body should be at least {least} chars long")));
    }
    let pattern = text(schema, &["pattern"]);
    if !pattern.is_empty() && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(value)) {
        causes.push(Cause::invalid(path, &shown, format!("{path} in body should match '{pattern}'")));
    }
    if text(schema, &["format"]) == "date-time" && value.parse::<jiff::Timestamp>().is_err() {
        causes.push(Cause::invalid(path, &shown, format!("{path} in body must be of type date-time: {shown}")));
    }
    causes
}

fn out_of_range(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    let number = value.as_f64()?;
    let least = at(schema, &["minimum"]).as_f64().filter(|least| number < *least);
    let most = at(schema, &["maximum"]).as_f64().filter(|most| number > *most);
    let detail = match (least, most) {
        (Some(least), _) => format!("{path} in body should be greater than or equal to {least}"),
        (_, Some(most)) => format!("{path} in body should be less than or equal to {most}"),
        _ => return None,
    };
    Some(Cause::invalid(path, value, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "required": ["spec"], "properties": {"spec": {
        "type": "object", "required": ["instances"], "properties": {
            "instances": {"type": "integer", "minimum": 1, "default": 1},
            "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
            "size": {"x-kubernetes-int-or-string": true, "pattern": "^[0-9]+$"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}},
        }}}})
    }

    fn fields(object: &Value) -> Vec<(String, &'static str)> {
        validate(&schema(), object).into_iter().map(|cause| (cause.field, cause.reason)).collect()
    }

    #[test]
    fn unknown_fields_are_pruned_and_named_by_path() {
        let mut object =
            json!({"kind": "X", "metadata": {"any": 1}, "spec": {"instances": 1, "oops": 1, "items": [{"name": "a", "no": 1}]}});
        // In the order of the document, or of the alphabet if serde_json does not keep it.
        let mut pruned = prune(&schema(), &mut object);
        pruned.sort();
        assert_eq!(pruned, ["spec.items[0].no", "spec.oops"]);
        assert_eq!(object, json!({"kind": "X", "metadata": {"any": 1}, "spec": {"instances": 1, "items": [{"name": "a"}]}}));
    }

    #[test]
    fn defaults_are_filled_in_only_where_the_parent_is() {
        let mut with = json!({"spec": {"mode": null}});
        fill_defaults(&schema(), &mut with);
        assert_eq!(with, json!({"spec": {"mode": "a", "instances": 1}}));
        let mut without = json!({});
        fill_defaults(&schema(), &mut without);
        assert_eq!(without, json!({}));
    }

    #[test]
    fn each_broken_constraint_names_its_field() {
        assert_eq!(fields(&json!({})), [("spec".to_owned(), "FieldValueRequired")]);
        assert_eq!(fields(&json!({"spec": {"instances": "3"}})), [("spec.instances".to_owned(), "FieldValueTypeInvalid")]);
        assert_eq!(fields(&json!({"spec": {"instances": 0}})), [("spec.instances".to_owned(), "FieldValueInvalid")]);
        assert_eq!(fields(&json!({"spec": {"instances": 1, "mode": "c"}})), [("spec.mode".to_owned(), "FieldValueNotSupported")]);
        assert_eq!(fields(&json!({"spec": {"instances": 1, "size": "x"}})), [("spec.size".to_owned(), "FieldValueInvalid")]);
        assert_eq!(
            fields(&json!({"spec": {"instances": 1, "labels": {"a": 1}}})),
            [("spec.labels.a".to_owned(), "FieldValueTypeInvalid")]
        );
        assert_eq!(
            fields(&json!({"spec": {"instances": 1, "items": [{"name": "long"}]}})),
            [("spec.items[0].name".to_owned(), "FieldValueTooLong")]
        );
        let twice = json!({"spec": {"instances": 1, "items": [{"name": "a"}, {"name": "a"}]}});
        assert_eq!(fields(&twice), [("spec.items[1]".to_owned(), "FieldValueDuplicate")]);
    }

    #[test]
    fn a_good_object_has_no_causes() {
        assert!(fields(&json!({"spec": {"instances": 3, "mode": "b", "size": 4, "labels": {"a": "b"}}})).is_empty());
    }
}
