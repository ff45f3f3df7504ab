//! Argument completion, mirrored from `portcullis:tool/completions`.

/// Most values in one answer (MCP 2026-07-28, server/utilities/completion).
pub const VALUES_MAX: usize = 100;

/// What is being completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompletionTarget {
    /// An argument of the named prompt.
    Prompt(String),
    /// A variable of the given URI template.
    ResourceTemplate(String),
}

/// A request for completions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionRequest {
    /// What is being completed.
    pub target: CompletionTarget,
    /// The argument's name.
    pub argument: String,
    /// What the user has typed.
    pub value: String,
    /// Arguments that are already filled in.
    pub known: Vec<(String, String)>,
}

/// The answer, at most [`VALUES_MAX`] values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// Best first.
    pub values: Vec<String>,
    /// How many there are in all, if known.
    pub total: Option<u32>,
    /// Whether there are more than these.
    pub has_more: bool,
}
