//! Returns as many bytes of text as it is asked for.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Flooder;

#[derive(serde::Deserialize)]
struct Arguments {
    bytes: usize,
}

impl Plugin for Flooder {
    fn tools() -> Vec<Tool> {
        let schema = r#"{"type":"object","properties":{"bytes":{"type":"integer","minimum":0}},"required":["bytes"]}"#;
        vec![Tool::new("flood", "Returns much text.").input(schema)]
    }

    fn call(_: &Context, _: &str, arguments: &str) -> Result<Outcome, Failure> {
        let Arguments { bytes } = portcullis_plugin::arguments(arguments)?;
        Ok(Output::text("x".repeat(bytes)).into())
    }
}

portcullis_plugin::manifest!(
    "name: huge-output\nversion: 0.1.0\ndescription: Returns as many bytes of text as it is asked for.\n"
);
portcullis_plugin::export!(Flooder);
