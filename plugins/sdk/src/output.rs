//! Builder methods of [`Output`], [`Content`] and [`Outcome`].

use std::fmt::Display;

use crate::{Blob, Content, Failure, InputRequired, Outcome, Output, Question, ResourceBody, ResourceContents};

impl Output {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { content: Vec::new(), structured: None, is_error: false }
    }

    /// One block of text. Markdown is text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().with(Content::Text(text.into()))
    }

    /// One block of text that the model sees as a failure it can act upon.
    pub fn error(text: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::text(text) }
    }

    /// JSON without text: the host adds the JSON as text for older clients.
    pub fn json(object: impl Display) -> Self {
        Self::new().structured(object)
    }

    /// Appends a block.
    #[must_use]
    pub fn with(mut self, content: Content) -> Self {
        self.content.push(content);
        self
    }

    /// Sets the JSON object that matches the tool's output schema: text or a `serde_json::Value`.
    #[must_use]
    pub fn structured(mut self, object: impl Display) -> Self {
        self.structured = Some(object.to_string());
        self
    }

    /// The same, from anything that serialises.
    ///
    /// # Errors
    /// [`Failure`] "internal" if it does not (a map with keys that are not strings).
    pub fn structured_from<T: serde::Serialize>(mut self, object: &T) -> Result<Self, Failure> {
        let json = serde_json::to_string(object).map_err(|error| Failure::internal(error.to_string()))?;
        self.structured = Some(json);
        Ok(self)
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl Content {
    /// An image; `data` is the file itself, not base64.
    pub fn image(data: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        Self::Image(Blob { data: data.into(), mime_type: mime_type.into() })
    }

    /// Sound; `data` is the file itself, not base64.
    pub fn audio(data: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        Self::Audio(Blob { data: data.into(), mime_type: mime_type.into() })
    }
}

impl ResourceContents {
    /// A resource whose body is text.
    pub fn text(uri: impl Into<String>, mime_type: impl Into<String>, text: impl Into<String>) -> Self {
        Self { uri: uri.into(), mime_type: Some(mime_type.into()), body: ResourceBody::Text(text.into()) }
    }

    /// A resource whose body is binary; not base64.
    pub fn blob(uri: impl Into<String>, mime_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { uri: uri.into(), mime_type: Some(mime_type.into()), body: ResourceBody::Blob(data.into()) }
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self::Complete(output)
    }
}

impl From<InputRequired> for Outcome {
    fn from(required: InputRequired) -> Self {
        Self::InputRequired(required)
    }
}

impl Outcome {
    /// Asks, and hands out nothing: the arguments and the answers are all that the next call needs.
    #[must_use]
    pub fn ask(questions: Vec<Question>) -> Self {
        Self::InputRequired(InputRequired { questions, state: None })
    }

    /// Asks, and gets `state` back with the answers in [`crate::Context`]'s `state`. At most 16 KiB; sealed by the host.
    pub fn ask_with_state(questions: Vec<Question>, state: impl Into<Vec<u8>>) -> Self {
        Self::InputRequired(InputRequired { questions, state: Some(state.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Output};

    #[test]
    fn an_error_keeps_its_text_and_its_structure() {
        let output = Output::error("no such cluster").structured(serde_json::json!({"code": 404}));
        assert!(output.is_error);
        assert_eq!(output.content, [Content::Text("no such cluster".to_owned())]);
        assert_eq!(output.structured.as_deref(), Some(r#"{"code":404}"#));
    }

    #[test]
    fn what_does_not_serialise_is_a_failure_rather_than_a_panic() {
        let map = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert!(Output::new().structured_from(&map).is_err_and(|failure| failure.code == "internal"));
    }
}
