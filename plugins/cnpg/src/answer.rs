//! What a tool hands back: Markdown for people and JSON for programs, or a question to the human. No protocol here.

use serde_json::{Value, json};

use crate::text::short;

/// Most characters of either form of an answer: about 8,000 tokens of a model's context. Lists hand out a cursor, status leaves
/// out sections by name; nothing is cut in the middle.
pub(crate) const BUDGET: usize = 25_000;

/// A finished call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) structured: Value,
    pub(crate) is_error: bool,
}

/// Something only the human can answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) key: &'static str,
    /// Params of MCP `elicitation/create`.
    pub(crate) params: Value,
    /// What comes back with the answer.
    pub(crate) state: Value,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Done(Answer),
    Ask(Question),
}

impl Answer {
    /// A success.
    pub(crate) fn new(text: String, structured: Value) -> Self {
        Self { text, structured, is_error: false }
    }

    /// The form that the caller asked for: with `format: json` the text is the JSON.
    pub(crate) fn formatted(mut self, format: Option<Format>) -> Self {
        if format == Some(Format::Json) {
            self.text = self.structured.to_string();
        }
        self
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self::Done(answer)
    }
}

/// The parameter `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Text,
    Json,
}

/// The parameter `detail_level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detail {
    Concise,
    Detailed,
}

/// `Warning:` headers as Markdown; nothing when there are none.
pub(crate) fn warnings(texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = texts.iter().map(|one| format!("- {}", short(one))).collect();
    format!("\n**Warnings:**\n{}\n", lines.join("\n"))
}

/// A question whose answer is the typed name of what would be destroyed.
pub(crate) fn ask_for_name(message: String, noun: &str, name: &str, state: Value) -> Question {
    let params = json!({
        "mode": "form",
        "message": message,
        "requestedSchema": {
            "type": "object",
            "properties": {"confirm_name": {
                "type": "string", "title": format!("Name of the {noun}"),
                "description": format!("Type `{name}` to agree. Anything else changes nothing."),
            }},
            "required": ["confirm_name"],
        },
    });
    Question { key: "confirm", params, state }
}
