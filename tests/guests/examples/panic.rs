//! Panics, with words that no client may see.

use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool};

struct Faller;

impl Plugin for Faller {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("fall", "Falls over.")]
    }

    #[expect(clippy::panic, reason = "what this guest is for")]
    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        panic!("the secret of the guest")
    }
}

portcullis_plugin::manifest!("name: panic\nversion: 0.1.0\ndescription: Panics, with words that no client may see.\n");
portcullis_plugin::export!(Faller);
