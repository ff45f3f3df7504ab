//! Gives back the text that it was given.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Echo;

#[derive(serde::Deserialize)]
struct Arguments {
    text: String,
}

impl Plugin for Echo {
    fn tools() -> Vec<Tool> {
        let schema =
            r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}"#;
        vec![Tool::new("echo", "Gives back the text.").input(schema).read_only()]
    }

    fn call(_: &Context, _: &str, arguments: &str) -> Result<Outcome, Failure> {
        let Arguments { text } = portcullis_plugin::arguments(arguments)?;
        Ok(Output::text(text).into())
    }
}

portcullis_plugin::manifest!("name: echo\nversion: 0.1.0\ndescription: Gives back the text that it was given.\n");
portcullis_plugin::export!(Echo);
