//! Tools that look on: logs, events, waiting, the operator itself.

mod events;
mod logs;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&logs::TOOL, &events::TOOL];
