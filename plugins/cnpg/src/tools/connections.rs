//! How applications connect to a cluster.

mod get_info;
mod snippet;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&get_info::TOOL];
