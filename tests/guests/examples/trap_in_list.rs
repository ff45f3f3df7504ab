//! Panics when it is asked for its tools.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Silent;

impl Plugin for Silent {
    #[expect(clippy::panic, reason = "what this guest is for")]
    fn tools() -> Vec<Tool> {
        panic!("no list today")
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text("never").into())
    }
}

portcullis_plugin::manifest!("name: trap-in-list\nversion: 0.1.0\ndescription: Panics when it is asked for its tools.\n");
portcullis_plugin::export!(Silent);
