//! Builder methods of [`Tool`].

use std::fmt::Display;

use crate::{Annotations, Tool};

/// A tool that takes no arguments says so with this schema.
const NO_ARGUMENTS: &str = r#"{"type":"object","additionalProperties":false}"#;

impl Tool {
    /// A tool without arguments; say more with the methods below. The description is what the model chooses by.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: description.into(),
            input_schema: NO_ARGUMENTS.to_owned(),
            output_schema: None,
            annotations: Annotations { read_only: None, destructive: None, idempotent: None, open_world: None },
            scopes: Vec::new(),
        }
    }

    /// The name that people see.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// JSON Schema 2020-12 of the arguments: text or a `serde_json::Value`.
    #[must_use]
    pub fn input(mut self, schema: impl Display) -> Self {
        self.input_schema = schema.to_string();
        self
    }

    /// JSON Schema of [`crate::Output::structured`].
    #[must_use]
    pub fn output(mut self, schema: impl Display) -> Self {
        self.output_schema = Some(schema.to_string());
        self
    }

    /// It changes nothing.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.annotations.read_only = Some(true);
        self
    }

    /// It changes something; `destructive` says whether it may remove or overwrite what was there.
    #[must_use]
    pub fn writes(mut self, destructive: bool) -> Self {
        self.annotations.read_only = Some(false);
        self.annotations.destructive = Some(destructive);
        self
    }

    /// Whether a repeated call with the same arguments changes nothing more.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.annotations.idempotent = Some(idempotent);
        self
    }

    /// Whether it reaches beyond a closed set of things, as a web search does.
    #[must_use]
    pub fn open_world(mut self, open_world: bool) -> Self {
        self.annotations.open_world = Some(open_world);
        self
    }

    /// An OAuth scope that a caller who comes with an OAuth token needs for it, besides what the operator's policy says.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Tool;

    #[test]
    fn a_tool_says_only_what_it_was_told() {
        let tool = Tool::new("t", "d").read_only();
        assert_eq!(tool.annotations.read_only, Some(true));
        assert_eq!(tool.annotations.destructive, None);
        assert_eq!(tool.output_schema, None);
    }

    #[test]
    fn a_schema_is_taken_as_text_or_as_a_value() {
        let value = serde_json::json!({"type": "object"});
        assert_eq!(
            Tool::new("t", "d").input(&value).input_schema,
            Tool::new("t", "d").input(r#"{"type":"object"}"#).input_schema
        );
    }
}
