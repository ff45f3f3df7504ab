//! The accept loop of one listener: sockets in, connections to `connection`. Nothing here knows HTTP.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::gateway::Gateway;
use crate::route::Door;

/// Connections of one listener at the same time; further ones wait in the kernel's queue. Each costs about 10 KiB when idle, and at most
/// 64 KiB for a request's head (`connection::BUFFER`): 256 MiB when all of them send heads without end.
const CONNECTIONS_MAX: usize = 4096;

/// How long requests in flight may go on after the shutdown began; below Kubernetes' default grace period of 30 s.
const DRAIN: Duration = Duration::from_secs(10);

/// Pause after a failed accept (no file descriptors left, most often), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a listener does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket is not usable.
    #[error("listener `{listener}` cannot be served: {source}")]
    Socket {
        /// The listener's name.
        listener: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The client on stdin and stdout did not speak MCP.
    #[error("no MCP session on stdin and stdout: {0}")]
    Stdio(String),
}

impl Gateway {
    /// Serves the endpoints that the newest snapshot has for the listener `name`, until `shutdown`; then gives requests in flight 10 s.
    ///
    /// # Errors
    /// [`ServeError::Socket`] if the socket has no address.
    pub async fn serve_listener(&self, socket: TcpListener, name: &str, shutdown: CancellationToken) -> Result<(), ServeError> {
        let failed = |source| ServeError::Socket { listener: name.to_owned(), source };
        let address = socket.local_addr().map_err(failed)?;
        let (room, tracker) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), TaskTracker::new());
        let door = Arc::new(Door::new(Arc::clone(&self.shared), name, address, tracker.clone()));
        tracing::info!(listener = name, %address, "serving");
        while let Some((stream, peer, permit)) = next(&socket, &room, &shutdown).await {
            tracker.spawn(accepted((stream, peer), permit, Arc::clone(&door), shutdown.clone()));
        }
        drop(socket);
        drain(&door, &tracker).await;
        Ok(())
    }
}

/// Ends streams in good order, then whatever is left.
async fn drain(door: &Door, tracker: &TaskTracker) {
    tracker.close();
    door.closing.cancel();
    if tokio::time::timeout(DRAIN, tracker.wait()).await.is_err() {
        tracing::warn!(tasks = tracker.len(), "requests were still in flight after {DRAIN:?}; they end now");
    }
    door.closed.cancel();
    tracker.wait().await;
}

/// The next connection and its place; `None` once the shutdown begins.
async fn next(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    loop {
        let accept = async {
            let permit = Arc::clone(room).acquire_owned().await.ok()?;
            Some(socket.accept().await.map(|(stream, peer)| (stream, peer.ip(), permit)))
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return None,
            accepted = accept => accepted?,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accepted(
    (stream, peer): (TcpStream, IpAddr),
    permit: OwnedSemaphorePermit,
    door: Arc<Door>,
    shutdown: CancellationToken,
) {
    // Small answers should not wait for Nagle; a socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let closed = door.closed.clone();
    let answer = move |request| {
        let door = Arc::clone(&door);
        async move { door.answer(request, peer).await }
    };
    connection::serve(stream, answer, &shutdown, &closed).await;
    drop(permit);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    /// Both clients are connected as far as they can tell: the second one waits in the kernel's queue.
    #[tokio::test]
    async fn a_connection_for_which_there_is_no_place_waits_until_another_one_ends() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (room, shutdown) = (Arc::new(Semaphore::new(1)), CancellationToken::new());
        let _clients = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let first = next(&socket, &room, &shutdown).await.unwrap();
        let mut second = std::pin::pin!(next(&socket, &room, &shutdown));
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut second).await.is_err(), "it waits");
        drop(first);
        assert!(second.await.is_some());
    }
}
