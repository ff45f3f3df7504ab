//! The suite's resources, and the one that can be watched.

use portcullis_plugin::resources::{Outcome, Page, Template};
use portcullis_plugin::{Context, Failure, ResourceContents, ResourceLink, Resources, Subscriptions};
use serde_json::json;

use crate::Conformance;
use crate::contents::PNG;

/// Listed resources: URI, name, media type.
const LISTED: [(&str, &str, &str); 3] = [
    ("test://static-text", "Static text", "text/plain"),
    ("test://static-binary", "Static binary", "image/png"),
    ("test://watched-resource", "Watched resource", "text/plain"),
];

impl Resources for Conformance {
    fn templates() -> Vec<Template> {
        vec![Template::new("test://template/{id}/data", "Dynamic resource").mime_type("application/json")]
    }

    fn list(_: &Context, _: Option<&str>) -> Result<Page, Failure> {
        let link = |(uri, name, kind): &(&str, &str, &str)| ResourceLink::new(*uri, *name).mime_type(*kind);
        Ok(Page::last(LISTED.iter().map(link).collect()))
    }

    fn read(_: &Context, uri: &str) -> Result<Outcome, Failure> {
        let contents = match uri {
            "test://static-text" => ResourceContents::text(uri, "text/plain", "This is the content of the static text resource."),
            "test://static-binary" => ResourceContents::blob(uri, "image/png", PNG),
            "test://watched-resource" => ResourceContents::text(uri, "text/plain", "Nothing has changed."),
            _ => templated(uri).ok_or_else(|| Failure::unknown_resource(uri))?,
        };
        Ok(contents.into())
    }
}

fn templated(uri: &str) -> Option<ResourceContents> {
    let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
    let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
    Some(ResourceContents::text(uri, "application/json", data.to_string()))
}

/// The suite only subscribes and unsubscribes: there is nothing to say.
impl Subscriptions for Conformance {
    fn watch(_: &Context, _: &str) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::{Context, Resources};

    use crate::Conformance;

    #[test]
    fn an_unknown_uri_is_a_failure() {
        let failure = Conformance::read(&Context::default(), "test://template/1/other").err();
        assert!(failure.is_some_and(|failure| failure.code == "unknown-resource"));
    }

    #[test]
    fn a_template_puts_the_id_into_the_data() {
        assert!(Conformance::read(&Context::default(), "test://template/123/data").is_ok());
    }
}
