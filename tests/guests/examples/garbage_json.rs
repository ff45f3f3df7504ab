//! Returns structured output that is not JSON, not an object, or not what its schema says.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Garbler;

#[derive(serde::Deserialize)]
struct Arguments {
    what: String,
}

impl Plugin for Garbler {
    fn tools() -> Vec<Tool> {
        let schema =
            r#"{"type":"object","properties":{"what":{"enum":["syntax","array","schema","nothing"]}},"required":["what"]}"#;
        let output = r#"{"type":"object","properties":{"sum":{"type":"integer"}},"required":["sum"]}"#;
        vec![Tool::new("garble", "Returns garbage.").input(schema).output(output)]
    }

    fn call(_: &Context, _: &str, arguments: &str) -> Result<Outcome, Failure> {
        let Arguments { what } = portcullis_plugin::arguments(arguments)?;
        let structured = match what.as_str() {
            "syntax" => "{\"sum\": 1,}",
            "array" => "[1]",
            "schema" => "{\"sum\":\"one\"}",
            _ => "{\"sum\":1}",
        };
        Ok(Output::text("garbage").structured(structured).into())
    }
}

portcullis_plugin::manifest!(
    "name: garbage-json\nversion: 0.1.0\ndescription: Returns structured output that is not JSON, not an object, or not what its schema says.\n"
);
portcullis_plugin::export!(Garbler);
