//! Version a of a plugin that is swapped while it serves: every answer says so twice.

use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct Version;

impl Plugin for Version {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("version", "Says which version answers.").read_only()]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        Ok(Output::text("a").structured(r#"{"version":"a"}"#).into())
    }
}

portcullis_plugin::manifest!(
    "name: version\nversion: 0.1.0\ndescription: Version a of a plugin that is swapped while it serves.\n"
);
portcullis_plugin::export!(Version);
