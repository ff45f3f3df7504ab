//! Where an issuer's document is. An issuer is a string that is compared and a URL that is fetched; only the first is its name.

use reqwest::Url;

/// Longest issuer and URL in bytes (2 KiB).
const URL_MAX: usize = 2 << 10;

const OIDC: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// The places in the order in which they are tried: OpenID Connect's (Discovery 1.0 §4.1) has what logins need beside OAuth's, then RFC 8414's
/// (§3.1) and, for an issuer with a path, the third form that MCP clients try (AS-1).
pub(super) fn of(issuer: &str, private: bool) -> Result<Vec<String>, &'static str> {
    let url = check_url(issuer, private)?;
    if url.query().is_some() {
        return Err("an issuer has no query (RFC 8414 §2)");
    }
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    let mut places = vec![format!("{origin}{path}{OIDC}"), format!("{origin}{OAUTH}{path}")];
    if !path.is_empty() {
        places.push(format!("{origin}{OIDC}{path}"));
    }
    Ok(places)
}

/// Reads a URL from which trust is fetched: TLS, unless it may have a private address.
pub(crate) fn check_url(text: &str, private: bool) -> Result<Url, &'static str> {
    if text.len() > URL_MAX {
        return Err("the URL is longer than 2 KiB");
    }
    let url = Url::parse(text).map_err(|_| "not a URL")?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none() && url.has_host();
    match url.scheme() {
        _ if !plain => Err("the URL has no host, or user information or a fragment"),
        "https" => Ok(url),
        "http" if private => Ok(url),
        _ => Err("the URL is not https; plain http needs the grant's `private: true`"),
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_document_is_sought_where_either_specification_puts_it() {
        assert_eq!(
            of("https://id.example", false).unwrap(),
            ["https://id.example/.well-known/openid-configuration", "https://id.example/.well-known/oauth-authorization-server",]
        );
        let path = [
            "https://id.example:8443/a/b/.well-known/openid-configuration",
            "https://id.example:8443/.well-known/oauth-authorization-server/a/b",
            "https://id.example:8443/.well-known/openid-configuration/a/b",
        ];
        assert_eq!(of("https://id.example:8443/a/b", false).unwrap(), path);
        assert_eq!(of("https://id.example:8443/a/b/", false).unwrap(), path);
    }

    #[test]
    fn an_issuer_is_https_without_query_fragment_and_user() {
        for issuer in [
            "",
            "x",
            "http://id.example",
            "https://id.example?a",
            "https://id.example#a",
            "https://u:p@id.example",
            "ftp://id.example",
        ] {
            assert!(of(issuer, false).is_err(), "{issuer}");
        }
        assert!(of(&format!("https://id.example/{}", "a".repeat(3000)), false).is_err());
        assert!(of("http://id.example", true).is_ok() && of("ftp://id.example", true).is_err());
    }
}
