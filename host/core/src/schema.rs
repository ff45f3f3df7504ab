//! JSON Schema, compiled once: 2020-12 unless the schema says otherwise, never fetching a `$ref` from a network (MCP 2026-07-28, basic: T-18).

use std::sync::Arc;

use serde_json::Value;

mod extent;

/// Largest schema text, in bytes: larger ones cost clients their context and us compile time.
pub const SCHEMA_MAX: usize = 256 << 10;

/// Most violations that one message lists: enough to repair a call in one go.
const VIOLATIONS_MAX: usize = 8;

/// Most checks that one validation may cost: values of the instance times subschemas. 50 million: about a second, and ten times what 4 MiB of
/// JSON against a usual schema cost.
const CHECKS_MAX: u64 = 50_000_000;

/// Most checks for which violations are listed one by one: the validator keeps all of them (about 300 bytes each) before we see the first.
/// 250,000: 75 MB at worst.
const LISTED_MAX: u64 = 250_000;

/// A compiled JSON Schema with its source. `Clone` is cheap.
#[derive(Clone)]
pub struct Schema {
    source: Arc<Value>,
    validator: Arc<jsonschema::Validator>,
    extent: extent::Extent,
}

/// Why a schema was refused.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Over [`SCHEMA_MAX`].
    #[error("the schema has {0} bytes; at most {SCHEMA_MAX} are allowed")]
    TooLarge(usize),
    /// Not JSON.
    #[error("the schema is not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON, but no object schema.
    #[error("the schema must be a JSON object with `\"type\": \"object\"`")]
    NotAnObject,
    /// Not a JSON Schema, or one that refers to another document.
    #[error("the schema does not compile: {0}")]
    Compile(String),
    /// Checking a value against it could take for ever.
    #[error("the schema is too much work to check: {0}; write it with fewer or simpler references")]
    Unbounded(String),
}

/// Schemas are alike if they are written alike.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Schema {
    /// Compiles the schema of an object (tool arguments, structured output, settings).
    ///
    /// # Errors
    /// [`SchemaError`]; the plugin that brought it is refused with this as its finding.
    pub fn object(text: &str) -> Result<Self, SchemaError> {
        if text.len() > SCHEMA_MAX {
            return Err(SchemaError::TooLarge(text.len()));
        }
        Self::compile(serde_json::from_str(text)?)
    }

    /// Compiles an object schema that is already parsed.
    ///
    /// # Errors
    /// [`SchemaError`]; see [`Schema::object`].
    pub fn compile(source: Value) -> Result<Self, SchemaError> {
        if source.get("type").and_then(Value::as_str) != Some("object") {
            return Err(SchemaError::NotAnObject);
        }
        let extent = extent::of(&source)?;
        let validator = jsonschema::options().build(&source).map_err(|error| SchemaError::Compile(error.to_string()))?;
        Ok(Self { source: Arc::new(source), validator: Arc::new(validator), extent })
    }

    /// The schema as it was written.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Validates an instance.
    ///
    /// # Errors
    /// What is wrong with it, one violation per line with its JSON pointer; never the offending value, which may be a secret.
    pub fn validate(&self, instance: &Value) -> Result<(), String> {
        let checks = values(instance).saturating_mul(self.extent.parts);
        if checks > CHECKS_MAX {
            return Err("(root): too many values to check against this schema: send less at once".to_owned());
        }
        if self.validator.is_valid(instance) {
            return Ok(());
        }
        // With two ways back into itself a schema finds the same violations again and again; whether there are any, the validator remembers.
        if checks > LISTED_MAX || self.extent.returns > 1 {
            return Err("(root): does not fit the schema; it is too large or too recursive to list what is wrong".to_owned());
        }
        let lines: Vec<String> =
            self.validator.iter_errors(instance).take(VIOLATIONS_MAX).map(|error| describe(&error)).collect();
        Err(lines.join("\n"))
    }
}

/// Values in an instance, itself included.
fn values(instance: &Value) -> u64 {
    match instance {
        Value::Array(items) => items.iter().map(values).sum::<u64>().saturating_add(1),
        Value::Object(fields) => fields.values().map(values).sum::<u64>().saturating_add(1),
        _ => 1,
    }
}

fn describe(error: &jsonschema::ValidationError<'_>) -> String {
    let pointer = error.instance_path().to_string();
    let place = if pointer.is_empty() { "(root)".to_owned() } else { pointer };
    format!("{place}: {}", error.masked())
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Schema({})", self.source)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::extent::tests::doubling;
    use super::{Schema, SchemaError};
    use serde_json::json;

    #[test]
    fn a_violation_names_the_place_and_hides_the_value() {
        let schema =
            Schema::object(r#"{"type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false}"#).unwrap();
        assert!(schema.validate(&json!({"n": 1})).is_ok());
        let message = schema.validate(&json!({"n": "hunter2"})).unwrap_err();
        assert!(message.starts_with("/n: "), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
        assert!(schema.validate(&json!({"m": 1})).unwrap_err().contains('m'));
    }

    #[test]
    fn a_schema_that_points_to_the_network_is_refused() {
        let refused = Schema::object(r#"{"type":"object","properties":{"a":{"$ref":"https://example.com/x.json"}}}"#);
        assert!(matches!(refused, Err(SchemaError::Compile(_))));
    }

    #[test]
    fn a_schema_has_256_kib_at_most() {
        let text = |bytes: usize| format!("{}{{\"type\":\"object\"}}", " ".repeat(bytes - 17));
        assert!(Schema::object(&text(256 << 10)).is_ok());
        assert!(matches!(Schema::object(&text((256 << 10) + 1)), Err(SchemaError::TooLarge(262_145))));
    }

    #[test]
    fn a_schema_whose_references_double_is_refused_before_it_is_compiled() {
        let bomb = doubling(40, |next| json!({"allOf": [next, next]}));
        assert!(matches!(Schema::object(&bomb.to_string()), Err(SchemaError::Unbounded(_))));
        assert!(matches!(Schema::compile(bomb), Err(SchemaError::Unbounded(_))));
    }

    #[test]
    fn a_recursive_schema_answers_soon_however_deep_the_value_that_breaks_it() {
        let twice = json!({"anyOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n"}]});
        let node = json!({"type": "object", "properties": {"x": twice, "leaf": {"type": "string"}}});
        let schema = json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/n"}}, "$defs": {"n": node}});
        let schema = Schema::compile(schema).unwrap();
        let deep = |leaf| (0..100).fold(json!({"leaf": leaf}), |inner, _| json!({"x": inner}));
        assert!(schema.validate(&deep(json!("a"))).is_ok());
        assert!(schema.validate(&deep(json!(1))).unwrap_err().contains("recursive"));
    }

    #[test]
    fn the_deepest_schema_that_is_taken_fits_a_threads_stack() {
        let chain = |count| doubling(count, |next| next);
        let mut recursive = chain(super::extent::CHAIN_MAX - 3);
        let end = format!("a{}", super::extent::CHAIN_MAX - 3);
        recursive["$defs"][end] = json!({"additionalProperties": {"$ref": "#/$defs/a0"}});
        let schema = Schema::compile(recursive).unwrap();
        let deep = (0..120).fold(json!({}), |inner, _| json!({"x": inner}));
        assert!(schema.validate(&deep).is_ok());
        let long = doubling(super::extent::PATH_MAX / 2 - 2, |next| json!({"properties": {"x": next}}));
        assert!(Schema::compile(long).unwrap().validate(&deep).is_ok());
    }

    #[test]
    fn values_that_would_take_minutes_to_check_are_refused_and_many_violations_are_not_listed() {
        let parts: Vec<_> = (0..1_000).map(|_| json!({"type": "integer"})).collect();
        let schema = json!({"type": "object", "properties": {"x": {"items": {"allOf": parts}}}});
        let schema = Schema::compile(schema).unwrap();
        let list = |count| json!({"x": vec!["a"; count]});
        assert!(schema.validate(&list(60_000)).unwrap_err().contains("send less"));
        assert!(schema.validate(&list(1_000)).unwrap_err().contains("too large"));
        assert_eq!(schema.validate(&list(10)).unwrap_err().lines().count(), super::VIOLATIONS_MAX);
    }

    #[test]
    fn only_object_schemas_are_taken() {
        assert!(matches!(Schema::object("true"), Err(SchemaError::NotAnObject)));
        assert!(matches!(Schema::object("{"), Err(SchemaError::Syntax(_))));
    }
}
