//! Tools on the PostgreSQL parameters of a cluster.

mod get;
mod known;
mod set;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&get::TOOL, &set::TOOL];
