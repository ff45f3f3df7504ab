//! Looks around: environment, arguments and standard input, which need no grant and must be empty.

use std::io::Read as _;

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Scout;

impl Plugin for Scout {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("look_around", "Says what the guest sees of its host.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let mut input = Vec::new();
        let read = std::io::stdin().read_to_end(&mut input).unwrap_or(usize::MAX);
        let (variables, arguments) = (std::env::vars_os().count(), std::env::args_os().count());
        Ok(Output::text(format!("variables {variables}, arguments {arguments}, input {read}")).into())
    }
}

portcullis_plugin::manifest!("name: surroundings\nversion: 0.1.0\ndescription: Looks around.\n");
portcullis_plugin::export!(Scout);
