//! Calls itself without end.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Recurser;

fn deeper(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if std::hint::black_box(true) { deeper(depth.wrapping_add(1)).wrapping_add(frame.iter().sum()) } else { depth }
}

impl Plugin for Recurser {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("recurse", "Recurses for ever.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text(deeper(0).to_string()).into())
    }
}

portcullis_plugin::manifest!("name: stack-overflow\nversion: 0.1.0\ndescription: Calls itself without end.\n");
portcullis_plugin::export!(Recurser);
