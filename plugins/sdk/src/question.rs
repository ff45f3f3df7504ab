//! Constructors of [`Question`]: what a plugin asks instead of blocking on a person.

use std::fmt::Display;

use crate::Question;

impl Question {
    /// Any request that [`crate::Context`]'s `can_ask` names, with its params as JSON.
    pub fn new(key: impl Into<String>, method: impl Into<String>, params: impl Display) -> Self {
        Self { key: key.into(), method: method.into(), params: params.to_string() }
    }

    /// A form for the user: `schema` is a flat JSON Schema object (MCP elicitation). Read it with [`crate::Context::elicitation`].
    pub fn elicit(key: impl Into<String>, message: &str, schema: impl Display) -> Self {
        let message = serde_json::Value::from(message).to_string();
        let params = ["{\"message\":", &message, ",\"requestedSchema\":", &schema.to_string(), "}"].concat();
        Self { key: key.into(), method: "elicitation/create".to_owned(), params }
    }

    /// One completion from the client's model; `params` is that of MCP `sampling/createMessage`.
    pub fn sample(key: impl Into<String>, params: impl Display) -> Self {
        Self::new(key, "sampling/createMessage", params)
    }

    /// The client's roots.
    pub fn roots(key: impl Into<String>) -> Self {
        Self::new(key, "roots/list", "{}")
    }
}

#[cfg(test)]
mod tests {
    use super::Question;

    #[test]
    fn a_form_is_json_whatever_its_message_holds() {
        let question = Question::elicit("k", "say \"yes\"\n", serde_json::json!({"type": "object"}));
        let params: Result<serde_json::Value, _> = serde_json::from_str(&question.params);
        assert_eq!(params.ok(), Some(serde_json::json!({"message": "say \"yes\"\n", "requestedSchema": {"type": "object"}})));
    }
}
