//! What a publication publishes: the parameters as the spec's target, and the target in words.

use serde_json::{Map, Value};

use crate::json::{json, list, text, texts};
use crate::problem::Problem;
use crate::text::short;

/// Tables that are named in words.
const NAMED: usize = 8;

/// Schema of `tables`.
pub(super) const TABLES: &str = r#"{"type": "array", "maxItems": 200, "items": {"type": ["string", "object"], "minLength": 1, "maxLength": 127, "additionalProperties": false, "required": ["name"], "properties": {
"name": {"type": "string", "minLength": 1, "maxLength": 63, "description": "Name of the table"},
"schema": {"type": "string", "maxLength": 63, "description": "Its schema. Left out: the search path decides"},
"columns": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 63}, "description": "Only these columns"},
"only": {"type": "boolean", "description": "Without tables that inherit from it"}}}}"#;
/// Schema of `schemas`.
pub(super) const SCHEMAS: &str =
    r#"{"type": "array", "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 63}}"#;

/// `schema.table`, or one with all its fields.
fn table(entry: &Value) -> Value {
    let Some(text) = entry.as_str() else { return entry.clone() };
    match text.split_once('.') {
        Some((schema, name)) => json!({"schema": schema, "name": name}),
        None => json!({"name": text}),
    }
}

/// The target, from exactly one way of saying it, or from tables and schemas together.
pub(super) fn target(all: Option<bool>, tables: &[Value], schemas: &[String]) -> Result<Value, Problem> {
    let some = !tables.is_empty() || !schemas.is_empty();
    match (all.unwrap_or(false), some) {
        (true, true) => {
            let message = "all tables and some of them exclude each other";
            Err(Problem::argument("all_tables", message, "Leave out `all_tables`, or `tables` and `schemas`."))
        }
        (false, false) => {
            let message = "nothing was named to publish";
            Err(Problem::argument("tables", message, "Name `tables` or `schemas`, or say `all_tables: true`."))
        }
        (true, false) => Ok(json!({"allTables": true})),
        (false, true) => objects(tables, schemas),
    }
}

fn objects(tables: &[Value], schemas: &[String]) -> Result<Value, Problem> {
    let tables: Vec<Value> = tables.iter().map(table).collect();
    if !schemas.is_empty() && tables.iter().any(|one| one.get("columns").is_some()) {
        let message = "PostgreSQL takes no column list beside whole schemas";
        return Err(Problem::argument("tables", message, "Leave out `columns`, or make two publications."));
    }
    let mut objects: Vec<Value> = schemas.iter().map(|one| json!({"tablesInSchema": one})).collect();
    objects.extend(tables.into_iter().map(|one| json!({"table": one})));
    Ok(json!({"objects": objects}))
}

/// The target in a few words.
pub(super) fn words(publication: &Value) -> String {
    if publication.pointer("/spec/target/allTables").and_then(Value::as_bool) == Some(true) {
        return "all tables".into();
    }
    let objects = list(publication, "/spec/target/objects");
    let mut all: Vec<String> = objects.iter().take(NAMED).map(one).collect();
    if objects.len() > NAMED {
        all.push(format!("and {} more", objects.len() - NAMED));
    }
    short(&all.join(", "))
}

fn one(object: &Value) -> String {
    if let Some(schema) = text(object, "/tablesInSchema") {
        return format!("schema {schema}");
    }
    let name = text(object, "/table/name").unwrap_or_default();
    let table = text(object, "/table/schema").map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
    let columns = texts(object, "/table/columns");
    if columns.is_empty() { table } else { format!("{table} ({})", columns.join(", ")) }
}

/// Options as they are given, for a list.
pub(super) fn options(object: &Value) -> Map<String, Value> {
    object.pointer("/spec/parameters").and_then(Value::as_object).cloned().unwrap_or_default()
}
