//! One connection: HTTP/1.1 by hyper itself, within limits on time and memory that no peer can talk its way around. Knows no MCP.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::respond::Body;
use crate::stall::Impatient;

/// How long a connection may wait for a request's head, the time between two requests included: longer than clients keep idle
/// connections (90 s is common), so that none of them sends into one that we are just closing.
const HEAD_TIME: Duration = Duration::from_secs(120);

/// How long a new connection may take for its first head: who has something to say says it at once, and a place costs nothing to hold.
const FIRST_HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a peer may read nothing while there is something to read.
const STALL: Duration = Duration::from_secs(30);

/// Bytes that hyper reads ahead, and holds back when a peer reads slowly. A request's head must fit (431 otherwise, as for more than 100
/// headers); its body passes through. hyper's buffer may grow to twice this before it looks; its default of 400 KiB would let a full
/// listener hold gigabytes.
const BUFFER: usize = 32 << 10;

/// Serves requests until the peer leaves, stalls or keeps silent; after `shutdown` only those that came, after `closed` none.
pub(crate) async fn serve<S, A, F>(stream: S, answer: A, shutdown: &CancellationToken, closed: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Body>>,
{
    let spoken = AtomicBool::new(false);
    let service = service_fn(|request| {
        spoken.store(true, Ordering::Relaxed);
        let response = answer(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let io = TokioIo::new(Impatient::new(stream, STALL));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(BUFFER)
            .serve_connection(io, service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = silence(&spoken) => return tracing::debug!("a connection said nothing"),
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = closed.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Returns only if nothing was said in time.
async fn silence(spoken: &AtomicBool) {
    tokio::time::sleep(FIRST_HEAD_TIME).await;
    if spoken.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::time::Duration;

    use http::StatusCode;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio_util::sync::CancellationToken;

    use super::{BUFFER, FIRST_HEAD_TIME, HEAD_TIME, STALL, serve};
    use crate::respond;

    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// The far side of a connection with room for so many bytes; it answers everything with 200.
    fn connected(room: usize) -> (DuplexStream, JoinHandle<()>) {
        let (near, far) = duplex(room);
        let serving = tokio::spawn(async move {
            let never = CancellationToken::new();
            serve(near, |_| std::future::ready(respond::empty(StatusCode::OK)), &never, &never).await;
        });
        (far, serving)
    }

    async fn lasts(serving: JoinHandle<()>) -> Duration {
        let began = tokio::time::Instant::now();
        tokio::time::timeout(Duration::from_secs(3600), serving).await.expect("it never ends").unwrap();
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_who_pipelines_requests_and_never_reads_is_cut_off() {
        let (mut far, serving) = connected(1024);
        // Blocks when both sides are full, and fails once the connection is gone.
        let flood = tokio::spawn(async move {
            let _ = far.write_all(REQUEST.repeat(10_000).as_bytes()).await;
            std::future::pending::<DuplexStream>().await
        });
        assert!(lasts(serving).await <= STALL + Duration::from_secs(1));
        flood.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_ends_early_and_one_that_spoke_may_rest() {
        let (_silent, serving) = connected(1024);
        assert!(lasts(serving).await <= FIRST_HEAD_TIME + Duration::from_secs(1));
        let (mut far, serving) = connected(1024);
        far.write_all(REQUEST.as_bytes()).await.unwrap();
        assert!(lasts(serving).await >= HEAD_TIME - Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_fit_is_refused() {
        let (mut far, serving) = connected(4 * BUFFER);
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(3 * BUFFER));
        far.write_all(long.as_bytes()).await.unwrap();
        let mut answer = String::new();
        far.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        lasts(serving).await;
    }
}
