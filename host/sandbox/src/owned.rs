//! The resources that a plugin has offered: a plugin announces changes of its own resources only. Must not decide who hears of them.

use std::collections::HashSet;

use parking_lot::Mutex;
use portcullis_core::resource::{ResourceTemplate, template_matches};

/// Listed URIs that are remembered, over all callers. 2,048: clients subscribe to what the first page lists.
const LISTED_MAX: usize = 2_048;

/// Bytes of a URI: what HTTP servers accept in a request line.
pub(crate) const URI_MAX: usize = 8 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    templates: Mutex<Vec<String>>,
    listed: Mutex<HashSet<String>>,
}

impl Owned {
    /// The plugin's templates, each time that it has been asked for them.
    pub(crate) fn templates(&self, templates: &[ResourceTemplate]) {
        *self.templates.lock() = templates.iter().map(|template| template.uri_template.clone()).collect();
    }

    /// What the plugin listed.
    pub(crate) fn listed<'a>(&self, uris: impl Iterator<Item = &'a str>) {
        let mut listed = self.listed.lock();
        for uri in uris.filter(|uri| uri.len() <= URI_MAX) {
            if listed.len() < LISTED_MAX {
                listed.insert(uri.to_owned());
            }
        }
    }

    /// Whether a URI is one of the plugin's.
    pub(crate) fn includes(&self, uri: &str) -> bool {
        self.templates.lock().iter().any(|template| template_matches(template, uri)) || self.listed.lock().contains(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::{LISTED_MAX, Owned};
    use portcullis_core::resource::ResourceTemplate;

    fn template(uri: &str) -> ResourceTemplate {
        ResourceTemplate { uri_template: uri.into(), name: "a".into(), title: None, description: None, mime_type: None }
    }

    #[test]
    fn templates_are_those_of_the_newest_listing() {
        let owned = Owned::default();
        owned.templates(&[template("a://{x}")]);
        owned.templates(&[template("b://{x}")]);
        assert!(!owned.includes("a://1") && owned.includes("b://1"));
    }

    #[test]
    fn a_template_or_a_listed_page_makes_a_uri_the_plugins_own() {
        let owned = Owned::default();
        assert!(!owned.includes("a://1") && !owned.includes("b://1"));
        owned.templates(&[template("a://{x}")]);
        owned.listed(["b://1"].into_iter());
        assert!(owned.includes("a://1") && owned.includes("b://1") && !owned.includes("b://2"));
    }

    #[test]
    fn a_plugin_that_lists_without_end_is_remembered_in_part() {
        let owned = Owned::default();
        let uris: Vec<String> = (0..LISTED_MAX + 5).map(|n| format!("a://{n}")).collect();
        owned.listed(uris.iter().map(String::as_str));
        assert_eq!(owned.listed.lock().len(), LISTED_MAX);
    }
}
