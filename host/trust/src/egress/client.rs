//! One exchange over HTTP: to checked addresses only, within its time, within its size. No redirects, proxies, cookies or decompression.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, Response, Url};
use tokio::time::timeout;

use super::resolve::{Guard, Refused, Resolver, literal};
use super::{TlsError, headers, tls};

/// How long an unused connection is kept: the requests of one login follow each other within it.
const IDLE: Duration = Duration::from_secs(30);

/// Sends requests. Connections that may be private are kept apart: one that was opened for an operator's own server must not serve a request
/// that may reach the internet only.
pub(crate) struct Client {
    internet: reqwest::Client,
    private: reqwest::Client,
}

impl Client {
    /// A client with these names and, beside the system's, these certificate authorities (PEM).
    pub(crate) fn new(resolver: &Arc<dyn Resolver>, authorities: Option<&str>) -> Result<Self, ClientError> {
        let tls = tls::client(authorities)?;
        let build = |private| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(Guard { resolver: Arc::clone(resolver), private }))
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(4)
                .build()
        };
        Ok(Self { internet: build(false)?, private: build(true)? })
    }

    /// One exchange. Dropping the future closes the connection.
    pub(crate) async fn send(&self, request: EgressRequest) -> Result<EgressReply, EgressError> {
        let (url, host) = target(&request.url)?;
        self.exchange(request, url, host).await.map_err(|failed| failed.error)
    }

    /// The same, of a URL that was read already.
    pub(super) async fn exchange(&self, request: EgressRequest, url: Url, host: String) -> Result<EgressReply, Failed> {
        if let Some(address) = address(&url) {
            literal(address, request.private).map_err(|refused| refusal(refused, &host))?;
        }
        let (within, most) = (request.within, request.max_reply);
        let client = if request.private { &self.private } else { &self.internet };
        let whole = async {
            let message = message(request, url, &host)?;
            let response = client.execute(message).await.map_err(|error| failed(&error, &host))?;
            Ok(read(response, most, &host).await?)
        };
        timeout(within, whole).await.unwrap_or_else(|_| Err(EgressError::Timeout(host.clone()).into()))
    }
}

/// Why an exchange failed, and whether the server is at fault for not being there.
pub(super) struct Failed {
    pub(super) error: EgressError,
    /// False: it took no connection.
    pub(super) connected: bool,
}

impl From<EgressError> for Failed {
    fn from(error: EgressError) -> Self {
        Self { error, connected: true }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the HTTP client cannot be built: {0}")]
    Http(#[from] reqwest::Error),
}

/// The URL as it is requested, and its host for messages. The parser normalises odd notations of IP addresses (WHATWG URL, host parsing), so
/// that what is judged is what is reached.
pub(super) fn target(text: &str) -> Result<(Url, String), EgressError> {
    // Messages show what stands before the query, and nothing of a URL that holds credentials.
    let shown =
        || EgressError::Url(text.split(['?', '#']).next().filter(|start| !start.contains('@')).unwrap_or_default().to_owned());
    let mut url = Url::parse(text).map_err(|_| shown())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    match url.host_str() {
        Some(host) if plain && !host.is_empty() => {
            let host = host.to_owned();
            url.set_fragment(None);
            Ok((url, host))
        }
        _ => Err(shown()),
    }
}

fn address(url: &Url) -> Option<std::net::IpAddr> {
    url.host_str().and_then(|host| host.trim_start_matches('[').trim_end_matches(']').parse().ok())
}

fn message(request: EgressRequest, url: Url, host: &str) -> Result<Request, EgressError> {
    let broken = |reason: &str| EgressError::Unreachable { host: host.to_owned(), reason: reason.to_owned() };
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| broken("the request has no valid method"))?;
    let mut message = Request::new(method, url);
    *message.headers_mut() = headers::outgoing(&request.headers, request.authorization.as_ref()).map_err(broken)?;
    if !request.body.is_empty() {
        *message.body_mut() = Some(request.body.into());
    }
    Ok(message)
}

/// Reads the answer and stops at the first byte that is too many: a limit that is checked afterwards is none.
async fn read(mut response: Response, most: usize, host: &str) -> Result<EgressReply, EgressError> {
    let large = || EgressError::TooLarge(host.to_owned());
    let headers = headers::incoming(response.headers()).ok_or_else(large)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error, host))? {
        if body.len() + chunk.len() > most {
            return Err(large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(EgressReply { status, headers, body })
}

/// Without a connection it matters whether the server refused it or we did not allow it.
fn failed(error: &reqwest::Error, host: &str) -> Failed {
    let connected = !error.is_connect();
    let error = fault(error, host);
    Failed { connected: connected || !matches!(error, EgressError::Unreachable { .. }), error }
}

/// The error in our words. reqwest's own text names the URL, whose query may hold secrets: only the last cause is told.
fn fault(error: &reqwest::Error, host: &str) -> EgressError {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(next) = cause.source() {
        if let Some(&refused) = next.downcast_ref::<Refused>() {
            return refusal(refused, host);
        }
        cause = next;
    }
    let reason = if error.source().is_none() { "no answer".to_owned() } else { cause.to_string() };
    EgressError::Unreachable { host: host.to_owned(), reason }
}

fn refusal(refused: Refused, host: &str) -> EgressError {
    match refused {
        Refused::Address => EgressError::Address(host.to_owned()),
        Refused::Unresolved => EgressError::Unresolved(host.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::egress::EgressError;

    use super::{address, target};

    #[test]
    fn odd_notations_of_an_address_are_the_address() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0x7f.1",
            "017700000001",
            "127.0.0.1.",
            "１２７.0.0.1",
        ] {
            let (url, _) = target(&format!("http://{host}/")).unwrap();
            assert_eq!(address(&url), Some("127.0.0.1".parse().unwrap()), "{host}");
        }
        let (url, _) = target("http://[::FFFF:7f00:1]:8080/").unwrap();
        assert_eq!(address(&url), Some("::ffff:127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn only_http_urls_with_a_host_and_without_user_information_are_fetched() {
        for url in [
            "",
            "x",
            "/a",
            "file:///etc/passwd",
            "ftp://a/",
            "http://",
            "https://u@a/",
            "https://u:p@a/",
            "https://:p@a/",
            "data:,x",
        ] {
            assert!(matches!(target(url), Err(EgressError::Url(_))), "{url}");
        }
        assert_eq!(target("https://Example.COM./a?b#c").unwrap().1, "example.com.");
    }

    #[test]
    fn a_refused_url_is_told_without_its_query_and_its_password() {
        assert_eq!(target("ftp://a/b?token=c").unwrap_err(), EgressError::Url("ftp://a/b".into()));
        assert_eq!(target("https://u:secret@a/").unwrap_err(), EgressError::Url(String::new()));
    }
}
