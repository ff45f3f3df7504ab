//! Requests of plugins: they do not go to servers that did not answer a moment ago.

use std::sync::Arc;

use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};

use super::client::{Client, Failed, target};
use super::pauses::Pauses;
use crate::clock::Clock;

/// See the module.
pub(crate) struct Courier {
    client: Arc<Client>,
    pauses: Pauses,
}

impl Courier {
    pub(crate) fn new(client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        Self { client, pauses: Pauses::new(clock) }
    }

    /// One exchange; at once an error if the server is left alone. Dropping the future closes the connection.
    pub(crate) async fn send(&self, request: EgressRequest) -> Result<EgressReply, EgressError> {
        let (url, host) = target(&request.url)?;
        let attempt = self.pauses.enter(url.origin().ascii_serialization()).map_err(|left| {
            let reason = format!("it did not answer a moment ago, and is asked again in {} s", left.as_secs().max(1));
            EgressError::Unreachable { host: host.clone(), reason }
        })?;
        let sent = self.client.exchange(request, url, host).await;
        match &sent {
            Ok(_) | Err(Failed { error: EgressError::TooLarge(_), .. }) => attempt.answered(),
            Err(Failed { connected: false, .. }) => attempt.refused(),
            // Too late, broken off, or not ours to reach: how long it took tells which.
            Err(_) => drop(attempt),
        }
        sent.map_err(|failed| failed.error)
    }
}
