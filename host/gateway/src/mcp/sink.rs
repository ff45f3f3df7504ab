//! What a running call tells its client: progress to those who gave a token, messages to those who named a level (T-17). Lossy rather than blocking.
#![expect(deprecated, reason = "log messages are deprecated in MCP, and still asked for")]

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_core::ports::ClientSink;
use rmcp::model::{
    LoggingLevel, LoggingMessageNotification, LoggingMessageNotificationParam, ProgressNotification, ProgressNotificationParam,
    ProgressToken, ServerNotification,
};
use rmcp::{Peer, RoleServer};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// Notifications that wait for a client that reads slowly; what comes on top is dropped, as progress repeats itself anyway.
const WAITING: usize = 64;

/// What a client asked to hear.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) progress: Option<ProgressToken>,
    pub(super) level: Option<LoggingLevel>,
}

/// Runs a call with a sink that does what the client wished, and sends everything that the call said before its result.
pub(super) async fn relay<T, F: Future<Output = T>>(
    peer: Option<&Peer<RoleServer>>,
    wishes: &Wishes,
    call: impl FnOnce(Arc<dyn ClientSink>) -> F,
) -> T {
    let wished = wishes.progress.is_some() || wishes.level.is_some();
    let Some(peer) = peer.filter(|_| wished) else { return call(Arc::new(Silent)).await };
    let (sender, mut said) = mpsc::channel(WAITING);
    let talk = Talk { sender, progress: wishes.progress.clone(), level: wishes.level, reached: Mutex::new(f64::NEG_INFINITY) };
    let (done, mut ended) = oneshot::channel::<()>();
    let call = call(Arc::new(talk));
    let call = async move {
        let result = call.await;
        drop(done);
        result
    };
    let forward = async {
        loop {
            let next = tokio::select! {
                biased;
                next = said.recv() => next,
                _ = &mut ended => said.try_recv().ok(),
            };
            let Some(notification) = next else { break };
            if peer.send_notification(notification).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(call, forward).0
}

/// For clients that asked for nothing.
struct Silent;

impl ClientSink for Silent {
    fn progress(&self, _progress: f64, _total: Option<f64>, _message: Option<String>) {}
    fn message(&self, _level: &str, _logger: Option<&str>, _data: &str) {}
}

struct Talk {
    sender: mpsc::Sender<ServerNotification>,
    progress: Option<ProgressToken>,
    level: Option<LoggingLevel>,
    /// Progress only grows (MCP 2026-07-28, basic/utilities/progress).
    reached: Mutex<f64>,
}

impl Talk {
    fn say(&self, notification: impl Into<ServerNotification>) {
        // Full or closed: the call matters more than what it says on the way.
        let _ = self.sender.try_send(notification.into());
    }
}

impl ClientSink for Talk {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        let Some(token) = &self.progress else { return };
        let mut reached = self.reached.lock();
        // Written so that NaN, which never grows, is dropped too.
        if !(progress > *reached && progress.is_finite()) {
            return;
        }
        *reached = progress;
        let mut param = ProgressNotificationParam::new(token.clone(), progress);
        param.total = total.filter(|total| total.is_finite());
        param.message = message;
        self.say(ProgressNotification::new(param));
    }

    fn message(&self, level: &str, logger: Option<&str>, data: &str) {
        let Some(threshold) = self.level else { return };
        let Some(level) = parse(level) else { return };
        if rank(level) < rank(threshold) {
            return;
        }
        let data = serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.to_owned()));
        let mut param = LoggingMessageNotificationParam::new(level, data);
        param.logger = logger.map(str::to_owned);
        self.say(LoggingMessageNotification::new(param));
    }
}

fn parse(level: &str) -> Option<LoggingLevel> {
    serde_json::from_value(Value::String(level.to_owned())).ok()
}

/// RFC 5424 §6.2.1, turned round: more serious is higher.
fn rank(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}
