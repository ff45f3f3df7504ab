//! Waits in a host call for an event that never comes.

use portcullis_plugin::kubernetes::{Api, Kind, ListOptions, OBJECT, Status};
use portcullis_plugin::{Context, Failure, Outcome, Plugin, Tool, kubernetes};

struct Waiter;

const PODS: Kind = Kind::new("", "v1", "pods");

impl Plugin for Waiter {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("wait", "Waits for ever.")]
    }

    fn call(_: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let api = kubernetes::Host;
        let unreachable = |status: Status| Failure::unavailable(status.message);
        let mut watch = api.watch(&PODS.within("default"), &ListOptions::default(), OBJECT, 3_600).map_err(unreachable)?;
        loop {
            watch.next(u32::MAX).map_err(unreachable)?;
        }
    }
}

portcullis_plugin::manifest!(
    "name: stuck-host-call\nversion: 0.1.0\ndescription: Waits in a host call for an event that never comes.\nrequests:\n  kubernetes:\n    rules:\n    - apiGroups: ['']\n      resources: [pods]\n      verbs: [watch]\n"
);
portcullis_plugin::export!(Waiter);
