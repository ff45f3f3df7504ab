//! URLs to which credentials go or from which trust comes: https, or this machine.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Longest URL in bytes (2 KiB): servers refuse longer ones.
const URL_MAX: usize = 2 << 10;

/// A URL in its normal form: scheme and host in lower case, no default port, a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    origin: String,
    path: String,
    query: Option<String>,
}

impl Place {
    /// Reads a URL.
    ///
    /// # Errors
    /// Why it is none that may be used.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > URL_MAX {
            return Err("it is longer than 2 KiB");
        }
        if text.contains('#') {
            return Err("it has a fragment");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has characters that no URL has");
        }
        let uri: Uri = text.parse().map_err(|_| "it cannot be read")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("it does not begin with https://");
        };
        if authority.as_str().contains('@') {
            return Err("it has a user name");
        }
        let host = authority.host().to_ascii_lowercase();
        match scheme.to_ascii_lowercase().as_str() {
            _ if host.is_empty() => Err("it has no host"),
            "https" => Ok(Self::new("https", &host, authority.port_u16().filter(|&port| port != 443), &uri)),
            "http" if is_loopback(&host) => Ok(Self::new("http", &host, authority.port_u16().filter(|&port| port != 80), &uri)),
            "http" => Err("plain http is for this machine only, as http://127.0.0.1; use https"),
            _ => Err("it does not begin with https://"),
        }
    }

    fn new(scheme: &str, host: &str, port: Option<u16>, uri: &Uri) -> Self {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Self { origin: format!("{scheme}://{host}{port}"), path: path.to_owned(), query: uri.query().map(str::to_owned) }
    }

    /// Where an issuer's metadata is (RFC 8414 §3.1, OpenID Connect Discovery 1.0 §4.1), in the order in which MCP clients try (AS-1).
    pub(super) fn server_metadata(&self) -> Vec<String> {
        let (origin, path) = (&self.origin, self.path.trim_end_matches('/'));
        let mut places = vec![
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
            format!("{origin}/.well-known/openid-configuration{path}"),
        ];
        if !path.is_empty() {
            places.push(format!("{origin}{path}/.well-known/openid-configuration"));
        }
        places
    }

    /// Where a resource's metadata is (RFC 9728 §3.1): at its path, and at the root.
    pub(super) fn resource_metadata(&self) -> Vec<String> {
        let root = format!("{}/.well-known/oauth-protected-resource", self.origin);
        let path = if self.path == "/" { "" } else { &self.path };
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let own = format!("{root}{path}{query}");
        if own == root { vec![root] } else { vec![own, root] }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin, self.path)?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

fn is_loopback(host: &str) -> bool {
    let v6 = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || v6.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{Place, URL_MAX};

    fn place(text: &str) -> Place {
        Place::parse(text).unwrap()
    }

    #[test]
    fn urls_that_mean_the_same_are_the_same() {
        assert_eq!(place("HTTPS://Host.Example:443"), place("https://host.example/"));
        assert_eq!(place("http://LOCALHOST:80/a?b").to_string(), "http://localhost/a?b");
        for other in [
            "https://host.example/mcp/",
            "https://host.example/MCP",
            "https://host.example:8443/mcp",
            "https://host.example/mcp?a",
        ] {
            assert_ne!(place("https://host.example/mcp"), place(other), "{other}");
        }
    }

    #[test]
    fn credentials_go_over_https_or_stay_on_this_machine() {
        for url in ["http://127.0.0.1:4204/mcp", "http://127.8.8.8/", "http://[::1]:1/mcp", "http://localhost:1"] {
            assert!(Place::parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://host.example/mcp",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://[::2]/",
        ] {
            assert!(Place::parse(url).is_err_and(|reason| reason.contains("plain http")), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        let long = format!("https://h/{}", "a".repeat(URL_MAX));
        for url in [
            "",
            "host",
            "/mcp",
            "file:///etc/passwd",
            "ftp://h/",
            "javascript:alert(1)",
            "https://",
            "https://u@h/",
            "https://u:p@h/",
            "https://h/#a",
            "https://h/ b",
            &long,
        ] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
        assert!(Place::parse(&long[..URL_MAX]).is_ok());
    }

    #[test]
    fn metadata_is_sought_where_the_specifications_put_it() {
        let root = "https://h/.well-known/oauth-protected-resource";
        assert_eq!(place("https://h/mcp?a=b").resource_metadata(), [format!("{root}/mcp?a=b"), root.to_owned()]);
        assert_eq!(place("https://h").resource_metadata(), [root]);
        assert_eq!(
            place("https://h/a/").server_metadata(),
            [
                "https://h/.well-known/oauth-authorization-server/a",
                "https://h/.well-known/openid-configuration/a",
                "https://h/a/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            place("https://h/").server_metadata(),
            ["https://h/.well-known/oauth-authorization-server", "https://h/.well-known/openid-configuration"]
        );
    }
}
