//! A tool plugin and an auth strategy in one component, which no host may load.

use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Site, Strategy, Verdict};
use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool};

struct Both;

impl Plugin for Both {
    fn tools() -> Vec<Tool> {
        Vec::new()
    }

    fn call(_: &Context, name: &str, _: &str) -> Result<Outcome, Failure> {
        Err(Failure::unknown_tool(name))
    }
}

impl Authenticator for Both {
    fn describe(_: Site) -> Strategy {
        Strategy::new()
    }

    fn authenticate(_: Attempt) -> Result<Verdict, Fault> {
        Ok(Verdict::NotMine)
    }
}

portcullis_plugin::manifest!("name: two-worlds\nversion: 0.1.0\ndescription: Is both.\n");
portcullis_plugin::export!(Both);
portcullis_plugin::export_authenticator!(Both);
