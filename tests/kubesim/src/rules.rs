//! `x-kubernetes-validations`: finds the rules of a schema and asks each where it applies.
//! Must not read CEL; `cel.rs` does. A rule that names `oldSelf` is asked on updates only (transition rules).

use serde_json::Value;

use crate::cel;
use crate::error::Cause;
use crate::object::{at, list, text};

/// Every rule that does not hold. `live` is an empty object on create.
pub(crate) fn check(schema: &Value, live: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let old = live.as_object().filter(|map| !map.is_empty()).map(|_| live);
    walk(schema, old, new, "", &mut causes);
    causes
}

fn walk(schema: &Value, old: Option<&Value>, new: &Value, path: &str, causes: &mut Vec<Cause>) {
    let rules = list(schema, &["x-kubernetes-validations"]);
    causes.extend(rules.iter().filter_map(|rule| ask(rule, old, new, path)));
    match new {
        Value::Object(fields) => {
            for (key, value) in fields {
                let below = at(schema, &["properties"]).get(key).unwrap_or(at(schema, &["additionalProperties"]));
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(below, old.and_then(|old| old.get(key)), value, &path, causes);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                // Items of a list that is not a map have no old self.
                walk(at(schema, &["items"]), None, item, &format!("{path}[{index}]"), causes);
            }
        }
        _ => {}
    }
}

fn ask(rule: &Value, old: Option<&Value>, new: &Value, path: &str) -> Option<Cause> {
    let source = text(rule, &["rule"]);
    let mut scope = vec![("self", new.clone())];
    if source.contains("oldSelf") {
        scope.push(("oldSelf", old?.clone()));
    }
    let verdict = cel::parse(source).and_then(|expr| cel::eval(&expr, &scope));
    let shown = if new.is_object() { Value::from("object") } else { new.clone() };
    match verdict {
        Ok(Value::Bool(true)) => None,
        Ok(_) => Some(Cause::invalid(path, &shown, text(rule, &["message"]))),
        Err(why) => Some(Cause::invalid(path, &shown, format!("rule evaluation error: {source}: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::kind::ResourceType;
    use serde_json::json;

    fn all() -> Vec<ResourceType> {
        crate::definition::cnpg().unwrap().iter().filter_map(crate::definition::served).collect()
    }

    fn broken(kind: &str, live: &Value, new: &Value) -> Vec<String> {
        let kinds = all();
        let schema = kinds.iter().find(|known| known.kind == kind).and_then(|kind| kind.schema.clone()).unwrap();
        check(&schema, live, new).into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    fn parses(schema: &Value) -> usize {
        let own = list(schema, &["x-kubernetes-validations"])
            .iter()
            .map(|rule| cel::parse(text(rule, &["rule"])).map(|_| 1).unwrap())
            .sum::<usize>();
        let below = schema.as_object().into_iter().flatten().map(|(_, below)| parses(below)).sum::<usize>();
        own + below
    }

    #[test]
    fn every_rule_of_the_cnpg_crds_can_be_read() {
        let rules: usize = all().iter().filter_map(|kind| kind.schema.as_ref()).map(parses).sum();
        assert!(rules > 50, "{rules}");
    }

    #[test]
    fn immutable_fields_are_checked_on_update_only() {
        let role = |name: &str| json!({"spec": {"name": name, "cluster": {"name": "db"}}});
        assert!(broken("DatabaseRole", &json!({}), &role("a")).is_empty());
        assert_eq!(broken("DatabaseRole", &role("a"), &role("b")), [r#"spec: Invalid value: "object": name is immutable"#]);
    }

    #[test]
    fn reserved_and_contradicting_values_are_refused() {
        let role = |spec: Value| json!({"spec": spec});
        let reserved = broken("DatabaseRole", &json!({}), &role(json!({"name": "pg_x", "cluster": {}})));
        assert!(reserved.concat().contains("reserved by PostgreSQL"), "{reserved:?}");
        let both = role(json!({"name": "a", "cluster": {}, "passwordSecret": {"name": "s"}, "disablePassword": true}));
        assert!(broken("DatabaseRole", &json!({}), &both).concat().contains("mutually exclusive"));
        let images =
            json!({"spec": {"imageName": "a:1", "imageCatalogRef": {"kind": "ImageCatalog", "apiGroup": "postgresql.cnpg.io"}}});
        assert_eq!(broken("Cluster", &json!({}), &images).len(), 1);
    }
}
