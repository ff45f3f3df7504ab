//! Offers a tool that is named after the moment in which the host asked for it.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool, notifications};

struct Fickle;

impl Plugin for Fickle {
    fn tools() -> Vec<Tool> {
        // Would be an endless round if the host listened to it now.
        notifications::list_changed("tools");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        vec![Tool::new("change", "Says that the tools changed."), Tool::new(format!("at_{now}"), "Another one each time.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        notifications::list_changed("tools");
        Ok(Output::text("changed").into())
    }
}

portcullis_plugin::manifest!(
    "name: changing\nversion: 0.1.0\ndescription: Changes its mind.\nrequests:\n  notifications: true\n  clocks: true\n"
);
portcullis_plugin::export!(Fickle);
