//! Where the browser comes back to: a port of this machine that lives for one login (RFC 8252 §7.3), or the person pastes what the browser shows.
//!
//! Browsers open connections that they do not use, and anybody may send something to a port: each connection has its own task, and only an answer
//! with this login's state ends the wait. Connections end with it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use portcullis_core::secret::Secret;

use super::answer::{Expected, Heard, pasted};
use super::fault::{Fault, Result};

/// Longest head of a request in bytes (16 KiB): browsers send 2 KiB, and a code may be a long token.
const HEAD_MAX: usize = 16 << 10;

/// After the port could not take a connection (no file descriptors), it is tried again.
const PAUSE: Duration = Duration::from_millis(100);

const PATH: &str = "/callback";

/// An open port.
pub(super) struct Listener {
    socket: TcpListener,
    /// Which one.
    pub(super) port: u16,
}

type Verdict = Result<Secret>;

impl Listener {
    /// Opens a port; 0: any.
    pub(super) async fn open(port: u16) -> Result<Self> {
        let fault = |error: io::Error| Fault::Listen { port, reason: error.to_string() };
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(fault)?;
        let port = socket.local_addr().map_err(fault)?.port();
        Ok(Self { socket, port })
    }

    /// The redirect URI.
    pub(super) fn redirect(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the code, from the browser or from `lines` that a person pastes. Cancellation safe: the port is closed.
    pub(super) async fn code(self, expected: Expected, lines: &mut mpsc::Receiver<String>, within: Duration) -> Verdict {
        let wait = self.wait(Arc::new(expected), lines);
        timeout(within, wait).await.unwrap_or(Err(Fault::TimedOut(within.as_secs())))
    }

    async fn wait(self, expected: Arc<Expected>, lines: &mut mpsc::Receiver<String>) -> Verdict {
        let mut connections: JoinSet<Option<Verdict>> = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve(stream, Arc::clone(&expected)));
                    }
                    Err(_) => sleep(PAUSE).await,
                },
                Some(done) = connections.join_next() => if let Ok(Some(verdict)) = done {
                    return verdict;
                },
                Some(line) = lines.recv() => match expected.judge(pasted(&line))? {
                    Heard::Code(code) => return Ok(code),
                    Heard::Stray => eprintln!("that is no answer to this login; paste the whole URL that the browser shows in the end"),
                },
            }
        }
    }
}

/// Answers one request; the verdict if it was this login's answer. By then the page has been sent.
async fn serve(mut stream: TcpStream, expected: Arc<Expected>) -> Option<Verdict> {
    let target = target(&mut stream).await.ok()?;
    let query = target.as_deref().and_then(|target| target.split_once('?')).filter(|(path, _)| *path == PATH);
    let (status, words, verdict) = match query.map(|(_, query)| expected.judge(query)) {
        Some(Ok(Heard::Code(code))) => {
            ("200 OK", "The login has come back. You may close this page and go on in the terminal.", Some(Ok(code)))
        }
        Some(Ok(Heard::Stray)) => ("400 Bad Request", "This is no answer to the login that the terminal waits for.", None),
        Some(Err(fault)) => ("400 Bad Request", "The login did not work. The terminal says why.", Some(Err(fault))),
        None => ("404 Not Found", "Nothing is here.", None),
    };
    // A browser that has gone has still brought the answer.
    let _ = send(&mut stream, &page(status, words)).await;
    verdict
}

/// The target of a GET request; `None`: another method, or too long.
async fn target(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD_MAX || stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let line = head.split(|&byte| byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let mut words = line.split(' ');
    Ok(words.next().filter(|method| *method == "GET").and_then(|_| words.next()).map(str::to_owned))
}

async fn send(stream: &mut TcpStream, page: &str) -> io::Result<()> {
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}

/// The page runs nothing, loads nothing, and tells nobody where it was (the address holds the code).
fn page(status: &str, words: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>portcullis login</title><p>{words}</p></html>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_core::secret::Secret;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::super::fault::Fault;
    use super::{Expected, HEAD_MAX, Listener};

    fn expected() -> Expected {
        Expected { state: Secret::new("s".into()), issuer: "https://as".into(), sends_iss: false }
    }

    async fn request(port: u16, head: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // The other side may close early on purpose.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn strangers_idle_connections_and_other_paths_do_not_end_the_wait() {
        let listener = Listener::open(0).await.unwrap();
        let port = listener.port;
        let (_lines, mut lines) = mpsc::channel(1);
        let waiting = tokio::spawn(async move { listener.code(expected(), &mut lines, Duration::from_secs(20)).await });
        let _idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        for (head, status) in [
            ("GET /callback?code=evil&state=x HTTP/1.1\r\n\r\n", "HTTP/1.1 400"),
            ("GET /favicon.ico HTTP/1.1\r\n\r\n", "HTTP/1.1 404"),
            ("GET /callback HTTP/1.1\r\n\r\n", "HTTP/1.1 404"),
            ("GET /other?code=evil&state=s HTTP/1.1\r\n\r\n", "HTTP/1.1 404"),
            ("POST /callback?code=evil&state=s HTTP/1.1\r\n\r\n", "HTTP/1.1 404"),
        ] {
            let answer = request(port, head).await;
            assert!(answer.starts_with(status) && !answer.contains("evil"), "{head}: {answer}");
        }
        request(port, &format!("GET /callback?code=evil&state=s&{} HTTP/1.1\r\n\r\n", "x".repeat(2 * HEAD_MAX))).await;
        let answer = request(port, "GET /callback?code=c&state=s HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("no-store") && answer.contains("default-src 'none'"),
            "{answer}"
        );
        assert_eq!(waiting.await.unwrap().unwrap().reveal(), "c");
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), "the port lives for one login");
    }

    #[tokio::test]
    async fn a_pasted_answer_counts_and_a_wrong_one_does_not_end_the_wait() {
        let listener = Listener::open(0).await.unwrap();
        let (paste, mut lines) = mpsc::channel(4);
        for line in ["what?", "http://127.0.0.1/callback?code=evil&state=x", "http://127.0.0.1/callback?code=c&state=s"] {
            paste.send(line.to_owned()).await.unwrap();
        }
        let code = listener.code(expected(), &mut lines, Duration::from_secs(20)).await.unwrap();
        assert_eq!(code.reveal(), "c");
    }

    #[tokio::test]
    async fn a_login_that_nobody_makes_ends() {
        let (paste, mut lines) = mpsc::channel(1);
        drop(paste);
        let listener = Listener::open(0).await.unwrap();
        let waited = timeout(Duration::from_secs(20), listener.code(expected(), &mut lines, Duration::from_millis(50))).await;
        assert_eq!(waited.unwrap().unwrap_err(), Fault::TimedOut(0));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told() {
        let taken = Listener::open(0).await.unwrap();
        let again = Listener::open(taken.port).await.err();
        assert!(matches!(again, Some(Fault::Listen { port, .. }) if port == taken.port));
    }
}
