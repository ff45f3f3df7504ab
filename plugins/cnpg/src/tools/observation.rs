//! Tools that look on: logs, events, waiting, the operator itself.

mod diagnose;
mod events;
mod logs;
mod operator;
mod wait_for;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&diagnose::TOOL, &logs::TOOL, &events::TOOL, &wait_for::TOOL, &operator::TOOL];
