//! Offers one tool and withholds another; withholding during a call does nothing.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool, withhold};

struct Reluctant;

impl Plugin for Reluctant {
    fn tools() -> Vec<Tool> {
        withhold("resize", "the storage class cannot grow");
        vec![Tool::new("shrink", "Makes it smaller.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        withhold("shrink", "too late to say so");
        Ok(Output::text("smaller").into())
    }
}

portcullis_plugin::manifest!("name: withheld\nversion: 0.1.0\ndescription: Keeps one tool back.\n");
portcullis_plugin::export!(Reluctant);
