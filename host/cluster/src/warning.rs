//! `Warning:` headers as texts. Spec: RFC 7234 §5.5 (`warn-code SP warn-agent SP quoted-string [SP quoted-date]`, a comma-separated list);
//! the API server sends `299 - "text"`.

use http::HeaderMap;
use http::header::WARNING;

/// Most warnings that are passed on (count, 64): a reply that warns about each field of a large object is as clear with the first ones.
const MOST: usize = 64;

/// The texts of all warnings, unquoted, in order.
pub(crate) fn texts(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(WARNING).iter();
    values.flat_map(|value| list(&String::from_utf8_lossy(value.as_bytes()))).take(MOST).collect()
}

/// The texts in one header value; what does not fit the grammar ends the list.
fn list(mut value: &str) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((text, rest)) = one(value) {
        texts.push(text);
        value = skip_date(rest).trim_start().strip_prefix(',').unwrap_or_default();
    }
    texts
}

/// Code, agent and quoted text; returns the text and what follows it.
fn one(value: &str) -> Option<(String, &str)> {
    let (code, rest) = value.trim_start().split_once(' ')?;
    let (agent, rest) = rest.split_once(' ')?;
    let valid = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) && !agent.is_empty();
    if valid { unquote(rest) } else { None }
}

/// A quoted-string (RFC 7230 §3.2.6): a backslash makes the next character literal.
fn unquote(value: &str) -> Option<(String, &str)> {
    let mut chars = value.strip_prefix('"')?.char_indices();
    let mut text = String::new();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((text, value.get(at + 2..)?)),
            '\\' => text.push(chars.next()?.1),
            char => text.push(char),
        }
    }
    None
}

fn skip_date(rest: &str) -> &str {
    rest.strip_prefix(' ').and_then(unquote).map_or(rest, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::texts;
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::{prop_assert_eq, proptest};

    fn of(values: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("warning", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        texts(&headers)
    }

    #[test]
    fn a_warning_is_its_text() {
        assert_eq!(of(&[r#"299 - "policy/v1beta1 is deprecated""#]), ["policy/v1beta1 is deprecated"]);
    }

    #[test]
    fn quotes_and_commas_inside_belong_to_the_text() {
        assert_eq!(of(&[r#"299 - "unknown field \"spec.x\", ignored""#]), [r#"unknown field "spec.x", ignored"#]);
    }

    #[test]
    fn several_headers_and_several_in_one_header_come_in_order() {
        let dated = r#"299 - "a" "Wed, 21 Oct 2026 07:28:00 GMT", 299 host:1 "b""#;
        assert_eq!(of(&[dated, r#"199 x "ü""#]), ["a", "b", "ü"]);
    }

    #[test]
    fn what_is_no_warning_is_left_out() {
        assert!(of(&["", "hello", r#"299 - "open"#, r#"29 - "short""#, r"299 - bare"]).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_survives_quoting(text in "[ -~]{0,40}") {
            let quoted = text.replace('\\', r"\\").replace('"', "\\\"");
            prop_assert_eq!(of(&[&format!("299 - \"{quoted}\"")]), [text]);
        }
    }
}
