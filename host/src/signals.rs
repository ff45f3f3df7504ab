//! Signals that end the host: SIGTERM (kubelet, systemd) and SIGINT (Ctrl-C). The first drains, a second one ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code after a second signal: 128 + SIGINT, as shells say it.
const IMPATIENT: i32 = 130;

/// A token that the first signal cancels.
pub(crate) fn shutdown() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cancelled = token.clone();
    tokio::spawn(async move {
        for count in 0.. {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if count > 0 {
                std::process::exit(IMPATIENT);
            }
            tracing::info!(signal = name, "draining: requests in flight may finish");
            cancelled.cancel();
        }
    });
    Ok(token)
}
