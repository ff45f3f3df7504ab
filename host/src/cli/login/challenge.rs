//! What a 401 says of how to log in: the `Bearer` challenge of `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1).

/// A `Bearer` challenge.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Where the resource's metadata is.
    pub(super) metadata: Option<String>,
    /// What to ask for.
    pub(super) scope: Option<String>,
}

impl Challenge {
    /// Of an answer's headers. There may be several, each with challenges of several schemes.
    pub(super) fn read(headers: &[(String, String)]) -> Self {
        let mut own = Self::default();
        for (_, value) in headers.iter().filter(|(name, _)| name == "www-authenticate") {
            own.add(value);
        }
        own
    }

    fn add(&mut self, value: &str) {
        let mut bearer = false;
        for item in items(value) {
            let (scheme, parameter) = scheme(&item);
            bearer = scheme.map_or(bearer, |scheme| scheme.eq_ignore_ascii_case("bearer"));
            match parameter.split_once('=') {
                Some((name, value)) if bearer => self.set(name.trim(), value.trim()),
                _ => {}
            }
        }
    }

    /// The first of several counts.
    fn set(&mut self, name: &str, value: &str) {
        let place = match name.to_ascii_lowercase().as_str() {
            "resource_metadata" => &mut self.metadata,
            "scope" => &mut self.scope,
            _ => return,
        };
        place.get_or_insert_with(|| unquoted(value));
    }
}

/// What stands between the commas that no quotes enclose.
fn items(text: &str) -> Vec<String> {
    let (mut items, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                items.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        if let Some(last) = items.last_mut() {
            last.push(c);
        }
    }
    items
}

/// `Bearer realm="a"` begins a challenge, `scope="a"` goes on with one.
fn scheme(item: &str) -> (Option<&str>, &str) {
    let item = item.trim();
    match item.split_once(' ') {
        Some((scheme, rest)) if !scheme.contains('=') && !rest.trim_start().starts_with('=') => (Some(scheme), rest),
        None if !item.is_empty() && !item.contains('=') => (Some(item), ""),
        _ => (None, item),
    }
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut chars = inner.chars();
    std::iter::from_fn(|| chars.next().and_then(|c| if c == '\\' { chars.next() } else { Some(c) })).collect()
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    fn read(values: &[&str]) -> (Option<String>, Option<String>) {
        let headers: Vec<_> = values.iter().map(|value| ("www-authenticate".to_owned(), (*value).to_owned())).collect();
        let challenge = Challenge::read(&headers);
        (challenge.metadata, challenge.scope)
    }

    fn both(metadata: &str, scope: &str) -> (Option<String>, Option<String>) {
        (Some(metadata.to_owned()), Some(scope.to_owned()))
    }

    #[test]
    fn a_challenge_is_read_in_every_spelling() {
        let expected = both("https://h/a,b", "read write");
        for value in [
            r#"Bearer realm="p", resource_metadata="https://h/a,b", scope="read write""#,
            r#"bearer RESOURCE_METADATA = "https://h/a,b" ,scope="read write",error="invalid_token""#,
            r#"Basic realm="a, Bearer scope=x", Bearer scope="read write", resource_metadata="https://h/\a,b""#,
            r#"Bearer scope="read write", resource_metadata="https://h/a,b", Digest scope="other""#,
            r#"Negotiate, Bearer scope="read write", resource_metadata="https://h/a,b", scope="second""#,
        ] {
            assert_eq!(read(&[value]), expected, "{value}");
        }
        assert_eq!(read(&["Basic realm=x", "Bearer resource_metadata=https://h/m, scope=a"]), both("https://h/m", "a"));
    }

    #[test]
    fn other_schemes_and_broken_headers_say_nothing() {
        for value in ["", ",,", "Basic scope=a", r#"DPoP resource_metadata="x""#, "Bearer", "Bearer abc", r#"scope="a""#] {
            assert_eq!(read(&[value]), (None, None), "{value}");
        }
        assert_eq!(read(&[r#"Bearer scope="a\""b"#]).0, None);
    }
}
