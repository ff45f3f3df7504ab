//! Imports Kubernetes and does not request it.

use portcullis_plugin::kubernetes::Api as _;
use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool, kubernetes};

struct Sneaker;

impl Plugin for Sneaker {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("sneak", "Looks at the cluster.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text(kubernetes::Host.default_namespace()).into())
    }
}

portcullis_plugin::manifest!(
    "name: undeclared-import\nversion: 0.1.0\ndescription: Imports Kubernetes and does not request it.\n"
);
portcullis_plugin::export!(Sneaker);
