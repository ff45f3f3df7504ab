//! Resources, templates and pages of them, mirrored from `portcullis:tool/resources`.

use std::fmt::Write as _;

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

/// Longest URI that is looked at, in bytes: as long as notices of changes may carry.
pub const URI_MAX: usize = 8 << 10;

/// Checks a template when it is loaded: a scheme, `{name}` expressions only, and at most one of them between two `/`, so that there is one
/// way to read a URI and matching is linear.
///
/// # Errors
/// What is wrong with it, to stand behind the template in a sentence.
pub fn check_template(template: &str) -> Result<(), &'static str> {
    if !template.contains(':') || template.len() > URI_MAX {
        return Err("is not a URI template: it begins with a scheme and has at most 8192 bytes");
    }
    template.split('/').try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    let Some((head, rest)) = segment.split_once('{') else {
        return if segment.contains('}') { Err(UNPAIRED) } else { Ok(()) };
    };
    let (name, tail) = rest.split_once('}').filter(|_| !head.contains('}')).ok_or(UNPAIRED)?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.') {
        return Err("has an expression that is no plain `{name}` of letters, digits, `_` and `.` (RFC 6570 level 1)");
    }
    if tail.contains('{') {
        return Err("has two variables in one segment: put a `/` between them");
    }
    if tail.contains('}') { Err(UNPAIRED) } else { Ok(()) }
}

const UNPAIRED: &str = "has a brace without its partner (RFC 6570 level 1)";

/// Whether `template` can produce `uri`: each `{name}` stands for one or more characters other than `/`. Linear; a template that
/// [`check_template`] refuses produces nothing that is sensible.
#[must_use]
pub fn template_matches(template: &str, uri: &str) -> bool {
    let mut segments = uri.split('/');
    let same = template.split('/').all(|pattern| segments.next().is_some_and(|segment| segment_matches(pattern, segment)));
    same && segments.next().is_none()
}

/// A template with values filled in, percent-encoded (RFC 6570 §3.2.2), up to its end or to the first variable for which `value` has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expansion {
    /// A member of the family.
    Whole(String),
    /// How all members begin that have these values.
    Beginning(String),
}

/// A value for [`expand`] that stands for any: U+0000 cannot be part of a URI, so that no pattern matches it by its letters.
pub const ANY_VALUE: &str = "\0";

/// Fills in a template that [`check_template`] accepts.
pub fn expand<'a>(template: &'a str, value: impl Fn(&'a str) -> Option<&'a str>) -> Expansion {
    let (mut uri, mut rest) = (String::new(), template);
    while let Some((literal, name, tail)) = rest.split_once('{').and_then(|(literal, rest)| {
        let (name, tail) = rest.split_once('}')?;
        Some((literal, name, tail))
    }) {
        uri.push_str(literal);
        let Some(value) = value(name) else { return Expansion::Beginning(uri) };
        encode(value, &mut uri);
        rest = tail;
    }
    uri.push_str(rest);
    Expansion::Whole(uri)
}

/// Unreserved characters stand for themselves (RFC 3986 §2.3), and so does [`ANY_VALUE`].
fn encode(value: &str, uri: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~\0".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
}

fn segment_matches(pattern: &str, segment: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('{') else {
        return pattern == segment;
    };
    let value = rest.split_once('}').and_then(|(_, tail)| segment.strip_prefix(head)?.strip_suffix(tail));
    value.is_some_and(|value| !value.is_empty())
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
    use super::{Expansion, check_template, expand, template_matches, templates_overlap};

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
        assert!(template_matches("file://{name}.txt", "file://a.txt.txt"));
        assert!(!template_matches("file://{name}.txt", "file://.txt"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/x/clusters/b"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/clusters/"));
        assert!(!template_matches("cnpg://{ns}/clusters/{name}", "cnpg://a/clusters/b/c"));
        assert!(!template_matches("plain://x", "plain://y"));
    }

    #[test]
    fn a_template_has_one_plain_variable_per_segment() {
        for good in ["cnpg://{ns}/clusters/{name}", "note://{name}", "file://{a.b}.txt", "plain://x"] {
            assert_eq!(check_template(good), Ok(()), "{good}");
        }
        for bad in [
            "no-scheme",
            "a://{x}{y}",
            "a://{x}-{y}",
            "a://{x",
            "a://x}",
            "a://}x{",
            "a://{}",
            "a://{+x}",
            "a://{x/y}",
            "a://{x}}",
        ] {
            assert!(check_template(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_expansion_goes_as_far_as_values_are_known() {
        let with = |values: &'static [(&'static str, &'static str)]| {
            expand("cnpg://{ns}/clusters/{name}", move |wanted| {
                values.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
            })
        };
        assert_eq!(with(&[("ns", "a"), ("name", "b/ü")]), Expansion::Whole("cnpg://a/clusters/b%2F%C3%BC".into()));
        assert_eq!(with(&[("ns", "a")]), Expansion::Beginning("cnpg://a/clusters/".into()));
        assert_eq!(with(&[("name", "b")]), Expansion::Beginning("cnpg://".into()));
    }
}
