//! Calls into the host without end.

use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool, config};

struct Caller;

impl Plugin for Caller {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("call_home", "Calls the host for ever.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let mut bytes = 0_usize;
        loop {
            bytes = std::hint::black_box(bytes.wrapping_add(config::json().len()));
        }
    }
}

portcullis_plugin::manifest!(
    "name: host-call-flood\nversion: 0.1.0\ndescription: Calls into the host without end.\nrequests:\n  config: true\n"
);
portcullis_plugin::export!(Caller);
