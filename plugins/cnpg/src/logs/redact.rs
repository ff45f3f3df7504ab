//! Takes secrets out of text that people or programs wrote into a log: passwords in SQL, in key-value pairs, in URIs; verifiers; tokens.
//! Rather one word too many than one too few: what stands where a password would stand is replaced.

/// What is put in a secret's place.
const MASK: &str = "***";

/// Words that name a secret, in lower case; what follows them is one.
const NAMES: [&str; 13] = [
    "password",
    "passwd",
    "pgpassword",
    "secret_access_key",
    "secretaccesskey",
    "secret_key",
    "access_key",
    "api_key",
    "apikey",
    "token",
    "authorization",
    "passphrase",
    "radiussecrets",
];

/// Beginnings of tokens that are secrets wherever they stand, in lower case.
const TOKENS: [&str; 2] = ["scram-sha-256$", "bearer "];

/// The text without secrets.
pub(crate) fn redact(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match secret(text, &lower, at) {
            Some((keep, end)) if end > at => {
                out.push_str(text.get(at..keep).unwrap_or_default());
                out.push_str(MASK);
                at = end;
            }
            _ => {
                out.push(letter);
                at += letter.len_utf8();
            }
        }
    }
    out
}

/// Where a secret begins and ends whose announcement begins here.
fn secret(text: &str, lower: &str, at: usize) -> Option<(usize, usize)> {
    let rest = lower.get(at..)?;
    if let Some(name) = NAMES.iter().find(|name| rest.starts_with(**name)) {
        return named(text, at + name.len());
    }
    if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(**token)) {
        let from = at + token.len();
        return Some((from, word_end(text, from))).filter(|(from, end)| end > from);
    }
    if rest.starts_with("://") {
        return uri(text, at + 3);
    }
    md5(rest).then_some((at, at + 35))
}

/// `password = x`, `"password":"x"`, `PASSWORD 'x'`; not `password authentication failed`.
fn named(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let blank = |mut at: usize| {
        while byte(at).is_some_and(|one| one == b' ' || one == b'\t') {
            at += 1;
        }
        at
    };
    let mut at = from;
    while byte(at).is_some_and(|one| matches!(one, b'"' | b'\\')) {
        at += 1;
    }
    at = blank(at);
    let said = byte(at).is_some_and(|one| matches!(one, b'=' | b':'));
    if said {
        at = blank(at + 1);
    }
    if byte(at).is_some_and(|one| matches!(one, b'e' | b'E' | b'u' | b'U')) && byte(at + 1) == Some(b'\'') {
        at += 1;
    }
    let quoted = byte(at).is_some_and(|one| matches!(one, b'\'' | b'$'))
        || (said && byte(at).is_some_and(|one| matches!(one, b'"' | b'\\')));
    if !said && !quoted {
        return None;
    }
    let end = if quoted { quoted_end(text, at) } else { value_end(text, at) };
    (end > at).then_some((at, end))
}

/// Behind the closing quote; doubled and escaped quotes do not close. Without one, the end of the text.
fn quoted_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    if bytes.get(at) == Some(&b'$') {
        let tag = text.get(at + 1..).and_then(|rest| rest.find('$')).map(|length| at + length + 2);
        let Some(open) = tag else { return text.len() };
        let mark = text.get(at..open).unwrap_or("$$");
        return text.get(open..).and_then(|rest| rest.find(mark)).map_or(text.len(), |length| open + length + mark.len());
    }
    let mut from = at;
    while bytes.get(from) == Some(&b'\\') {
        from += 1;
    }
    let escaped = from > at;
    let Some(quote) = bytes.get(from).copied() else { return text.len() };
    let mut end = from + 1;
    while let Some(one) = bytes.get(end).copied() {
        match one {
            b'\\' if !escaped => end += 2,
            one if one == quote && bytes.get(end + 1) == Some(&quote) => end += 2,
            one if one == quote => return end + 1,
            _ => end += 1,
        }
    }
    text.len()
}

/// One word, or two where the first only says what the second is.
fn value_end(text: &str, from: usize) -> usize {
    let end = word_end(text, from);
    let scheme = text.get(from..end).is_some_and(|word| ["bearer", "basic"].iter().any(|one| word.eq_ignore_ascii_case(one)));
    if scheme { word_end(text, end + 1) } else { end }
}

fn word_end(text: &str, from: usize) -> usize {
    let stop = |one: char| one.is_whitespace() || matches!(one, ',' | ';' | ')' | '}' | ']' | '"' | '\'' | '&');
    text.get(from..).and_then(|rest| rest.find(stop)).map_or(text.len(), |length| from + length)
}

/// `://user:secret@host`.
fn uri(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let end = rest.find(|one: char| one.is_whitespace() || matches!(one, '"' | '\'' | '<' | '>')).unwrap_or(rest.len());
    let whole = rest.get(..end)?;
    // A password may hold `/` and `@` unescaped; the last `@` before the host ends it.
    let host = whole.rfind('@')?;
    let colon = whole.get(..host)?.find(':')?;
    Some((from + colon + 1, from + host))
}

/// A stored md5 verifier.
fn md5(rest: &str) -> bool {
    rest.strip_prefix("md5").and_then(|hex| hex.get(..32)).is_some_and(|hex| hex.bytes().all(|one| one.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn passwords_are_taken_out_however_they_are_written() {
        for (text, expected) in [
            ("ALTER ROLE app WITH PASSWORD 'hun''ter2' LOGIN", "ALTER ROLE app WITH PASSWORD *** LOGIN"),
            ("create role x encrypted password E'a\\'b'; select 1", "create role x encrypted password E***; select 1"),
            ("ALTER USER x PASSWORD $t$hunter2$t$", "ALTER USER x PASSWORD ***"),
            ("host=db password=hunter2 user=app", "host=db password=*** user=app"),
            ("password = 'two words' user=app", "password = *** user=app"),
            (r#"{"password":"hunter2","user":"app"}"#, r#"{"password":***,"user":"app"}"#),
            (r#"{\"password\":\"hunter2\",\"a\":1}"#, r#"{\"password\":***,\"a\":1}"#),
            ("postgres://app:hunter2@db-rw/shop", "postgres://app:***@db-rw/shop"),
            ("postgresql://app:h@un/ter@db", "postgresql://app:***@db"),
            ("AWS_SECRET_ACCESS_KEY=abc/def", "AWS_SECRET_ACCESS_KEY=***"),
            ("Authorization: Bearer abc.def, x", "Authorization: ***, x"),
            ("sent Bearer abc.def to it", "sent Bearer *** to it"),
            ("with verifier SCRAM-SHA-256$4096:salt$x:y end", "with verifier SCRAM-SHA-256$*** end"),
            ("PASSWORD 'unclosed", "PASSWORD ***"),
        ] {
            assert_eq!(redact(text), expected);
        }
        let verifier = format!("md5{}", "0123456789abcdef".repeat(2));
        assert_eq!(redact(&format!("was {verifier}.")), "was ***.");
    }

    #[test]
    fn what_only_speaks_of_passwords_stays() {
        for text in [
            "password authentication failed for user \"app\"",
            "connection to https://example.com:8443/path failed",
            "the token has expired",
            "größer als password",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
