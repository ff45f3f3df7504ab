//! Tools on the volumes of a cluster.

mod expansion;
mod resize;
mod resize_status;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&resize::TOOL, &resize_status::TOOL];
