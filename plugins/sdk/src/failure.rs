//! Constructors of [`Failure`], and reading arguments.

use serde::de::DeserializeOwned;

use crate::Failure;

impl Failure {
    /// A failure with one of the documented codes.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retry_after_ms: None }
    }

    /// This plugin has no such tool.
    #[must_use]
    pub fn unknown_tool(name: &str) -> Self {
        Self::new("unknown-tool", ["no tool `", name, "`"].concat())
    }

    /// This plugin has no such prompt.
    #[must_use]
    pub fn unknown_prompt(name: &str) -> Self {
        Self::new("unknown-prompt", ["no prompt `", name, "`"].concat())
    }

    /// This plugin has no such resource.
    #[must_use]
    pub fn unknown_resource(uri: &str) -> Self {
        Self::new("unknown-resource", ["no resource `", uri, "`"].concat())
    }

    /// The arguments fit the schema and still make no sense.
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self::new("invalid-arguments", message)
    }

    /// This caller may not.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new("denied", message)
    }

    /// Not now; say when with [`Failure::retry_after_ms`](Self#structfield.retry_after_ms).
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new("unavailable", message)
    }

    /// A defect of the plugin.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("internal", message)
    }

    /// The same call may succeed after so many milliseconds.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }
}

/// Reads a call's arguments.
///
/// # Errors
/// [`Failure`] "invalid-arguments" that says where the text does not fit `T`.
pub fn arguments<T: DeserializeOwned>(json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::invalid_arguments(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn arguments_that_do_not_fit_name_the_field() {
        #[derive(serde::Deserialize, Debug)]
        struct Arguments {
            #[expect(dead_code, reason = "only its type matters")]
            name: String,
        }
        let failure = arguments::<Arguments>("{}").err();
        assert!(failure.is_some_and(|failure| failure.code == "invalid-arguments" && failure.message.contains("name")));
    }
}
