//! Asks for memory until there is none.

use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool};

struct Hoarder;

impl Plugin for Hoarder {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("hoard", "Hoards memory.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let mut hoard = Vec::new();
        loop {
            hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
    }
}

portcullis_plugin::manifest!("name: endless-allocation\nversion: 0.1.0\ndescription: Asks for memory until there is none.\n");
portcullis_plugin::export!(Hoarder);
