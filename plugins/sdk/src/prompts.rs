//! Optional export `prompts`: prompt templates.

pub use crate::bindings::prompts::exports::portcullis::tool::prompts::{Argument, Expansion, Message, Outcome, Prompt};

use crate::bindings::prompts::exports::portcullis::tool::prompts::Guest;
use crate::{Content, Context, Failure, InputRequired};

/// A plugin with prompts: `export!(MyPlugin with prompts)`.
pub trait Prompts {
    /// The prompts on offer. Called once per load.
    fn prompts() -> Vec<Prompt>;

    /// Expands one. Required arguments are present: the host checked.
    ///
    /// # Errors
    /// [`Failure`], e.g. [`Failure::unknown_prompt`].
    fn get(ctx: &Context, name: &str, arguments: &[(String, String)]) -> Result<Outcome, Failure>;
}

impl<T: Prompts> Guest for T {
    fn list() -> Vec<Prompt> {
        T::prompts()
    }

    fn get(ctx: Context, name: String, arguments: Vec<(String, String)>) -> Result<Outcome, Failure> {
        <T as Prompts>::get(&ctx, &name, &arguments)
    }
}

#[doc(hidden)]
pub const fn check<T: Prompts>() {}

impl Prompt {
    /// A prompt without arguments.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), title: None, description: Some(description.into()), arguments: Vec::new() }
    }

    /// The name that people see.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// An argument that must be given.
    #[must_use]
    pub fn required(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.argument(name.into(), description.into(), true)
    }

    /// An argument that may be given.
    #[must_use]
    pub fn optional(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.argument(name.into(), description.into(), false)
    }

    fn argument(mut self, name: String, description: String, required: bool) -> Self {
        self.arguments.push(Argument { name, title: None, description: Some(description), required });
        self
    }
}

impl Expansion {
    /// One message from the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self { description: None, messages: Vec::new() }.and(Message::user(Content::Text(text.into())))
    }

    /// Appends a message.
    #[must_use]
    pub fn and(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }
}

impl Message {
    /// A message from the user.
    #[must_use]
    pub fn user(content: Content) -> Self {
        Self { role: "user".to_owned(), content }
    }

    /// A message from the assistant.
    #[must_use]
    pub fn assistant(content: Content) -> Self {
        Self { role: "assistant".to_owned(), content }
    }
}

impl From<Expansion> for Outcome {
    fn from(expansion: Expansion) -> Self {
        Self::Complete(expansion)
    }
}

impl From<InputRequired> for Outcome {
    fn from(required: InputRequired) -> Self {
        Self::InputRequired(required)
    }
}
