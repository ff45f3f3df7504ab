//! Writes JSON values as YAML 1.2 for people to read and copy. Writing only.

use serde_json::Value;

/// A value as a YAML block that ends with a newline.
pub(crate) fn block(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, one) in map {
                pad(indent, out);
                out.push_str(&scalar(key));
                out.push(':');
                nested(one, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for one in items {
                item(one, indent, out);
            }
        }
        other => {
            pad(indent, out);
            out.push_str(&leaf(other));
            out.push('\n');
        }
    }
}

fn nested(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write(value, indent + 2, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            write(value, indent, out);
        }
        other => {
            out.push(' ');
            out.push_str(&leaf(other));
            out.push('\n');
        }
    }
}

/// A list item: its first line moves up behind the dash.
fn item(value: &Value, indent: usize, out: &mut String) {
    let mut inner = String::new();
    write(value, indent + 2, &mut inner);
    pad(indent, out);
    out.push_str("- ");
    out.push_str(inner.get(indent + 2..).unwrap_or_default());
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Plain where no YAML reader could take it for something else, else in JSON's quotes, which YAML reads.
fn scalar(text: &str) -> String {
    let plain = |one: char| one.is_ascii_alphanumeric() || "-_./".contains(one);
    let safe_start = text.chars().next().is_some_and(|one| one.is_ascii_alphabetic());
    let word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if safe_start && !word && text.chars().all(plain) { text.into() } else { Value::from(text).to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::block;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let value = json!({
            "a": {"b": [1, {"c": "yes", "d": [{"e": "x: y"}]}], "empty": [], "none": null, "map": {}},
            "postgresql.cnpg.io/x": "1Gi", "text": "line\nbreak", "off": "-", "list": [["x"], "#"]
        });
        let read: Value = serde_saphyr::from_str(&block(&value)).unwrap();
        assert_eq!(read, value);
    }
}
