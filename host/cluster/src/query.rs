//! Query strings and percent-encoding. Spec: RFC 3986 §2.1, §2.3.

use std::fmt::Write as _;

/// A query string that grows.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a parameter.
    pub(crate) fn add(mut self, key: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(key);
        self.0.push('=');
        encode(&mut self.0, value);
        self
    }

    /// Adds a parameter that may be absent.
    pub(crate) fn maybe(self, key: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.add(key, &value.to_string()),
            None => self,
        }
    }

    /// Adds a parameter if something holds.
    pub(crate) fn when(self, holds: bool, key: &str, value: &str) -> Self {
        if holds { self.add(key, value) } else { self }
    }

    /// The query with its question mark, or nothing.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends a query value with everything encoded that is not unreserved.
pub(crate) fn encode(to: &mut String, value: &str) {
    encode_but(to, value, b"");
}

/// Appends a path segment; `:` stays (RFC 3986 §3.3, pchar), for names such as `system:node` and `https:db-1:8000`.
pub(crate) fn encode_segment(to: &mut String, value: &str) {
    encode_but(to, value, b":");
}

fn encode_but(to: &mut String, value: &str, kept: &[u8]) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            to.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn values_are_encoded_and_absent_ones_left_out() {
        let query = Query::default()
            .maybe("a", Some("x=y,z in (1)"))
            .maybe("b", None::<u32>)
            .when(true, "dryRun", "All")
            .when(false, "c", "1");
        assert_eq!(query.as_str(), "?a=x%3Dy%2Cz%20in%20%281%29&dryRun=All");
        assert_eq!(Query::default().as_str(), "");
    }

    #[test]
    fn a_value_cannot_bring_a_parameter_of_its_own() {
        assert_eq!(Query::default().add("fieldManager", "x&force=true#ü").as_str(), "?fieldManager=x%26force%3Dtrue%23%C3%BC");
    }
}
