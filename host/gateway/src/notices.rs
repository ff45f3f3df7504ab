//! The channel from plugins to subscribers: the runtime publishes, every open subscription hears.

use portcullis_core::notice::Notice;
use portcullis_core::ports::NoticeSink;
use tokio::sync::broadcast;

/// Notices kept for a subscriber that is slow to read. One that falls further behind is told that everything changed, which is always true enough.
const CAPACITY: usize = 1024;

/// Made first, so that the runtime can be given it before the gateway exists. `Clone` is cheap and shares the channel.
#[derive(Debug, Clone)]
pub struct Notices(broadcast::Sender<Notice>);

impl Notices {
    /// A channel without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.0.subscribe()
    }
}

impl Default for Notices {
    fn default() -> Self {
        Self::new()
    }
}

impl NoticeSink for Notices {
    fn publish(&self, notice: Notice) {
        // Without subscribers there is nobody to tell.
        let _ = self.0.send(notice);
    }
}
