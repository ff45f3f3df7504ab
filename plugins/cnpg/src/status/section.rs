//! What a section is, and fitting sections into the budget. Which sections there are is said here and nowhere else.

use serde_json::{Map, Value};

use crate::answer::BUDGET;
use crate::json::json;
use crate::problem::Problem;
use crate::text::flat;

/// All sections, in the order in which they are shown: what matters first, since the last ones go when there is no room.
pub(crate) const NAMES: [&str; 8] = ["instances", "events", "live", "storage", "backups", "poolers", "failover", "certificates"];

/// One section.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) structured: Value,
}

impl Section {
    pub(crate) fn new(name: &'static str, text: String, structured: Value) -> Self {
        Self { name, text, structured }
    }
}

/// What stands in a section for a read that was refused.
pub(crate) fn unread(problem: &Problem) -> (String, Value) {
    let short = match problem.code {
        403 => "not permitted".to_owned(),
        404 => "not available on this API server".to_owned(),
        _ => format!("could not be read ({} {})", problem.code, problem.reason),
    };
    let mut text = format!("_{short}_: {}\n", flat(&problem.message));
    if let Some(rule) = &problem.missing_rule {
        text.push_str(&format!("Missing rule:\n```yaml\n{}\n```\n", rule.trim_end()));
    }
    let structured = json!({
        "unavailable": short, "code": problem.code, "reason": problem.reason, "message": problem.message,
        "missing_rule": problem.missing_rule,
    });
    (text, structured)
}

/// Appends the sections that fit into the budget, and names those that do not.
pub(crate) fn append(text: &mut String, structured: &mut Map<String, Value>, sections: Vec<Section>) {
    let mut shown = Map::new();
    let mut left_out = Vec::new();
    let mut size = Value::Object(structured.clone()).to_string().len() + 400;
    for one in sections {
        let (in_json, in_text) = (size + one.structured.to_string().len(), text.len() + one.text.len() + 400);
        if in_json.max(in_text) > BUDGET {
            left_out.push(one.name);
            continue;
        }
        size = in_json;
        text.push_str(&format!("\n**{}**\n{}", title(one.name), one.text));
        shown.insert(one.name.into(), one.structured);
    }
    if !left_out.is_empty() {
        text.push_str(&format!("\nLeft out for length: {}. Ask for one at a time with `sections`.\n", left_out.join(", ")));
    }
    structured.insert("sections".into(), Value::Object(shown));
    structured.insert("left_out".into(), left_out.into());
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Section, append};
    use crate::answer::BUDGET;

    #[test]
    fn a_section_that_does_not_fit_is_named_rather_than_cut() {
        let mut text = String::new();
        let mut structured = Map::new();
        let big = Section::new("events", "x".repeat(BUDGET), json!([]));
        let small = Section::new("storage", "small\n".into(), json!([1]));
        append(&mut text, &mut structured, vec![big, small]);
        assert!(text.len() < BUDGET && text.contains("Left out for length: events"));
        assert_eq!(structured.get("left_out").unwrap(), &json!(["events"]));
        assert_eq!(structured.get("sections").and_then(|all| all.get("storage")), Some(&Value::from(vec![1])));
    }
}
