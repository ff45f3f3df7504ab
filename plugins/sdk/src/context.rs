//! What a plugin asks of its [`Context`]: answers to its questions, and whether it may ask at all.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Context, Failure};

/// What the user did with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elicitation<'a> {
    /// Filled it in; the JSON object that matches the requested schema.
    Accepted(&'a str),
    /// Said no.
    Declined,
    /// Closed it without a choice.
    Cancelled,
}

/// The result of an `elicitation/create`.
#[derive(serde::Deserialize)]
struct ElicitResult<'a> {
    action: String,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl Context {
    /// Whether this client shows forms to its user, on this wire.
    #[must_use]
    pub fn can_elicit(&self) -> bool {
        self.can("elicitation/create")
    }

    /// Whether this client answers `method`.
    #[must_use]
    pub fn can(&self, method: &str) -> bool {
        self.can_ask.iter().any(|known| known == method)
    }

    /// The answer to the question `key` as JSON text; `None`: not answered yet.
    #[must_use]
    pub fn answer(&self, key: &str) -> Option<&str> {
        self.answers.iter().find(|(known, _)| known == key).map(|(_, json)| json.as_str())
    }

    /// The answer to the question `key`, read; `None`: not answered yet.
    ///
    /// # Errors
    /// [`Failure`] "invalid-arguments" if the client's answer does not fit `T`.
    pub fn answer_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        self.answer(key).map(crate::arguments).transpose()
    }

    /// What the user did with the form `key`; `None`: not answered yet.
    ///
    /// # Errors
    /// [`Failure`] "invalid-arguments" if the client's answer is not an elicitation result.
    pub fn elicitation(&self, key: &str) -> Result<Option<Elicitation<'_>>, Failure> {
        let Some(json) = self.answer(key) else { return Ok(None) };
        let result: ElicitResult<'_> = serde_json::from_str(json)
            .map_err(|error| Failure::invalid_arguments(["answer `", key, "`: ", &error.to_string()].concat()))?;
        Ok(Some(match result.action.as_str() {
            "accept" => Elicitation::Accepted(result.content.map_or("{}", RawValue::get)),
            "decline" => Elicitation::Declined,
            _ => Elicitation::Cancelled,
        }))
    }
}

/// No caller, no answers, nothing to ask, the host's default deadline: for tests of plugins.
impl Default for Context {
    fn default() -> Self {
        Self {
            request_id: "test".to_owned(),
            caller: None,
            deadline_ms: 30_000,
            can_ask: Vec::new(),
            answers: Vec::new(),
            state: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Elicitation};

    fn answered(json: &str) -> Context {
        Context { answers: vec![("sure".to_owned(), json.to_owned())], ..Context::default() }
    }

    #[test]
    fn an_accepted_form_gives_its_content_as_it_came() {
        let context = answered(r#"{"action":"accept","content":{"name": "db"}}"#);
        assert_eq!(context.elicitation("sure"), Ok(Some(Elicitation::Accepted(r#"{"name": "db"}"#))));
    }

    #[test]
    fn a_refusal_and_an_unknown_action_are_not_a_yes() {
        assert_eq!(answered(r#"{"action":"decline"}"#).elicitation("sure"), Ok(Some(Elicitation::Declined)));
        assert_eq!(answered(r#"{"action":"shrug","content":{}}"#).elicitation("sure"), Ok(Some(Elicitation::Cancelled)));
    }

    #[test]
    fn a_question_that_was_not_answered_is_none() {
        assert_eq!(Context::default().elicitation("sure"), Ok(None));
        assert!(answered("[]").elicitation("sure").is_err());
    }
}
