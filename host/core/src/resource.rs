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

/// Whether some URI is produced by both templates. Exact: a `{name}` stays within its segment, and two segments that both have one agree
/// as soon as what stands before the first and after the last does.
#[must_use]
pub fn templates_overlap(one: &str, other: &str) -> bool {
    one.split('/').count() == other.split('/').count()
        && one.split('/').zip(other.split('/')).all(|(one, other)| segments_overlap(one, other))
}

fn segments_overlap(one: &str, other: &str) -> bool {
    let ends = |segment: &'_ str| Some((segment.find('{')?, segment.rfind('}')? + 1));
    match (ends(one), ends(other)) {
        (None, _) => template_matches(other, one),
        (_, None) => template_matches(one, other),
        (Some((head, tail)), Some((other_head, other_tail))) => {
            let (head, other_head) = (one.get(..head).unwrap_or_default(), other.get(..other_head).unwrap_or_default());
            let (tail, other_tail) = (one.get(tail..).unwrap_or_default(), other.get(other_tail..).unwrap_or_default());
            (head.starts_with(other_head) || other_head.starts_with(head))
                && (tail.ends_with(other_tail) || other_tail.ends_with(tail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{template_matches, templates_overlap};

    #[test]
    fn templates_overlap_if_some_uri_fits_both() {
        for (one, other, expected) in [
            ("cnpg://{ns}/clusters/{name}", "cnpg://{a}/clusters/{b}", true),
            ("cnpg://{ns}/clusters/{name}", "cnpg://prod/{kind}/main", true),
            ("cnpg://{ns}/clusters/{name}", "cnpg://{ns}/roles/{name}", false),
            ("cnpg://{ns}/clusters/{name}", "pg://{ns}/clusters/{name}", false),
            ("{any}://{id}", "note://{name}", true),
            ("note://{name}", "note://{name}/body", false),
            ("note://{name}.md", "note://{name}.txt", false),
            ("note://a-{x}", "note://{y}-b", true),
            ("note://plain", "note://plain", true),
            ("note://plain", "note://plainer", false),
        ] {
            assert_eq!((templates_overlap(one, other), templates_overlap(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn a_variable_stands_for_one_segment() {
        assert!(template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/clusters/b"));
        assert!(template_matches("test://template/{id}/data", "test://template/12/data"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/x/clusters/b"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/clusters/"));
        assert!(!template_matches("plain://x", "plain://y"));
    }
}
