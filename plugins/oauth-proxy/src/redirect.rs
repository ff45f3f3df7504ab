//! Redirect URIs: which may be registered, and which request matches (RFC 6749 §3.1.2, RFC 8252 §7, OAuth 2.1 §2.3). Matching is exact, byte
//! for byte; nothing is normalised, so that there is nothing to trick. Only the port of a loopback address is free (RFC 8252 §7.3).

/// Longest one, in bytes.
const BYTES_MAX: usize = 2_048;
/// Schemes that run code or show local files in some browser.
const DANGEROUS: [&str; 20] = [
    "javascript",
    "data",
    "file",
    "vbscript",
    "blob",
    "about",
    "view-source",
    "filesystem",
    "intent",
    "ws",
    "wss",
    "ftp",
    "jar",
    "feed",
    "chrome",
    "shell",
    "search",
    "search-ms",
    "mailto",
    "tel",
];

/// Whether one may be registered.
///
/// # Errors
/// Why not, for the person who writes the client.
pub(crate) fn check(uri: &str, custom_schemes: bool) -> Result<(), &'static str> {
    if uri.len() > BYTES_MAX {
        return Err("is longer than 2048 bytes");
    }
    if uri.bytes().any(|byte| !byte.is_ascii_graphic() || b"\"'<>\\^`{|}*".contains(&byte)) {
        return Err("has characters that must be escaped, or a wildcard");
    }
    if uri.contains('#') {
        return Err("has a fragment");
    }
    let (scheme, rest) = uri.split_once(':').ok_or("has no scheme")?;
    match scheme {
        "https" => check_authority(rest).map(|_| ()),
        "http" if is_loopback(check_authority(rest)?) => Ok(()),
        "http" => Err("must be https, or http on localhost, 127.0.0.1 or [::1]"),
        other => check_custom(other, rest, custom_schemes),
    }
}

/// Host of what follows "https:"; refuses what readers of URLs disagree about.
fn check_authority(rest: &str) -> Result<&str, &'static str> {
    let rest = rest.strip_prefix("//").ok_or("has no host")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("has a user name");
    }
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => authority.split_at(colon),
        _ => (authority, ""),
    };
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    let name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if host.is_empty() || !port_fits || !(name || host == "[::1]") || host.starts_with('.') {
        return Err("has no proper host and port");
    }
    check_path(path)?;
    Ok(host)
}

/// No `.` and `..` segments, written out or escaped: a browser would take them away and arrive elsewhere.
fn check_path(path: &str) -> Result<(), &'static str> {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    let dots = path.replace("%2f", "/").replace("%5c", "/").split('/').any(|segment| segment == "." || segment == "..");
    if dots { Err("has dot segments") } else { Ok(()) }
}

/// Private-use schemes of apps (RFC 8252 §7.1), e.g. `cursor://anysphere.cursor-mcp/oauth/callback`.
fn check_custom(scheme: &str, rest: &str, allowed: bool) -> Result<(), &'static str> {
    let grammar = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte));
    if !grammar || DANGEROUS.contains(&scheme) || scheme.starts_with("ms-") || !rest.starts_with('/') || !allowed {
        return Err("has a scheme that is not accepted");
    }
    let authority = rest.strip_prefix("//").map_or("", |rest| rest.split(['/', '?']).next().unwrap_or_default());
    if authority.contains('@') {
        return Err("has a user name");
    }
    check_path(rest)
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether the browser stays on the user's machine: then any program there could be the client.
pub(crate) fn is_local(uri: &str) -> bool {
    uri.strip_prefix("http:").is_some_and(|rest| check_authority(rest).is_ok_and(is_loopback))
}

/// Whether a request's URI is the registered one.
pub(crate) fn matches(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    match (without_port(registered), without_port(asked)) {
        (Some(one), Some(other)) => one == other && check(asked, false).is_ok(),
        _ => false,
    }
}

/// Host and what follows the port, of a loopback URI.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => authority.get(..colon)?,
        _ => authority,
    };
    is_loopback(host).then_some((host, path))
}

/// Where the browser goes, for people: the host, or the scheme of an app.
pub(crate) fn destination(uri: &str) -> String {
    match uri.split_once(':') {
        Some(("https" | "http", rest)) => rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default().to_owned(),
        Some((scheme, _)) => ["the app that opens ", scheme, ": links"].concat(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, destination, is_local, matches};

    #[test]
    fn what_the_clients_in_the_field_register_is_accepted() {
        for uri in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost:3118/callback",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1/",
            "http://[::1]:9/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://chatgpt.com/connector/oauth/abc-1?x=1",
            "com.example.app:/oauth",
        ] {
            assert_eq!(check(uri, true), Ok(()), "{uri}");
        }
    }

    #[test]
    fn w11_fragments_and_every_other_trick_are_refused() {
        for uri in [
            "https://h/cb#x",
            "https://user@h/cb",
            "https://good.example@evil.example/cb",
            "https://h/a/../cb",
            "https://h/a/%2e%2E/cb",
            "https://h/a/..%2fcb",
            "https://h/./cb",
            "https://h/cb\r\nx",
            "https://h/c b",
            "https://h/cb\\x",
            "https://h/*",
            "https://*.h/cb",
            "https:///cb",
            "https:h/cb",
            "https://h:99999/cb",
            "https://h:x/cb",
            "https://ä/cb",
            "http://h/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "javascript:alert(1)",
            "javascript:/alert(1)",
            "data:/text",
            "file:///etc",
            "JavaScript:/x",
            "HTTPS://h/cb",
            "mailto:a",
            "//h/cb",
            "/cb",
            "",
            "ms-msdt:/id",
            "search-ms:/x",
            "cursor://a@b/cb",
            "cursor://a/../cb",
        ] {
            assert!(check(uri, true).is_err(), "{uri}");
        }
        assert!(check(&["https://h/", &"a".repeat(2_048)].concat(), true).is_err());
        assert!(check("cursor://a/cb", false).is_err());
    }

    #[test]
    fn a_request_matches_byte_for_byte() {
        assert!(matches("https://h/cb", "https://h/cb"));
        for asked in [
            "https://h/cb/",
            "https://h/CB",
            "https://h:443/cb",
            "https://h/cb?x",
            "http://h/cb",
            "https://h.evil/cb",
            "https://h/cb%20",
        ] {
            assert!(!matches("https://h/cb", asked), "{asked}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        assert!(matches("http://localhost/callback", "http://localhost:3118/callback"));
        assert!(matches("http://127.0.0.1:1/", "http://127.0.0.1:33418/"));
        assert!(matches("http://[::1]/cb", "http://[::1]:5/cb"));
        for asked in [
            "http://127.0.0.1:3118/callback",
            "http://localhost:3118/other",
            "http://localhost:3118@evil.example/callback",
            "http://localhost:x/callback",
            "https://localhost:1/callback",
            "http://localhost:1/callback#x",
        ] {
            assert!(!matches("http://localhost/callback", asked), "{asked}");
        }
        assert!(!matches("https://h:1/cb", "https://h:2/cb"));
    }

    #[test]
    fn people_read_where_the_browser_goes() {
        assert_eq!(destination("https://claude.ai/api/x"), "claude.ai");
        assert_eq!(destination("cursor://anysphere/x"), "the app that opens cursor: links");
        assert!(is_local("http://localhost:1/") && !is_local("https://localhost/") && !is_local("http://localhost.evil/"));
    }
}
