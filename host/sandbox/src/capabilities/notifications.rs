//! Capability `notifications`: WIT interface `portcullis:tool/notifications`. State: the call's client, the host's notice sink, and what the
//! call has announced so far.

use std::time::{Duration, Instant};

use portcullis_core::notice::Notice;
use serde::de::IgnoredAny;
use wasmtime::component::{HasSelf, Linker};

use super::CLIENT_TEXT_MAX;
use crate::bindings::notifications;
use crate::logbook::{Level, cut};
use crate::owned::URI_MAX;
use crate::state::CallState;

/// RFC 5424 severities, as MCP names them.
const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Bytes of one message's data. 64 KiB: a message is for reading.
const DATA_MAX: usize = 64 << 10;

/// How soon a visit may announce one more change after it has used up its log lines. 100 ms: a watch lasts an hour, and each change reaches
/// every subscriber.
const PACE: Duration = Duration::from_millis(100);

/// What one visit has announced.
#[derive(Debug)]
pub(crate) struct Announced {
    begun: Instant,
    /// Changes that it may announce at once.
    burst: u32,
    count: u32,
    lists: Vec<Notice>,
    /// The resource that this visit watches, if that is what it is for.
    watched: Option<String>,
}

impl Announced {
    pub(crate) fn new(burst: u32) -> Self {
        Self { begun: Instant::now(), burst, count: 0, lists: Vec::new(), watched: None }
    }

    /// This visit watches a resource.
    pub(crate) fn watches(&mut self, uri: &str) {
        self.watched = Some(uri.to_owned());
    }

    /// Whether one more change may be announced now.
    fn admit(&mut self) -> bool {
        self.admit_after(self.begun.elapsed())
    }

    fn admit_after(&mut self, elapsed: Duration) -> bool {
        let paced = elapsed.as_millis() / PACE.as_millis();
        let admitted = u128::from(self.count) < u128::from(self.burst) + paced;
        self.count = self.count.saturating_add(admitted.into());
        admitted
    }

    /// A call tells once that a list changed; a watch tells as often as it does.
    fn admit_list(&mut self, notice: &Notice) -> bool {
        let news = self.watched.is_some() || !self.lists.contains(notice);
        if news && self.watched.is_none() {
            self.lists.push(notice.clone());
        }
        news && self.admit()
    }
}

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
            self.caller.client.message(level, logger.as_deref().map(|name| cut(name, CLIENT_TEXT_MAX)), &data);
        }
        Ok(())
    }

    fn resource_updated(&mut self, uri: String) -> wasmtime::Result<()> {
        self.host_call()?;
        if uri.len() > URI_MAX {
            wasmtime::bail!("notifications.resource-updated: the URI is longer than {URI_MAX} bytes");
        }
        if self.announced.watched.as_deref() != Some(uri.as_str()) && !self.shared.owned.includes(&uri) {
            self.log
                .line(Level::Warn, "a change was announced of a resource that this plugin does not offer; nobody hears of it");
        } else if self.announced.admit() {
            self.shared.notices.publish(Notice::ResourceUpdated { uri });
        }
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
        // A guest that says so while it lists would be asked for ever.
        if self.withheld.is_none() && self.announced.admit_list(&notice) {
            self.shared.notices.publish(notice);
            self.shared.stale.notify_one();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::bindings::notifications::Host;
    use crate::state::CallState;
    use crate::testing::{Client, Notices, shared, state_of};
    use portcullis_core::notice::Notice;
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

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
        state.announced.watches("a://b");
        state.resource_updated("a://b".into()).unwrap();
        state.list_changed("tools".into()).unwrap();
        assert!(state.list_changed("bananas".into()).is_err());
        assert_eq!(*notices.0.lock(), [Notice::ResourceUpdated { uri: "a://b".into() }, Notice::ToolsChanged]);
    }

    #[test]
    fn a_plugin_announces_its_own_resources_only() {
        let (notices, mut shared) = (Arc::new(Notices::default()), shared());
        shared.notices = notices.clone();
        shared.owned.listed(["own://1"].into_iter());
        let mut state = state_of(shared, Arc::new(Client::default()));
        for uri in ["other://1", "own://1", "own://2"] {
            state.resource_updated(uri.into()).unwrap();
        }
        assert_eq!(*notices.0.lock(), [Notice::ResourceUpdated { uri: "own://1".into() }]);
        assert_eq!(state.log.counts(), (2, 0));
    }

    #[test]
    fn a_call_tells_once_that_a_list_changed_and_a_watch_each_time() {
        let (notices, mut shared) = (Arc::new(Notices::default()), shared());
        shared.notices = notices.clone();
        let mut state = state_of(shared, Arc::new(Client::default()));
        for what in ["tools", "prompts", "tools", "tools"] {
            state.list_changed(what.into()).unwrap();
        }
        assert_eq!(*notices.0.lock(), [Notice::ToolsChanged, Notice::PromptsChanged]);
        state.announced.watches("a://b");
        state.list_changed("tools".into()).unwrap();
        assert_eq!(notices.0.lock().len(), 3);
    }

    #[test]
    fn a_flood_of_changes_is_held_back_to_a_pace() {
        let mut announced = super::Announced::new(2);
        let mut flood = |elapsed| (0..10).filter(|_| announced.admit_after(elapsed)).count();
        assert_eq!(flood(super::PACE / 2), 2);
        assert_eq!(flood(3 * super::PACE), 3);
        assert_eq!(flood(3 * super::PACE), 0);
    }

    #[test]
    fn a_loggers_name_is_cut() {
        let client = Arc::new(Client::default());
        let mut state = state_of(shared(), client.clone());
        state.message("info".into(), Some("x".repeat(100_000)), "1".into()).unwrap();
        assert_eq!(client.texts.lock()[0].len(), super::CLIENT_TEXT_MAX);
    }

    #[tokio::test]
    async fn a_changed_list_is_worth_asking_for_unless_it_is_being_asked_for() {
        let heard =
            |state: CallState| async move { tokio::time::timeout(Duration::ZERO, state.shared.stale.notified()).await.is_ok() };
        let mut state = state_of(shared(), Arc::new(Client::default()));
        state.list_changed("tools".into()).unwrap();
        assert!(heard(state).await);
        let mut state = state_of(shared(), Arc::new(Client::default()));
        state.withheld = Some(BTreeMap::new());
        state.list_changed("tools".into()).unwrap();
        assert!(!heard(state).await);
    }
}
