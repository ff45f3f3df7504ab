//! A running watch: JSON lines from a chunked body. Must not reconnect: the guest decides where to go on.
//! Spec: Kubernetes API Concepts, "Efficient detection of changes".

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;
use portcullis_core::kube::{KubeEvent, KubeStatus};
use portcullis_core::ports::{BoxFuture, KubeWatch};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use crate::{fault, status};

/// Largest event (bytes, default 4 MiB): the API server takes objects up to 3 MiB, and an event is one object with an envelope.
const EVENT_MAX: usize = 4 * 1024 * 1024;

/// How long after its own end a server may still be silent (default 15 s) before the watch counts as broken.
const GRACE: Duration = Duration::from_secs(15);

/// A running watch.
pub(crate) struct Watch {
    body: Body,
    buffer: BytesMut,
    /// Bytes of the buffer that are known to hold no line end.
    seen: usize,
    ends: Instant,
    over: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Watch {
    /// `seconds` is when the server closes the watch.
    pub(crate) fn new(body: Body, seconds: u32) -> Self {
        let ends = Instant::now() + Duration::from_secs(seconds.into()) + GRACE;
        Self { body, buffer: BytesMut::new(), seen: 0, ends, over: false }
    }

    /// All state is in `self` before each wait, so that a dropped future loses nothing.
    async fn step(&mut self) -> Option<Result<KubeEvent, KubeStatus>> {
        loop {
            if self.over {
                return None;
            }
            let next = match self.line() {
                Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(Some(line)) => event(&line).map(Some),
                Ok(None) => self.more().await.map(|()| None),
                Err(too_long) => Err(too_long),
            };
            self.over |= next.is_err();
            if let Some(next) = next.transpose() {
                return Some(next);
            }
        }
    }

    /// Takes a whole line out of the buffer.
    fn line(&mut self) -> Result<Option<Bytes>, KubeStatus> {
        let fresh = self.buffer.get(self.seen..).unwrap_or_default();
        match fresh.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                let line = self.buffer.split_to(self.seen + at).freeze();
                self.buffer.advance(1);
                self.seen = 0;
                Ok(Some(line))
            }
            None if self.buffer.len() > EVENT_MAX => Err(fault::too_large(EVENT_MAX as u64)),
            None => {
                self.seen = self.buffer.len();
                Ok(None)
            }
        }
    }

    /// Reads more, or finds the end.
    async fn more(&mut self) -> Result<(), KubeStatus> {
        let Ok(frame) = timeout_at(self.ends, self.body.frame()).await else {
            return Err(status::own("Timeout", "the API server neither sent an event nor closed the watch when its time was up"));
        };
        match frame {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.buffer.extend_from_slice(&data);
                }
                Ok(())
            }
            Some(Err(why)) => Err(fault::of_body(&why)),
            None if self.buffer.is_empty() => {
                self.over = true;
                Ok(())
            }
            // The last line may come without its end, if it is whole.
            None => {
                self.buffer.extend_from_slice(b"\n");
                Ok(())
            }
        }
    }
}

fn event(line: &[u8]) -> Result<KubeEvent, KubeStatus> {
    let event: Event<'_> = serde_json::from_slice(line)
        .map_err(|why| fault::bad_reply(format_args!("a watch event is not JSON, or broke off: {why}")))?;
    match event.kind.as_ref() {
        "ERROR" => Err(status::of_event(event.object.get())),
        kind => Ok(KubeEvent { kind: kind.to_owned(), object: event.object.get().to_owned() }),
    }
}

impl KubeWatch for Watch {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<KubeEvent, KubeStatus>>> {
        Box::pin(self.step())
    }
}
