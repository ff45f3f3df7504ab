//! Label selectors (equality and set) and field selectors.
//! Must not list anything. Grammar: apimachinery `pkg/labels`, `pkg/fields`.

use serde_json::Value;

use crate::error::ApiError;
use crate::object::{at, text};

/// What a list, watch or collection delete is narrowed to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(Vec<String>, bool, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// Paths that a field selector may name, beside `metadata.name` and `metadata.namespace`, by resource.
const FIELDS: &[(&str, &str)] = &[
    ("pods", "status.phase"),
    ("pods", "spec.nodeName"),
    ("secrets", "type"),
    ("namespaces", "status.phase"),
    ("events", "involvedObject.kind"),
    ("events", "involvedObject.namespace"),
    ("events", "involvedObject.name"),
    ("events", "involvedObject.uid"),
    ("events", "reason"),
    ("events", "type"),
];

impl Selector {
    /// Both selectors of a request on a resource; empty strings select everything.
    ///
    /// # Errors
    /// 400 for one that cannot be read, or that names a field the resource cannot be selected by.
    pub(crate) fn parse(resource: &str, labels: &str, fields: &str) -> Result<Self, ApiError> {
        let terms = split(labels).into_iter().map(|term| term.trim().to_owned()).filter(|term| !term.is_empty());
        let labels = terms.map(|term| requirement(&term)).collect::<Result<_, _>>()?;
        let terms = fields.split(',').filter(|term| !term.is_empty());
        let fields = terms.map(|term| field(resource, term)).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// True if it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// True if the object is selected.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = at(object, &["metadata", "labels"]);
        let label = |key: &str| labels.get(key).and_then(Value::as_str);
        let holds = |requirement: &Requirement| match requirement {
            Requirement::In(key, values) => label(key).is_some_and(|value| values.iter().any(|known| known == value)),
            Requirement::NotIn(key, values) => label(key).is_none_or(|value| values.iter().all(|known| known != value)),
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Missing(key) => label(key).is_none(),
        };
        let equals = |(path, wanted, value): &(Vec<String>, bool, String)| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            (text(object, &path) == value) == *wanted
        };
        self.labels.iter().all(holds) && self.fields.iter().all(equals)
    }
}

/// Splits at commas that are not inside parentheses.
fn split(selector: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut terms = vec![String::new()];
    for letter in selector.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (letter, depth, terms.last_mut()) {
            (',', 0, _) => terms.push(String::new()),
            (letter, _, Some(term)) => term.push(letter),
            _ => {}
        }
    }
    terms
}

fn requirement(term: &str) -> Result<Requirement, ApiError> {
    let broken = || ApiError::bad_request(format!("unable to parse requirement: found '{term}', expected: in, notin, =, ==, !="));
    if let Some((key, values)) = term.strip_suffix(')').and_then(|term| term.split_once('(')) {
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return match key.split_whitespace().collect::<Vec<_>>().as_slice() {
            [key, "in"] => Ok(Requirement::In((*key).to_owned(), values)),
            [key, "notin"] => Ok(Requirement::NotIn((*key).to_owned(), values)),
            _ => Err(broken()),
        };
    }
    let both = |(key, value): (&str, &str)| (key.trim().to_owned(), vec![value.trim().to_owned()]);
    let parsed = if let Some((key, values)) = term.split_once("!=").map(both) {
        Requirement::NotIn(key, values)
    } else if let Some((key, values)) = term.split_once("==").or_else(|| term.split_once('=')).map(both) {
        Requirement::In(key, values)
    } else if let Some(key) = term.strip_prefix('!') {
        Requirement::Missing(key.trim().to_owned())
    } else {
        Requirement::Exists(term.to_owned())
    };
    let (Requirement::In(key, _) | Requirement::NotIn(key, _) | Requirement::Exists(key) | Requirement::Missing(key)) = &parsed;
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() || !key.chars().all(is_key) { Err(broken()) } else { Ok(parsed) }
}

fn field(resource: &str, term: &str) -> Result<(Vec<String>, bool, String), ApiError> {
    let not = term.split_once("!=").map(|(path, value)| (path, false, value));
    let is = || term.split_once("==").or_else(|| term.split_once('=')).map(|(path, value)| (path, true, value));
    let invalid = || ApiError::bad_request(format!("invalid selector: '{term}'; can't understand '{term}'"));
    let (path, wanted, value) = not.or_else(is).ok_or_else(invalid)?;
    let known = matches!(path, "metadata.name" | "metadata.namespace") || FIELDS.contains(&(resource, path));
    if !known {
        return Err(ApiError::bad_request(format!("field label not supported: {path}")));
    }
    Ok((path.split('.').map(str::to_owned).collect(), wanted, value.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use serde_json::json;

    fn selects(labels: &str, fields: &str) -> bool {
        let pod = json!({"metadata": {"name": "db-1", "labels": {"app": "db", "tier": "x"}}, "status": {"phase": "Running"}});
        Selector::parse("pods", labels, fields).unwrap().matches(&pod)
    }

    #[test]
    fn label_requirements_are_all_asked() {
        for yes in ["app=db", "app==db,tier", "app in (a, db)", "app notin (a,b),!gone", "app!=x", "gone notin (a)", ""] {
            assert!(selects(yes, ""), "{yes}");
        }
        for no in ["app=x", "!app", "gone", "app in (a,b)", "tier notin (x)", "app=db,tier=y"] {
            assert!(!selects(no, ""), "{no}");
        }
    }

    #[test]
    fn field_requirements_compare_text() {
        assert!(selects("", "metadata.name=db-1,status.phase!=Pending"));
        assert!(!selects("", "metadata.name!=db-1"));
    }

    #[test]
    fn what_cannot_be_read_or_selected_is_a_bad_request() {
        assert_eq!(Selector::parse("pods", "a b", "").unwrap_err().code, 400);
        let error = Selector::parse("clusters", "", "spec.instances=3").unwrap_err();
        assert_eq!(error.message, "field label not supported: spec.instances");
    }
}
