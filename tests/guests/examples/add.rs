//! The smallest useful plugin: adds two numbers, cannot panic, imports nothing. The reference for speed and for the frozen ABI.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Add;

#[derive(serde::Deserialize)]
struct Arguments {
    a: i64,
    b: i64,
}

impl Plugin for Add {
    fn tools() -> Vec<Tool> {
        let schema = r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}"#;
        let output =
            r#"{"type":"object","properties":{"sum":{"type":"integer"}},"required":["sum"],"additionalProperties":false}"#;
        vec![
            Tool::new("add", "Adds two whole numbers.")
                .input(schema)
                .output(output)
                .read_only()
                .idempotent(true)
                .open_world(false),
        ]
    }

    fn call(_: &Context, name: &str, arguments: &str) -> Result<Outcome, Failure> {
        if name != "add" {
            return Err(Failure::unknown_tool(name));
        }
        let Arguments { a, b } = portcullis_plugin::arguments(arguments)?;
        let sum = a.checked_add(b).ok_or_else(|| Failure::invalid_arguments("`a` + `b` does not fit 64 bits"))?;
        let text = sum.to_string();
        Ok(Output::text(text.as_str()).structured(["{\"sum\":", &text, "}"].concat()).into())
    }
}

portcullis_plugin::manifest!("name: add\nversion: 0.1.0\ndescription: Adds two whole numbers.\nlicense: Apache-2.0\n");
portcullis_plugin::export!(Add);
