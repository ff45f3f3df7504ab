//! Completion of the arguments of one prompt.

use portcullis_plugin::completions::{Completion, Reference};
use portcullis_plugin::{Completions, Context, Failure};

use crate::Conformance;

impl Completions for Conformance {
    fn complete(
        _: &Context,
        target: &Reference,
        argument: &str,
        value: &str,
        _: &[(String, String)],
    ) -> Result<Completion, Failure> {
        let known: &[&str] = match (target.name.as_str(), argument) {
            ("test_prompt_with_arguments", "arg1") => &["paris", "park", "party", "test"],
            _ => &[],
        };
        Ok(Completion::prefixed(known.iter().copied(), value))
    }
}
