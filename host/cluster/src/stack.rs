//! The HTTP client: connections, TLS, credentials. Composed here rather than taken whole from kube, whose stack retries by itself, traces
//! every failure as an error and looks for proxies.

use std::time::Duration;

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt as _};
use kube::config::AuthInfo;
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

/// Longest time for a connection (default 5 s, TLS included): a call has 30 s by default, and the user should learn within them what is wrong.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept (default 60 s): below the 90 s after which the API server and common load balancers close it.
const IDLE: Duration = Duration::from_secs(60);

/// Idle connections that are kept (count, default 32): more than that idle at once only after a burst.
const IDLE_MOST: usize = 32;

/// TCP keep-alive (default 30 s): a watch through a dead network ends with an error instead of silence.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Builds the client. Connects nowhere, but may run a credential plugin: call it where blocking is allowed, inside a tokio runtime.
pub(crate) fn client(mut config: Config) -> Result<Client, kube::Error> {
    without_line_end(&mut config.auth_info);
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp)?);
    connector.set_connect_timeout(Some(CONNECT));
    let client: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_MOST)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(Client::new(service, config.default_namespace.clone()))
}

/// A token file that an editor or `echo` ended with a line end: client-go drops it, kube sends it and fails. Such a token is taken from the
/// file here, and again when the API server no longer knows it (`link.rs`).
fn without_line_end(auth: &mut AuthInfo) {
    let Some(text) = auth.token_file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) else { return };
    let token = text.trim();
    if auth.token.is_none() && token.len() < text.len() && !token.is_empty() {
        auth.token = Some(token.to_owned().into());
    }
}
