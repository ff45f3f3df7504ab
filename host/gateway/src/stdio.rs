//! The same plugins for a local client: MCP over stdin and stdout, one caller, nobody to authenticate.

use std::sync::Arc;

use rmcp::ServiceExt as _;
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;
use crate::lines::Lines;
use crate::mcp::Handler;
use crate::server::ServeError;

impl Gateway {
    /// Serves one client on stdin and stdout until it closes stdin, or `shutdown`. Nothing else may write to stdout.
    ///
    /// # Errors
    /// [`ServeError::Stdio`] if the client does not speak MCP.
    pub async fn serve_stdio(&self, shutdown: CancellationToken) -> Result<(), ServeError> {
        self.serve_stream(rmcp::transport::stdio_pipes(), shutdown).await
    }

    /// Serves one client on any pair of streams; what stdio does, for tests.
    ///
    /// # Errors
    /// [`ServeError::Stdio`] if the client does not speak MCP.
    pub async fn serve_stream<R, W>(&self, streams: (R, W), shutdown: CancellationToken) -> Result<(), ServeError>
    where
        R: tokio::io::AsyncRead + Send + Sync + Unpin + 'static,
        W: tokio::io::AsyncWrite + Send + Sync + Unpin + 'static,
    {
        let handler = Handler::stdio(Arc::clone(&self.shared), shutdown.clone());
        let stopped = |error: &dyn std::fmt::Display| ServeError::Stdio(error.to_string());
        match handler.serve_with_ct(Lines::new(streams), shutdown).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|error| stopped(&error)),
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_) | rmcp::service::ServerInitializeError::Cancelled) => {
                Ok(())
            }
            Err(error) => Err(stopped(&error)),
        }
    }
}
