//! A tool plugin that wants to sign tokens, which is for auth strategies only.

use portcullis_plugin::auth::{Host, Jwt};
use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Mint;

impl Plugin for Mint {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("mint", "Signs a token.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let token = Host.sign("mine", "at+jwt", "{\"exp\":1}").map_err(|problem| Failure::denied(problem.message))?;
        Ok(Output::text(token).into())
    }
}

portcullis_plugin::manifest!(
    "name: minting-tool\nversion: 0.1.0\ndescription: Signs tokens.\nrequests:\n  jwt: { rings: [\"*\"] }\n"
);
portcullis_plugin::export!(Mint);
