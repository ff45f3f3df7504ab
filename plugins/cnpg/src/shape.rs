//! Output schemas. One schema covers both ends of a tool: its own keys, or those of a problem; MCP has one `outputSchema` per tool.

use crate::json::json;
use serde_json::Value;

/// The structured result of a tool that worked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// JSON text of the `properties`.
    pub(crate) properties: &'static str,
    /// Those that are always there.
    pub(crate) required: &'static [&'static str],
}

/// Keys of a problem; `reason` and `message` are strings wherever they appear.
const PROBLEM: &str = r#"{
"code": {"type": "integer", "description": "HTTP status of the refusal; 0: no answer. Only with isError."},
"reason": {"type": "string"},
"message": {"type": "string"},
"retryable": {"type": "boolean", "description": "Whether the same call may succeed later."},
"retry_after_ms": {"type": ["integer", "null"]},
"causes": {"type": "array", "items": {"type": "object", "properties": {
  "parameter": {"type": ["string", "null"]}, "field": {"type": "string"}, "message": {"type": "string"}}}},
"hint": {"type": "string", "description": "What to do next."},
"missing_rule": {"type": ["string", "null"], "description": "YAML of the RBAC or grant rule that is missing."},
"next_tools": {"type": "array", "items": {"type": "string"}}
}"#;

impl Shape {
    /// The output schema.
    pub(crate) fn schema(&self) -> Value {
        let mut properties: Value = serde_json::from_str(PROBLEM).unwrap_or_default();
        let own: Value = serde_json::from_str(self.properties).unwrap_or_default();
        if let (Some(all), Some(own)) = (properties.as_object_mut(), own.as_object()) {
            all.extend(own.clone());
        }
        let problem = ["code", "reason", "message", "retryable", "causes", "hint", "next_tools"];
        json!({"type": "object", "properties": properties, "anyOf": [{"required": self.required}, {"required": problem}]})
    }
}
