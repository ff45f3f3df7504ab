//! Prompt templates, mirrored from `portcullis:tool/prompts`.

use crate::content::Content;

/// A parameter of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether `get` is refused without it.
    pub required: bool,
}

/// A prompt on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptSpec {
    /// Form and uniqueness as for tools.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Its parameters.
    pub arguments: Vec<PromptArgument>,
}

/// One message of an expanded prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// `user` or `assistant`; the sandbox refuses anything else.
    pub role: String,
    /// What it says.
    pub content: Content,
}

/// An expanded prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    /// For people.
    pub description: Option<String>,
    /// In order.
    pub messages: Vec<PromptMessage>,
}
