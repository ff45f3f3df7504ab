//! What a tool hands back: Markdown for people and JSON for programs, or a question to the human. No protocol here.

use serde_json::Value;

use crate::json::{json, written};
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
            self.text = written(&self.structured);
        }
        self
    }

    fn fitted(mut self) -> Self {
        let whole = written(&self.structured);
        let is_json = self.text == whole;
        if whole.len() > BUDGET {
            shrink(&mut self.structured);
        }
        if is_json {
            self.text = written(&self.structured);
        } else if self.text.len() > BUDGET {
            self.text = cut(&self.text);
        }
        self
    }
}

/// At the end of a line, and said so.
fn cut(text: &str) -> String {
    let room = text.floor_char_boundary(BUDGET - 200);
    let kept = text.get(..room).unwrap_or_default();
    let kept = kept.rfind('\n').and_then(|end| kept.get(..=end)).unwrap_or(kept);
    // What is left open would swallow the words behind it.
    let fence = if kept.matches("```").count() % 2 == 1 { "```\n" } else { "" };
    format!("{kept}{fence}\n**Cut for length**: {} more characters. Ask for less at a time.\n", text.len() - kept.len())
}

/// Halves the largest value of the object until the whole fits, and names what was shortened in `left_out`.
fn shrink(structured: &mut Value) {
    let Some(map) = structured.as_object_mut() else { return };
    let mut shortened: Vec<Value> = map.get("left_out").and_then(Value::as_array).cloned().unwrap_or_default();
    // Each round halves something that is larger than all others, so that this ends; the bound is for what cannot be halved.
    for _ in 0..100 {
        let size: usize = map.iter().map(|(key, value)| key.len() + value.to_string().len() + 4).sum();
        if size <= BUDGET - 500 {
            break;
        }
        let Some((key, value)) = map.iter_mut().max_by_key(|(_, value)| value.to_string().len()) else { break };
        if !shortened.iter().any(|one| one == key) {
            shortened.push(key.as_str().into());
        }
        halve(value);
    }
    map.insert("left_out".into(), shortened.into());
}

fn halve(value: &mut Value) {
    match value {
        Value::Array(items) => items.truncate(items.len() / 2),
        Value::Object(map) => {
            let half = map.len() / 2;
            let mut place = 0;
            map.retain(|_, _| {
                place += 1;
                place <= half
            });
        }
        Value::String(text) => text.truncate(text.floor_char_boundary(text.len() / 2)),
        _ => {}
    }
}

impl Outcome {
    /// The last fence: whatever a tool put together, neither form grows beyond [`BUDGET`].
    pub(crate) fn fitted(self) -> Self {
        match self {
            Self::Done(answer) => Self::Done(answer.fitted()),
            ask => ask,
        }
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

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::{Answer, BUDGET, Format, Outcome};

    fn fitted(answer: Answer) -> Answer {
        match Outcome::Done(answer).fitted() {
            Outcome::Done(answer) => answer,
            Outcome::Ask(_) => unreachable!("an answer stays one"),
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_line_and_says_so() {
        let text = format!("```diff\n{}", "+ some.path: ä\n".repeat(5_000));
        let many: Vec<String> = (0..5_000).map(|one| format!("change {one}")).collect();
        let answer = fitted(Answer::new(text, json!({"name": "db", "changes": many})));
        assert!(answer.text.len() <= BUDGET && answer.text.contains("```\n\n**Cut for length**"), "{}", answer.text.len());
        assert!(answer.structured.to_string().len() <= BUDGET);
        assert_eq!((&answer.structured["name"], &answer.structured["left_out"]), (&json!("db"), &json!(["changes"])));
    }

    #[test]
    fn json_as_text_stays_json() {
        let answer = Answer::new(String::new(), json!({"rows": vec!["x".repeat(100); 1_000]})).formatted(Some(Format::Json));
        let answer = fitted(answer);
        assert_eq!(answer.text, answer.structured.to_string());
        assert!(answer.text.len() <= BUDGET);
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let answer = Answer::new("x\n".into(), json!({"a": 1}));
        assert_eq!(fitted(answer.clone()), answer);
    }
}
