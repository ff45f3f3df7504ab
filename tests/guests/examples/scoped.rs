//! Says who calls, and has a tool that needs the OAuth scope "admin": for logins from end to end.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Scoped;

impl Plugin for Scoped {
    fn tools() -> Vec<Tool> {
        vec![
            Tool::new("whoami", "Says who calls.").read_only(),
            Tool::new("erase", "Does nothing that you may not do.").writes(true).scope("admin"),
        ]
    }

    fn call(context: &Context, name: &str, _: &str) -> Result<Outcome, Failure> {
        match name {
            "whoami" => Ok(Output::text(who(context)).into()),
            "erase" => Ok(Output::text("erased").into()),
            other => Err(Failure::unknown_tool(other)),
        }
    }
}

fn who(context: &Context) -> String {
    match &context.caller {
        Some(caller) => [caller.subject.as_str(), "@", &caller.issuer, " ", &caller.groups.join(",")].concat(),
        None => "nobody".to_owned(),
    }
}

portcullis_plugin::manifest!("name: scoped\nversion: 0.1.0\ndescription: Says who calls.\nlicense: Apache-2.0\nrequests: {}\n");
portcullis_plugin::export!(Scoped);
