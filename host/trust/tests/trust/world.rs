//! A small HTTP server that does as it is told, a clock that is set by hand, and names that resolve to what a test says.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_core::ports::BoxFuture;
use portcullis_trust::clock::Clock;
use portcullis_trust::{Resolver, Trust, TrustOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What the server does with a request.
pub(crate) enum Reply {
    Json(String),
    Status(u16),
    /// Status line and headers, then the body again and again.
    Endless(String, Vec<u8>),
    /// As it stands.
    Raw(String),
    /// The same after a second and a half.
    Late(String),
    /// Nothing, for ever.
    Hang,
}

type Script = Box<dyn Fn(&str) -> Reply + Send + Sync>;

/// A server on this machine. `requests` has the head of every request.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    script: Arc<Mutex<Arc<Script>>>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            script: Arc::new(Mutex::new(Arc::new(Box::new(script)))),
        };
        let (requests, script) = (Arc::clone(&server.requests), Arc::clone(&server.script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&requests), Arc::clone(&script)));
            }
        });
        server
    }

    /// From now on it does this.
    pub(crate) fn now(&self, script: impl Fn(&str) -> Reply + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(Box::new(script));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests for this path came.
    pub(crate) fn hits(&self, path: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|head| head.starts_with(&format!("GET {path} "))).count()
    }

    pub(crate) fn all_hits(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Serves one request on a connection.
pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: Arc<Mutex<Vec<String>>>,
    script: Arc<Mutex<Arc<Script>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    requests.lock().unwrap().push(head);
    let script = Arc::clone(&script.lock().unwrap());
    let mut reply = script(&path);
    if let Reply::Late(body) = reply {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        reply = Reply::Json(body);
    }
    let reply = match reply {
        Reply::Json(body) => {
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Reply::Status(status) => {
            format!("HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        }
        Reply::Raw(text) => text,
        Reply::Hang | Reply::Late(_) => std::future::pending().await,
        Reply::Endless(head, body) => {
            let mut next = stream.write_all(head.as_bytes()).await;
            while next.is_ok() {
                next = stream.write_all(&body).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            return;
        }
    };
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// A script for [`serve`] beside a [`Server`].
pub(crate) fn script(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Arc<Mutex<Arc<Script>>> {
    Arc::new(Mutex::new(Arc::new(Box::new(script))))
}

/// Stands still until it is told.
#[derive(Default)]
pub(crate) struct Hands(AtomicU64);

/// 2026-01-01.
pub(crate) const NOW: u64 = 1_767_225_600;

impl Hands {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn unix(&self) -> Duration {
        Duration::from_secs(NOW) + self.steady()
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Answers lookups one after another, the last answer again and again, and counts them.
pub(crate) struct Names {
    answers: Vec<Vec<IpAddr>>,
    pub(crate) lookups: AtomicUsize,
}

impl Names {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.iter().map(|one| one.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers, lookups: AtomicUsize::new(0) })
    }
}

impl Resolver for Names {
    fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let at = self.lookups.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[at].clone();
        Box::pin(async move { Ok(answer) })
    }
}

/// A host and its clock.
pub(crate) fn host() -> (Arc<Trust>, Arc<Hands>) {
    let clock = Arc::new(Hands::default());
    (Trust::new(TrustOptions { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..TrustOptions::default() }).unwrap(), clock)
}

/// A host that looks names up here.
pub(crate) fn host_with(names: &Arc<Names>, authorities: Option<&str>) -> Arc<Trust> {
    let resolver = Arc::clone(names) as Arc<dyn Resolver>;
    Trust::new(TrustOptions { resolver, authorities: authorities.map(str::to_owned), ..TrustOptions::default() }).unwrap()
}
