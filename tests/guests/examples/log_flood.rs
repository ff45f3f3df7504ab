//! Logs as many lines as it is asked for, through the log capability or on standard error.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool, log};

struct Chatterer;

#[derive(serde::Deserialize)]
struct Arguments {
    lines: u32,
    stream: String,
}

impl Plugin for Chatterer {
    fn tools() -> Vec<Tool> {
        let schema = r#"{"type":"object","properties":{"lines":{"type":"integer"},"stream":{"enum":["log","stderr"]}},"required":["lines","stream"]}"#;
        vec![Tool::new("chatter", "Logs many lines.").input(schema)]
    }

    fn call(_: &Context, _: &str, arguments: &str) -> Result<Outcome, Failure> {
        let Arguments { lines, stream } = portcullis_plugin::arguments(arguments)?;
        for number in 0..lines {
            if stream == "log" { log::info(&format!("line {number}")) } else { eprintln!("line {number}") }
        }
        Ok(Output::text(format!("logged {lines} lines")).into())
    }
}

portcullis_plugin::manifest!(
    "name: log-flood\nversion: 0.1.0\ndescription: Logs as many lines as it is asked for, through the log capability or on standard error.\nrequests:\n  log: true\n"
);
portcullis_plugin::export!(Chatterer);
