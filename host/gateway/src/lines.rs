//! Lines of a pipe on their way to MCP. rmcp drops a line that is not JSON, or is too long, without a word, and whoever sent it waits for
//! ever; here it is answered first (JSON-RPC 2.0 §5: -32700 and -32600 with a null id). Must not know methods.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rmcp::model::{ErrorCode, ErrorData};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Bytes of the longest line that is read. 4 MiB: what a request over HTTP may have unless its listener says otherwise.
const LINE_MAX: usize = 4 << 20;

/// rmcp's transport behind the check.
pub(crate) struct Lines<R: AsyncRead + Unpin, W: AsyncWrite> {
    inner: AsyncRwTransport<RoleServer, Checked<R>, W>,
    refused: UnboundedReceiver<ErrorData>,
    /// A task: `receive` may be dropped at any time, and half an answer must not be.
    answering: Option<JoinHandle<io::Result<()>>>,
}

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    pub(crate) fn new((read, write): (R, W)) -> Self {
        let (sender, refused) = unbounded_channel();
        Self { inner: AsyncRwTransport::new_server(Checked::new(read, sender), write), refused, answering: None }
    }
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // Nothing is read meanwhile: who sends and does not read waits, instead of filling our memory.
            if let Some(answering) = &mut self.answering {
                answering.await.ok()?.ok()?;
                self.answering = None;
            }
            tokio::select! {
                biased;
                Some(refusal) = self.refused.recv() => {
                    let answer = self.inner.send(TxJsonRpcMessage::<RoleServer>::error(refusal, None));
                    self.answering = Some(tokio::spawn(answer));
                }
                message = self.inner.receive() => return message,
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.inner.close().await
    }
}

/// Passes on the lines that are JSON, and tells of the others.
struct Checked<R> {
    read: BufReader<R>,
    line: Line,
    /// Once the line is whole and good: how much of it has been passed on.
    passed: Option<usize>,
    refused: UnboundedSender<ErrorData>,
}

impl<R: AsyncRead> Checked<R> {
    fn new(read: R, refused: UnboundedSender<ErrorData>) -> Self {
        Self { read: BufReader::new(read), line: Line::default(), passed: None, refused }
    }
}

/// The line that is being read.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Line {
    /// A line that is too long is not kept.
    fn add(&mut self, piece: &[u8]) {
        self.too_long |= self.bytes.len() + piece.len() > LINE_MAX;
        if self.too_long {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(piece);
        }
    }

    /// Why it is no message; an empty one is nothing at all.
    fn refusal(&self) -> Option<ErrorData> {
        if self.too_long {
            return Some(ErrorData::invalid_request(format!("the message is over {LINE_MAX} bytes: send less"), None));
        }
        let text = self.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.bytes).trim_ascii();
        let error = serde_json::from_slice::<&RawValue>(text).err().filter(|_| !text.is_empty())?;
        Some(ErrorData::new(ErrorCode::PARSE_ERROR, format!("the line is not JSON: {error}"), None))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Checked<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.passed.is_none() {
            let available = ready!(Pin::new(&mut this.read).poll_fill_buf(context))?;
            if available.is_empty() {
                // Half a line at the end is no message.
                return Poll::Ready(Ok(()));
            }
            let end = available.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let piece = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            this.line.add(piece);
            let length = piece.len();
            Pin::new(&mut this.read).consume(length);
            if end.is_none() {
                continue;
            }
            let Some(refusal) = this.line.refusal() else {
                this.passed = Some(0);
                break;
            };
            tracing::info!(reason = %refusal.message, "a line was refused");
            this.line = Line::default();
            let _ = this.refused.send(refusal);
            // `receive` answers before it reads on.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let passed = this.passed.unwrap_or_default();
        let rest = this.line.bytes.get(passed..).unwrap_or_default();
        let piece = rest.get(..rest.len().min(buffer.remaining())).unwrap_or_default();
        buffer.put_slice(piece);
        this.passed = Some(passed + piece.len()).filter(|passed| *passed < this.line.bytes.len());
        if this.passed.is_none() {
            this.line.bytes.clear();
        }
        Poll::Ready(Ok(()))
    }
}
