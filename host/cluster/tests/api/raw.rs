//! A server that answers byte by byte what a test wrote down. Must not know HTTP beyond where a request's head ends.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use portcullis_cluster::Cluster;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::server::{config, write};

/// What is done with one request, on a connection of its own.
pub(crate) enum Answer {
    /// These pieces, each sent by itself; then the connection is closed in good order.
    Pieces(Vec<Vec<u8>>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
    /// These bytes, then silence.
    Silence(Vec<u8>),
}

/// The server; it ends when dropped.
pub(crate) struct Raw {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl Raw {
    /// Gives each request the next answer; after the last one, connections are refused.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, answers, Arc::clone(&heads)));
        Self { url, heads, task, folder: tempfile::tempdir().unwrap() }
    }

    /// A client with a token.
    pub(crate) async fn client(&self, token: &str) -> Cluster {
        let path = self.kubeconfig(&format!("{{token: \"{token}\"}}"));
        Cluster::connect(&config(path, false)).await.unwrap()
    }

    /// Writes the kubeconfig anew, with this user; gives its path.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        let yaml = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: raw\ncontexts: [{{name: raw, context: {{cluster: raw, user: raw, namespace: apps}}}}]\n\
             clusters: [{{name: raw, cluster: {{server: \"{}/base\"}}}}]\nusers: [{{name: raw, user: {user}}}]\n",
            self.url
        );
        write(&self.folder, &yaml)
    }

    /// The requests so far, without their bodies.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, answers: Vec<Answer>, heads: Arc<Mutex<Vec<String>>>) {
    let mut kept = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let head = head(&mut stream).await;
        heads.lock().unwrap().push(head);
        match answer {
            Answer::Pieces(pieces) => send(&mut stream, &pieces).await,
            Answer::Reset(bytes) => {
                send(&mut stream, &[bytes]).await;
                // A zero linger closes with a reset.
                stream.set_zero_linger().unwrap();
            }
            Answer::Silence(bytes) => {
                send(&mut stream, &[bytes]).await;
                kept.push(stream);
            }
        }
    }
    if !kept.is_empty() {
        std::future::pending::<()>().await;
    }
}

async fn send(stream: &mut TcpStream, pieces: &[Vec<u8>]) {
    for piece in pieces {
        // The client may have had enough already.
        if stream.write_all(piece).await.is_err() {
            return;
        }
        // Gives the client the chance to see this piece by itself; nothing depends on it.
        tokio::task::yield_now().await;
    }
}

/// Reads a whole request, so that closing the connection does not become a reset; gives its head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    let _ = stream.read_exact(&mut body).await;
    head
}

/// A whole answer.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    Answer::Pieces(vec![text.into_bytes()])
}

/// The head of a watch.
pub(crate) const WATCH: &str =
    "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n";

/// One chunk.
pub(crate) fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}
