//! Never returns, and calls nothing.

use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool};

struct Spinner;

impl Plugin for Spinner {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("spin", "Spins for ever.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let mut turns = 0_u64;
        loop {
            turns = std::hint::black_box(turns.wrapping_add(1));
        }
    }
}

portcullis_plugin::manifest!("name: infinite-loop\nversion: 0.1.0\ndescription: Never returns, and calls nothing.\n");
portcullis_plugin::export!(Spinner);
