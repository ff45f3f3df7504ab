//! Names and values as queries and forms carry them (WHATWG URL, application/x-www-form-urlencoded).

use std::fmt::Write as _;

/// Encodes; blanks become `%20`, which both a query and a form read as one.
pub(super) fn encode(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

/// One name or value.
pub(super) fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Decodes; `None`: not well-formed, or not UTF-8.
pub(super) fn decode(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| Some((unescape(name)?, unescape(value)?)))
        .collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn what_was_encoded_is_decoded() {
        let pairs = [("a b", "c&d=e+f%"), ("ü", "\u{0}\n#?/"), ("", "")];
        assert_eq!(encode(&pairs[..1]), "a%20b=c%26d%3De%2Bf%25");
        let owned: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(decode(&encode(&pairs)), Some(owned));
    }

    #[test]
    fn a_plus_is_a_blank_and_half_an_escape_is_nothing() {
        assert_eq!(decode("a=b+c&&d"), Some(vec![("a".into(), "b c".into()), ("d".into(), String::new())]));
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "%+1=a"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
