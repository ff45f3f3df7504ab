//! Optional export `completions`: completes arguments of prompts and of resource templates.

pub use crate::bindings::completions::exports::portcullis::tool::completions::{Completion, Reference};

use crate::bindings::completions::exports::portcullis::tool::completions::Guest;
use crate::{Context, Failure};

/// A plugin that completes arguments: `export!(MyPlugin with prompts, completions)`.
pub trait Completions {
    /// Values for `argument` of `target` that go on from `value`. `known` holds the arguments that the user already filled in.
    ///
    /// # Errors
    /// [`Failure`], if the values cannot be had.
    fn complete(
        ctx: &Context,
        target: &Reference,
        argument: &str,
        value: &str,
        known: &[(String, String)],
    ) -> Result<Completion, Failure>;
}

impl<T: Completions> Guest for T {
    fn complete(
        ctx: Context,
        target: Reference,
        argument: String,
        value: String,
        known: Vec<(String, String)>,
    ) -> Result<Completion, Failure> {
        <T as Completions>::complete(&ctx, &target, &argument, &value, &known)
    }
}

#[doc(hidden)]
pub const fn check<T: Completions>() {}

impl Completion {
    /// Values that a completion may carry at most, by the protocol.
    pub const MAX: usize = 100;

    /// Those of `all` that begin with `value`, at most [`Self::MAX`], with how many there are.
    pub fn prefixed<'a>(all: impl IntoIterator<Item = &'a str>, value: &str) -> Self {
        let matching: Vec<&str> = all.into_iter().filter(|one| one.starts_with(value)).collect();
        Self {
            values: matching.iter().take(Self::MAX).map(|&one| one.to_owned()).collect(),
            total: u32::try_from(matching.len()).ok(),
            has_more: matching.len() > Self::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Completion;

    #[test]
    fn a_long_completion_is_cut_and_says_so() {
        let all: Vec<String> = (0..150).map(|number| format!("n{number}")).collect();
        let completion = Completion::prefixed(all.iter().map(String::as_str), "n");
        assert_eq!((completion.values.len(), completion.total, completion.has_more), (100, Some(150), true));
    }
}
