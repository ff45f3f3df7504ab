//! A very small HTTP client for the API servers of this crate: one connection per request, http or https.
//! Must not be more than tests need; the host's own client is another crate's.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// Longest that a request may take (seconds, 30): far above anything a test does.
const LONGEST: Duration = Duration::from_secs(30);

/// Where an API server is and who asks it.
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    token: String,
    tls: Option<Arc<ClientConfig>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub code: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Client {
    /// A client for a URL. `ca` is PEM and needed for https; without a token the requests are anonymous.
    ///
    /// # Errors
    /// If the certificates cannot be read.
    pub fn new(url: &str, token: &str, ca: Option<&str>) -> io::Result<Self> {
        let tls = ca.map(tls_config).transpose()?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), token: token.to_owned(), tls })
    }

    /// The same server, another caller.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// If there is no answer within 30 seconds, or the connection breaks.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> io::Result<Answer> {
        let sent = async {
            let reply = self.open(method, path, headers, body).await?;
            let (parts, body) = reply.into_parts();
            let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
            Ok(Answer { code: parts.status.as_u16(), headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() })
        };
        tokio::time::timeout(LONGEST, sent).await?
    }

    /// Sends a request and gives the answer with its body unread, for watches.
    ///
    /// # Errors
    /// If there is no connection.
    pub async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> io::Result<http::Response<Incoming>> {
        let uri: Uri = format!("{}{path}", self.url).parse().map_err(io::Error::other)?;
        let host = uri.host().unwrap_or_default().to_owned();
        let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(443))).await?;
        let request = self.request(method, &uri, headers, body)?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some(tls) => {
                let name = ServerName::try_from(host).map_err(io::Error::other)?;
                exchange(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?, request).await
            }
        }
    }

    fn request(
        &self,
        method: &str,
        uri: &Uri,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> io::Result<Request<Full<Bytes>>> {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut request =
            Request::builder().method(method).uri(target).header("host", uri.authority().map_or("", |host| host.as_str()));
        request = request.header("user-agent", "kubesim-client/1");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bytes = body.map(Value::to_string).unwrap_or_default();
        request.body(Full::new(Bytes::from(bytes))).map_err(io::Error::other)
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> io::Result<http::Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // The connection ends with the reply's body; its error reaches the reader there.
    drop(tokio::spawn(connection));
    sender.send_request(request).await.map_err(io::Error::other)
}

fn tls_config(ca: &str) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
