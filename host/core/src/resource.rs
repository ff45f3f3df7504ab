//! Resources, templates and pages of them, mirrored from `portcullis:tool/resources`.

use crate::content::ResourceLink;

/// A family of resources (RFC 6570 level 1: simple `{name}` expressions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTemplate {
    /// E.g. `cnpg://{namespace}/clusters/{name}`.
    pub uri_template: String,
    /// Short name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For the model.
    pub description: Option<String>,
    /// Media type of all members, if they share one.
    pub mime_type: Option<String>,
}

/// One page of a plugin's resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourcePage {
    /// In the plugin's order.
    pub resources: Vec<ResourceLink>,
    /// The plugin's own cursor to the next page.
    pub next: Option<String>,
}

/// Whether `template` can produce `uri`: each `{name}` stands for one or more characters other than `/`.
#[must_use]
pub fn template_matches(template: &str, uri: &str) -> bool {
    let Some((literal, rest)) = template.split_once('{') else {
        return template == uri;
    };
    let Some(tail) = uri.strip_prefix(literal) else {
        return false;
    };
    let Some((_, after)) = rest.split_once('}') else {
        return false;
    };
    let segment = tail.find('/').unwrap_or(tail.len());
    (1..=segment).any(|end| tail.get(end..).is_some_and(|remaining| template_matches(after, remaining)))
}

#[cfg(test)]
mod tests {
    use super::template_matches;

    #[test]
    fn a_variable_stands_for_one_segment() {
        assert!(template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/clusters/b"));
        assert!(template_matches("test://template/{id}/data", "test://template/12/data"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/x/clusters/b"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/clusters/"));
        assert!(!template_matches("plain://x", "plain://y"));
    }
}
