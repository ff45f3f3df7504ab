//! Imports `wasi:filesystem`, which no capability covers.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Reader;

impl Plugin for Reader {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("read_file", "Reads a file of the host.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let text = std::fs::read_to_string("/etc/hostname").map_err(|error| Failure::denied(error.to_string()))?;
        Ok(Output::text(text).into())
    }
}

portcullis_plugin::manifest!("name: file-reader\nversion: 0.1.0\ndescription: Reads a file.\n");
portcullis_plugin::export!(Reader);
