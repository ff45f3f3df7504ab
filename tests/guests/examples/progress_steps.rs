//! Reports progress in as many steps as it is asked for.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool, notifications, progress};

struct Stepper;

#[derive(serde::Deserialize)]
struct Arguments {
    steps: u32,
}

impl Plugin for Stepper {
    fn tools() -> Vec<Tool> {
        let schema = r#"{"type":"object","properties":{"steps":{"type":"integer","minimum":0}},"required":["steps"]}"#;
        vec![Tool::new("step", "Takes steps.").input(schema)]
    }

    fn call(_: &Context, _: &str, arguments: &str) -> Result<Outcome, Failure> {
        let Arguments { steps } = portcullis_plugin::arguments(arguments)?;
        for step in 1..=steps {
            progress::report(step.into(), Some(steps.into()), Some(&format!("step {step}")));
            notifications::message("info", Some("stepper"), format!("{{\"step\":{step}}}"));
        }
        Ok(Output::text(format!("{steps} steps")).into())
    }
}

portcullis_plugin::manifest!(
    "name: progress-steps\nversion: 0.1.0\ndescription: Reports progress in as many steps as it is asked for.\nrequests:\n  progress: true\n  notifications: true\n"
);
portcullis_plugin::export!(Stepper);
