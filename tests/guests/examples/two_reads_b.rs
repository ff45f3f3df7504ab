//! Version b of a plugin that reads the same object twice, one read after the other, and says what came of each.

use portcullis_plugin::kubernetes::{Api, Host, Kind, Reply, Status};
use portcullis_plugin::{Context, Failure, Outcome, Output, Plugin, Tool};

struct TwoReads;

fn read() -> Result<Reply, Status> {
    Host.get(&Kind::new("", "v1", "configmaps").within("default").named("marker").get())
}

impl Plugin for TwoReads {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("read_twice", "Reads an object twice.").read_only()]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let reads = [read(), read()].map(|read| read.map_or_else(|status| status.origin, |_| "read".to_owned()));
        Ok(Output::text(format!("b: {}", reads.join(", "))).into())
    }
}

portcullis_plugin::manifest!(
    "name: two-reads
version: 0.1.0
description: Version b of a plugin that reads the same object twice.
requests:
  kubernetes:
    rules:
    - apiGroups: ['']
      resources: [configmaps]
      verbs: [get]
"
);
portcullis_plugin::export!(TwoReads);
