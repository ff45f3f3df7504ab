//! The fixture that the official MCP conformance suite expects of a server (`@modelcontextprotocol/conformance`), as a plugin: what the
//! suite sees comes through our own WIT, sandbox and gateway. Names and payloads are the suite's. No logic of the host belongs here.

mod asking;
mod completing;
mod contents;
mod prompting;
mod reading;
mod rounds;
mod talking;
mod tools;

use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool};

/// The fixture.
pub struct Conformance;

impl Plugin for Conformance {
    fn tools() -> Vec<Tool> {
        tools::all()
    }

    fn call(ctx: &Context, name: &str, arguments: &str) -> Result<Outcome, Failure> {
        tools::call(ctx, name, arguments)
    }
}

portcullis_plugin::manifest!(include_str!("../plugin.yaml"));
portcullis_plugin::export!(Conformance with prompts, resources, subscriptions, completions);
