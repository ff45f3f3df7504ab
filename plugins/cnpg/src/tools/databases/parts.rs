//! What a Database holds besides itself: extensions, schemas, foreign data wrappers and servers. Their schemas, and merging by name.

use serde_json::{Map, Value};

use crate::json::{json, list, text};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;
use crate::text::short;

/// The lists, as fields of the spec and as parameters.
pub(super) const PARTS: [&str; 4] = ["extensions", "schemas", "fdws", "servers"];

pub(super) const EXTENSIONS: Parameter = Parameter::optional(
    "extensions",
    Takes::Json(
        r#"{"type": "array", "maxItems": 100, "items": {"type": ["string", "object"], "maxLength": 63, "minLength": 1, "additionalProperties": false, "required": ["name"], "properties": {
"name": {"type": "string", "minLength": 1, "maxLength": 63, "description": "E.g. pg_stat_statements"},
"version": {"type": "string", "maxLength": 63, "description": "Left out: the default of the server"},
"schema": {"type": "string", "maxLength": 63, "description": "Schema that its objects go to"},
"ensure": {"enum": ["present", "absent"], "description": "absent: it is dropped"}}}}"#,
    ),
    "null",
    "Extensions: names, or `{\"name\": \"postgis\", \"version\": \"3.5\", \"schema\": \"gis\"}`. Those that are not named stay as they are.",
);

pub(super) const SCHEMAS: Parameter = Parameter::optional(
    "schemas",
    Takes::Json(
        r#"{"type": "array", "maxItems": 100, "items": {"type": ["string", "object"], "maxLength": 63, "minLength": 1, "additionalProperties": false, "required": ["name"], "properties": {
"name": {"type": "string", "minLength": 1, "maxLength": 63, "description": "Name of the schema"},
"owner": {"type": "string", "maxLength": 63, "description": "Role that owns it"},
"ensure": {"enum": ["present", "absent"], "description": "absent: it is dropped, if it is empty"}}}}"#,
    ),
    "null",
    "Schemas: names, or `{\"name\": \"sales\", \"owner\": \"app\"}`. Those that are not named stay as they are.",
);

pub(super) const FDWS: Parameter = Parameter::optional(
    "fdws",
    Takes::Json(
        r#"{"type": "array", "maxItems": 20, "items": {"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
"name": {"type": "string", "minLength": 1, "maxLength": 63, "description": "E.g. postgres_fdw"},
"handler": {"type": "string", "maxLength": 63, "description": "Handler function; `-`: none"},
"validator": {"type": "string", "maxLength": 63, "description": "Validator function; `-`: none"},
"owner": {"type": "string", "maxLength": 63, "description": "A superuser that owns it"},
"options": {"type": "array", "maxItems": 50, "items": {"type": "object"}, "description": "`{name, value, ensure}`; no secrets, they would be readable"},
"usage": {"type": "array", "maxItems": 50, "items": {"type": "object"}, "description": "`{name, type}`: role, and grant or revoke"},
"ensure": {"enum": ["present", "absent"], "description": "absent: it is dropped"}}}}"#,
    ),
    "null",
    "Foreign data wrappers, as in the spec of a Database. Those that are not named stay as they are.",
);

pub(super) const SERVERS: Parameter = Parameter::optional(
    "servers",
    Takes::Json(
        r#"{"type": "array", "maxItems": 20, "items": {"type": "object", "additionalProperties": false, "required": ["name", "fdw"], "properties": {
"name": {"type": "string", "minLength": 1, "maxLength": 63, "description": "Name of the foreign server"},
"fdw": {"type": "string", "minLength": 1, "maxLength": 63, "description": "Its foreign data wrapper"},
"options": {"type": "array", "maxItems": 50, "items": {"type": "object"}, "description": "`{name, value, ensure}`, e.g. host, port, dbname; no secrets, they would be readable"},
"usage": {"type": "array", "maxItems": 50, "items": {"type": "object"}, "description": "`{name, type}`: role, and grant or revoke"},
"ensure": {"enum": ["present", "absent"], "description": "absent: it is dropped"}}}}"#,
    ),
    "null",
    "Foreign servers, as in the spec of a Database. Those that are not named stay as they are.",
);

/// An entry that was given by its name alone is one with that name.
fn whole(entry: &Value) -> Value {
    entry.as_str().map_or_else(|| entry.clone(), |name| json!({"name": name}))
}

/// What the caller gave for a part; an entry that is named twice would be refused by the webhook without saying where.
pub(super) fn given(part: &str, entries: Option<&[Value]>) -> Result<Vec<Value>, Problem> {
    let all: Vec<Value> = entries.unwrap_or_default().iter().map(whole).collect();
    for (place, one) in all.iter().enumerate() {
        if all.iter().take(place).any(|other| same(one, other)) {
            let name = text(one, "/name").map(short).unwrap_or_default();
            return Err(Problem::argument(part, format!("`{name}` is named twice"), "Name each once."));
        }
    }
    Ok(all)
}

fn same(one: &Value, other: &Value) -> bool {
    text(one, "/name") == text(other, "/name")
}

/// The list as it shall be: each entry laid over the one of its name, new ones behind.
pub(super) fn laid_over(object: &Value, part: &str, entries: &[Value]) -> Value {
    let mut out: Vec<Value> = list(object, &format!("/spec/{part}")).to_vec();
    for entry in entries {
        match out.iter_mut().find(|one| same(one, entry)) {
            Some(there) => {
                let mut map = there.as_object().cloned().unwrap_or_default();
                map.extend(entry.as_object().cloned().unwrap_or_default());
                *there = Value::Object(map);
            }
            None => out.push(entry.clone()),
        }
    }
    Value::Array(out)
}

/// What these entries remove from PostgreSQL, for a question.
pub(super) fn dropped(part: &str, entries: &[Value]) -> Vec<String> {
    let absent = entries.iter().filter(|one| text(one, "/ensure") == Some("absent"));
    let noun = match part {
        "extensions" => "extension",
        "schemas" => "schema",
        "fdws" => "foreign data wrapper",
        _ => "foreign server",
    };
    absent.map(|one| format!("{noun} `{}` is dropped", text(one, "/name").map(short).unwrap_or_default())).collect()
}

/// Parts as they go into a new spec.
pub(super) fn put(spec: &mut Map<String, Value>, part: &str, entries: Option<&[Value]>) -> Result<(), Problem> {
    let all = given(part, entries)?;
    if !all.is_empty() {
        spec.insert(part.into(), all.into());
    }
    Ok(())
}
