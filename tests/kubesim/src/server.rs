//! The listener: connections, reading a request, carrying out planned faults, stopping.
//! Must not know the API; `route.rs` answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::Request;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::RwLock;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::auth::Directory;
use crate::call::{Call, Target, parse_query, target};
use crate::error::ApiError;
use crate::faults::{Fault, Faults, refusal};
use crate::journal::Journal;
use crate::pods::Answers;
use crate::reply::{self, Reply};
use crate::store::Store;
use crate::{Options, route};

/// Largest request body (bytes, default 3 MiB): the API server's own limit.
const BODY_MAX: usize = 3 * 1024 * 1024;

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Objects.
    pub(crate) store: Store,
    /// Users.
    pub(crate) directory: RwLock<Directory>,
    /// Planned failures.
    pub(crate) faults: Faults,
    /// Requests so far.
    pub(crate) journal: Journal,
    /// Logs and proxied paths.
    pub(crate) answers: Answers,
    /// How it was started.
    pub(crate) options: Options,
    /// Ends everything.
    pub(crate) stop: CancellationToken,
}

/// Accepts connections until it is stopped.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(connection(Arc::clone(&shared), stream))),
            // Out of file descriptors, mostly: waiting a little is all that helps.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let stop = shared.stop.clone();
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| request_on(Arc::clone(&shared), request));
    let serving = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A connection that ends in an error is a client that went away, or a planned reset.
        _ = serving => {}
        () = stop.cancelled() => {}
    }
}

async fn request_on(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Reply> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        let message = format!("Request entity too large: limit is {BODY_MAX}");
        return Ok(reply::error(&ApiError::new(413, "RequestEntityTooLarge", message)));
    };
    let call = Call {
        path: parts.uri.path().to_owned(),
        query: parse_query(parts.uri.query().unwrap_or_default()),
        method: parts.method,
        headers: parts.headers,
        body: body.to_bytes(),
    };
    shared.journal.record(&call);
    let target = shared.store.with(|state| target(state, &call));
    let mut cleared = shared.faults.clearing();
    match shared.faults.take(&target, &call) {
        Some(Fault::Hold) => {
            // The sender lives as long as the server.
            let _ = cleared.changed().await;
            Ok(route::answer(&shared, &target, &call))
        }
        Some(fault) => faulty(&shared, &fault, &target, &call).await,
        None => Ok(route::answer(&shared, &target, &call)),
    }
}

async fn faulty(shared: &Arc<Shared>, fault: &Fault, target: &Target, call: &Call) -> io::Result<Reply> {
    match fault {
        Fault::Status { code, retry_after } => Ok(reply::error(&refusal(target, *code, *retry_after))),
        Fault::Delay(time) => {
            tokio::time::sleep(*time).await;
            Ok(route::answer(shared, target, call))
        }
        Fault::Hang => std::future::pending().await,
        Fault::Reset => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Fault::BadJson => Ok(reply::bytes(200, "application/json", "{\"kind\":\"Cluster\",\"metadata\":{")),
        Fault::GoneOnWatch | Fault::Hold => Ok(route::answer(shared, target, call)),
    }
}

/// A watch as a reply; it ends with the server.
pub(crate) fn streamed(
    shared: &Arc<Shared>,
    events: impl futures_util::Stream<Item = io::Result<serde_json::Value>> + Send + 'static,
) -> Reply {
    let stop = shared.stop.clone();
    reply::stream(events.take_until(async move { stop.cancelled().await }))
}
