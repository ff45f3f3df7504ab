//! JSON Schema, compiled once: 2020-12 unless the schema says otherwise, never fetching a `$ref` from a network (MCP 2026-07-28, basic: T-18).

use std::sync::Arc;

use serde_json::Value;

/// Largest schema text, in bytes: larger ones cost clients their context and us compile time.
pub const SCHEMA_MAX: usize = 256 << 10;

/// Most violations that one message lists: enough to repair a call in one go.
const VIOLATIONS_MAX: usize = 8;

/// A compiled JSON Schema with its source. `Clone` is cheap.
#[derive(Clone)]
pub struct Schema {
    source: Arc<Value>,
    validator: Arc<jsonschema::Validator>,
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
        let validator = jsonschema::options().build(&source).map_err(|error| SchemaError::Compile(error.to_string()))?;
        Ok(Self { source: Arc::new(source), validator: Arc::new(validator) })
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
        if self.validator.is_valid(instance) {
            return Ok(());
        }
        let lines: Vec<String> =
            self.validator.iter_errors(instance).take(VIOLATIONS_MAX).map(|error| describe(&error)).collect();
        Err(lines.join("\n"))
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
    fn only_object_schemas_are_taken() {
        assert!(matches!(Schema::object("true"), Err(SchemaError::NotAnObject)));
        assert!(matches!(Schema::object("{"), Err(SchemaError::Syntax(_))));
    }
}
