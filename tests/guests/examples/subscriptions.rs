//! A resource that changes: as long as somebody listens, every 20 ms of the host's clock.

use std::time::Duration;

use portcullis_plugin::resources::{self, Page, Resources, Template};
use portcullis_plugin::subscriptions::Subscriptions;
use portcullis_plugin::{Context, Failure, Outcome, Plugin, ResourceContents, ResourceLink, Tool, notifications};

const URI: &str = "clock://tick";

struct Clock;

impl Plugin for Clock {
    fn tools() -> Vec<Tool> {
        Vec::new()
    }

    fn call(_: &Context, name: &str, _: &str) -> Result<Outcome, Failure> {
        Err(Failure::unknown_tool(name))
    }
}

impl Resources for Clock {
    fn templates() -> Vec<Template> {
        Vec::new()
    }

    fn list(_: &Context, _: Option<&str>) -> Result<Page, Failure> {
        Ok(Page::last(vec![ResourceLink::new(URI, "tick")]))
    }

    fn read(_: &Context, uri: &str) -> Result<resources::Outcome, Failure> {
        if uri == URI {
            Ok(ResourceContents::text(uri, "text/plain", "tick").into())
        } else {
            Err(Failure::unknown_resource(uri))
        }
    }
}

impl Subscriptions for Clock {
    fn watch(_: &Context, uri: &str) -> Result<(), Failure> {
        loop {
            std::thread::sleep(Duration::from_millis(20));
            notifications::resource_updated(uri);
        }
    }
}

portcullis_plugin::manifest!(
    "name: clock\nversion: 0.1.0\ndescription: Ticks.\nrequests:\n  notifications: true\n  clocks: true\n"
);
portcullis_plugin::export!(Clock with resources, subscriptions);
