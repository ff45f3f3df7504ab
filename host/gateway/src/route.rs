//! One HTTP request, from its path to its answer: health, or Host and Origin, caller, session, and then MCP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use portcullis_core::config::{Endpoint, Listener};
use portcullis_core::snapshot::Snapshot;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{Challenge, step_up};
use crate::entry::{Visit, find_endpoint};
use crate::gateway::Shared;
use crate::health::Health;
use crate::mcp::{Handler, refused_for_scopes};
use crate::proof::Proof;
use crate::respond::{self, Body, Refusal};
use crate::sessions::CallerSessions;
use crate::steps::Steps;
use crate::{auth, cors, direct, origin, routes};

/// How long a request's body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// How long, and how many bytes of, a body that is too large is read on before it is refused: a file that somebody pasted arrives whole, an
/// attacker gains a second.
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_MAX: usize = 32 << 20;

/// One listener's way in.
pub(crate) struct Door {
    shared: Arc<Shared>,
    listener: String,
    bound: SocketAddr,
    /// Streams should end in good order.
    pub(crate) closing: CancellationToken,
    /// Whatever still runs ends now.
    pub(crate) closed: CancellationToken,
    steps: Steps,
}

impl Door {
    /// `tracker` is waited for when the listener closes.
    pub(crate) fn new(shared: Arc<Shared>, listener: &str, bound: SocketAddr, tracker: TaskTracker) -> Self {
        let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
        let steps = Steps::new(tracker, closed.clone());
        Self { shared, listener: listener.to_owned(), bound, closing, closed, steps }
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let snapshot = self.shared.snapshot();
        match request.uri().path() {
            "/livez" => return Health::live(),
            "/readyz" => return self.ready(&snapshot, (request.uri(), request.headers())).await,
            _ => {}
        }
        let Some(listener) = snapshot.config.listeners.iter().find(|one| one.name == self.listener) else {
            return respond::http(&Refusal::NoEndpoint);
        };
        // A reload may have moved the listener to an address that other people reach: this socket serves no longer what it was opened for.
        if listener.address.ip() != self.bound.ip() {
            return respond::http(&Refusal::Moved);
        }
        let Some((_, endpoint)) = find_endpoint(&snapshot.config, &self.listener, request.uri().path()) else {
            return routes::answer(&self.steps, &snapshot, listener, (self.bound, peer), request).await;
        };
        if let Err(elsewhere) = origin::check(listener, self.bound, request.uri(), request.headers()) {
            tracing::info!(listener = self.listener, reason = %elsewhere, "request refused");
            return respond::http(&elsewhere.into());
        }
        let page = request.headers().get(ORIGIN).cloned();
        let mut response = match cors::preflight(request.method(), request.headers()) {
            Some(answer) => answer,
            None => self.enter(request, &snapshot, listener, endpoint).await.unwrap_or_else(|refusal| {
                tracing::info!(listener = self.listener, endpoint = endpoint.path, reason = %refusal, "request refused");
                respond::http(&refusal)
            }),
        };
        cors::admit(&mut response, page.as_ref());
        response
    }

    /// Anybody may know whether the host is ready; what is loaded and what is wrong is for this machine, and for callers.
    async fn ready(&self, snapshot: &Snapshot, (uri, headers): (&Uri, &HeaderMap)) -> Response<Body> {
        let listener = snapshot.config.listeners.iter().find(|listener| listener.name == self.listener);
        let ours = listener.is_some_and(|it| origin::check(it, self.bound, uri, headers).is_ok());
        let told = (ours && self.bound.ip().is_loopback()) || auth::is_known(&snapshot.config, headers);
        let readiness = self.shared.health.readiness(snapshot, self.shared.audit.as_ref()).await;
        if told { readiness.in_detail(snapshot) } else { readiness.in_a_word() }
    }

    /// From the caller on.
    async fn enter(
        &self,
        request: Request<Incoming>,
        snapshot: &Arc<Snapshot>,
        listener: &Listener,
        endpoint: &Endpoint,
    ) -> Result<Response<Body>, Refusal> {
        let gate = auth::Gate { snapshot, listener, endpoint };
        let challenge = || Challenge::of(snapshot, listener, endpoint);
        let caller = auth::identify(&self.shared, gate, self.bound, request.headers()).await.map_err(|stranger| {
            let challenge = challenge().unauthorized(&stranger);
            Refusal::Stranger(stranger, challenge)
        })?;
        let (mut parts, body) = request.into_parts();
        if let Some(proof) = self.shared.sessions.admit(&mut parts.headers, &caller.principal)? {
            proof.renew(&caller, snapshot, &self.shared.revocations);
        }
        // The credential has done its work: nothing behind this line may see it.
        parts.headers.remove(http::header::AUTHORIZATION);
        let body = if parts.method == Method::POST { collect(body, listener.max_body).await? } else { Bytes::new() };
        let entry = self.shared.enter(Arc::clone(snapshot), caller);
        if let Some(denial) = step_up::denial(&entry, &body) {
            return Err(refused_for_scopes(&self.shared.audit, &entry, denial, &challenge()));
        }
        if let Some(answer) = direct::answer(&self.shared, &entry, &parts.headers, &body).await {
            return Ok(answer);
        }
        let proof = Proof::new(entry.caller.clone());
        let visit = Visit::new(entry);
        parts.extensions.insert(Arc::clone(&visit));
        let says_json = parts.headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
        // A standalone stream has nothing to finish: it ends when the host begins to close, and calls a while later.
        let until = if parts.method == Method::GET { &self.closing } else { &self.closed };
        let closes = parts.method == Method::DELETE;
        let request = Request::from_parts(parts, Full::new(body.clone()));
        let sessions = self.shared.sessions.of(&proof);
        let mut response = self.service((visit, proof), &sessions, listener.max_body, until).handle(request).await;
        if sessions.was_full() {
            return Err(Refusal::Sessions);
        }
        if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE && says_json {
            return Err(unparsable(&body));
        }
        if closes && response.status() == StatusCode::ACCEPTED {
            // The session is gone, nothing is left to do; the Python SDK warns of 202.
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        Ok(response)
    }

    /// rmcp's service for this one request: its factory is not told which request it serves, so the answer is built in.
    fn service(
        &self,
        (visit, proof): (Arc<Visit>, Arc<Proof>),
        sessions: &Arc<CallerSessions>,
        max_body: usize,
        until: &CancellationToken,
    ) -> StreamableHttpService<Handler, CallerSessions> {
        let mut config = StreamableHttpServerConfig::default();
        config.json_response = true;
        config.max_request_body_bytes = max_body;
        config.cancellation_token = until.clone();
        // `origin` has looked already, by the snapshot's lists.
        config.allowed_hosts.clear();
        let handler = Handler::http(Arc::clone(&self.shared), visit, proof, self.closing.clone());
        StreamableHttpService::new(move || Ok(handler.clone()), Arc::clone(sessions), config)
    }
}

/// The body, whole.
///
/// # Errors
/// Too large, too slow, broken. What is too large is read on for a while: a client that is still sending does not look for an answer.
pub(crate) async fn collect(mut body: Incoming, max: usize) -> Result<Bytes, Refusal> {
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(&mut body, max).collect()).await.map_err(|_| Refusal::Slow)?;
    match collected {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            // Whether it ends in time or not, the answer is the same.
            let _ = tokio::time::timeout(DRAIN_TIME, drain(&mut body)).await;
            Err(Refusal::TooLarge(max))
        }
        Err(_) => Err(Refusal::Unreadable),
    }
}

/// Throws away what comes.
async fn drain(body: &mut Incoming) {
    let mut left = DRAIN_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
        left = less;
    }
}

/// rmcp says 415 for both; JSON-RPC has words of its own.
fn unparsable(body: &[u8]) -> Refusal {
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(_) => Refusal::NotJsonRpc,
        Err(error) => Refusal::NotJson(error.to_string()),
    }
}
