//! Offers one name twice.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Twins;

impl Plugin for Twins {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("twin", "The first."), Tool::new("twin", "The second.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text("which?").into())
    }
}

portcullis_plugin::manifest!("name: duplicate-tools\nversion: 0.1.0\ndescription: Offers one name twice.\n");
portcullis_plugin::export!(Twins);
