//! Reads the clock and draws random bytes through `std`: two capabilities that are not Portcullis interfaces.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Dice;

impl Plugin for Dice {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("roll", "Rolls a die and says when.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let seeded: HashMap<u8, u8> = HashMap::new();
        Ok(Output::json(format!("{{\"now\":{now},\"roll\":\"{:x}\"}}", seeded.hasher().hash_one(1))).into())
    }
}

portcullis_plugin::manifest!("name: dice\nversion: 0.1.0\ndescription: Rolls.\nrequests:\n  clocks: true\n  random: true\n");
portcullis_plugin::export!(Dice);
