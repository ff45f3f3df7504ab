//! Offers a tool whose name is none.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Namer;

impl Plugin for Namer {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("two words", "Has a name that MCP forbids.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text("never").into())
    }
}

portcullis_plugin::manifest!("name: bad-name\nversion: 0.1.0\ndescription: Offers a bad name.\n");
portcullis_plugin::export!(Namer);
