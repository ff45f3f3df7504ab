//! Capability `notifications`: WIT interface `portcullis:tool/notifications`. State: the call's client and the host's notice sink.

use portcullis_core::notice::Notice;
use serde::de::IgnoredAny;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::notifications;
use crate::state::CallState;

/// RFC 5424 severities, as MCP names them.
const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Bytes of one message's data. 64 KiB: a message is for reading.
const DATA_MAX: usize = 64 << 10;

/// Bytes of a URI: what HTTP servers accept in a request line.
const URI_MAX: usize = 8 << 10;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    notifications::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl notifications::Host for CallState {
    fn message(&mut self, level: String, logger: Option<String>, data: String) -> wasmtime::Result<()> {
        self.host_call()?;
        if data.len() > DATA_MAX || serde_json::from_str::<IgnoredAny>(&data).is_err() {
            wasmtime::bail!("notifications.message: data is not JSON of at most {DATA_MAX} bytes");
        }
        // Counted with the log's lines: a flood towards the client is no better than one towards the operator.
        if self.log.admit() {
            let level = LEVELS.into_iter().find(|known| **known == level).unwrap_or("info");
            self.caller.client.message(level, logger.as_deref(), &data);
        }
        Ok(())
    }

    fn resource_updated(&mut self, uri: String) -> wasmtime::Result<()> {
        self.host_call()?;
        if uri.len() > URI_MAX {
            wasmtime::bail!("notifications.resource-updated: the URI is longer than {URI_MAX} bytes");
        }
        self.shared.notices.publish(Notice::ResourceUpdated { uri });
        Ok(())
    }

    fn list_changed(&mut self, what: String) -> wasmtime::Result<()> {
        self.host_call()?;
        let notice = match what.as_str() {
            "tools" => Notice::ToolsChanged,
            "prompts" => Notice::PromptsChanged,
            "resources" => Notice::ResourcesChanged,
            _ => wasmtime::bail!("notifications.list-changed: the list is none of tools, prompts, resources"),
        };
        self.shared.notices.publish(notice);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::bindings::notifications::Host;
    use crate::testing::{Client, Notices, shared, state_of};
    use portcullis_core::notice::Notice;
    use std::sync::Arc;

    #[test]
    fn a_message_reaches_the_client_with_a_known_level() {
        let client = Arc::new(Client::default());
        let mut state = state_of(shared(), client.clone());
        state.message("warning".into(), None, "1".into()).unwrap();
        state.message("loud".into(), None, "\"x\"".into()).unwrap();
        assert_eq!(*client.messages.lock(), [("warning".into(), "1".into()), ("info".into(), "\"x\"".into())]);
        assert!(state.message("info".into(), None, "{".into()).is_err());
    }

    #[test]
    fn messages_share_the_cap_of_log_lines() {
        let (client, mut shared) = (Arc::new(Client::default()), shared());
        shared.limits.log_lines = 1;
        let mut state = state_of(shared, client.clone());
        for _ in 0..3 {
            state.message("info".into(), None, "1".into()).unwrap();
        }
        assert_eq!(client.messages.lock().len(), 1);
    }

    #[test]
    fn changes_reach_the_notice_sink() {
        let (notices, mut shared) = (Arc::new(Notices::default()), shared());
        shared.notices = notices.clone();
        let mut state = state_of(shared, Arc::new(Client::default()));
        state.resource_updated("a://b".into()).unwrap();
        state.list_changed("tools".into()).unwrap();
        assert!(state.list_changed("bananas".into()).is_err());
        assert_eq!(*notices.0.lock(), [Notice::ResourceUpdated { uri: "a://b".into() }, Notice::ToolsChanged]);
    }
}
