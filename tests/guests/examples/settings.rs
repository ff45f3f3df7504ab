//! Gives back its own settings.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool, config};

struct Settled;

impl Plugin for Settled {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("settings", "Says how it is set up.").read_only()]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text(config::json()).into())
    }
}

portcullis_plugin::manifest!(
    "name: settings
version: 0.1.0
description: Says how it is set up.
requests:
  config: true
settings:
  type: object
  properties:
    greeting: { type: string }
    n: { type: number }
  additionalProperties: false
"
);
portcullis_plugin::export!(Settled);
