//! Offers a tool whose input schema is no JSON Schema.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Crooked;

impl Plugin for Crooked {
    fn tools() -> Vec<Tool> {
        let schema = r#"{"type":"object","properties":{"a":{"type":12}}}"#;
        vec![Tool::new("crooked", "Has a crooked schema.").input(schema)]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text("never").into())
    }
}

portcullis_plugin::manifest!(
    "name: bad-schema\nversion: 0.1.0\ndescription: Offers a tool whose input schema is no JSON Schema.\n"
);
portcullis_plugin::export!(Crooked);
