//! Parameters of requests: `application/x-www-form-urlencoded`, each at most once (RFC 6749 §3.1 and §3.2), and back into URLs.

use portcullis_plugin::auth::routes::Request;

use crate::errors::Refusal;

/// Most bytes of a query or form, and most parameters: an authorization request with a state of 2 KiB and details has about 6 KiB.
const BYTES_MAX: usize = 16 << 10;
const COUNT_MAX: usize = 64;
/// Longest single value that is kept or echoed.
const VALUE_MAX: usize = 8 << 10;

/// Decoded, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query or a form.
    ///
    /// # Errors
    /// Too long, or not UTF-8 behind the escapes.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: &str| Refusal::request(["the parameters ", what].concat());
        if text.len() > BYTES_MAX || text.matches('&').count() >= COUNT_MAX {
            return Err(refuse("are too many or too long"));
        }
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decoded(name)?, decoded(value)?))
        };
        let all: Option<Vec<_>> = text.split('&').filter(|part| !part.is_empty()).map(pair).collect();
        let all = all.ok_or_else(|| refuse("are not form-encoded UTF-8"))?;
        match all.iter().any(|(_, value)| value.len() > VALUE_MAX) {
            true => Err(refuse("are too long")),
            false => Ok(Self(all)),
        }
    }

    /// Those of a request's query.
    pub(crate) fn of_query(request: &Request) -> Result<Self, Refusal> {
        Self::parse(request.query.as_deref().unwrap_or_default())
    }

    /// Those of a form.
    ///
    /// # Errors
    /// Also if the body says that it is something else.
    pub(crate) fn of_form(request: &Request) -> Result<Self, Refusal> {
        let form = request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !form.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::request("the body must be application/x-www-form-urlencoded"));
        }
        Self::parse(std::str::from_utf8(&request.body).map_err(|_| Refusal::request("the body is not UTF-8"))?)
    }

    /// The value, if it is there once. An empty one counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    /// It is there twice.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::request(["`", name, "` is there more than once"].concat())),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// The value, which must be there once.
    ///
    /// # Errors
    /// It is missing, or there twice.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or_else(|| Refusal::request(["`", name, "` is missing"].concat()))
    }

    /// All values: only `resource` may repeat (RFC 8707 §2).
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &str) -> Option<String> {
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut half = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(half()? * 16 + half()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// Form-encoded, ready for a body or a query.
pub(crate) fn encoded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        escape(&mut out, name);
        out.push('=');
        escape(&mut out, value);
    }
    out
}

/// A URL with parameters behind those that it has.
pub(crate) fn with_query<'a>(url: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let sign = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    [url, sign, &encoded(pairs)].concat()
}

fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let digits =
                [byte >> 4, byte & 15].map(|half| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
            out.extend(digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameters, encoded, with_query};

    #[test]
    fn a_parameter_that_comes_twice_is_refused_and_an_empty_one_is_absent() {
        let read = |text: &str| Parameters::parse(text).unwrap_or_default();
        assert!(read("a=1&a=1").one("a").is_err() && read("a=&a=1").one("a").is_err());
        assert_eq!(read("a=&b=x+y%C3%A4").one("a").ok(), Some(None));
        assert_eq!(read("b=x+y%C3%A4").need("b").ok(), Some("x yä"));
        assert!(read("b=1").need("a").is_err());
    }

    #[test]
    fn broken_escapes_and_floods_are_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", &"a&".repeat(64), &"a".repeat(16_385), &["a=", &"b".repeat(8_193)].concat()]
        {
            assert!(Parameters::parse(text).is_err(), "{}", text.len());
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text = encoded([("a b", "1&2=3"), ("ü", "\r\n#?")]);
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('#'));
        let read = Parameters::parse(&text).unwrap_or_default();
        assert_eq!((read.one("a b").ok(), read.one("ü").ok()), (Some(Some("1&2=3")), Some(Some("\r\n#?"))));
        assert_eq!(with_query("cursor://cb?x=1", [("a", "1")]), "cursor://cb?x=1&a=1");
        assert_eq!(with_query("https://h/cb", [("a", "1")]), "https://h/cb?a=1");
    }
}
