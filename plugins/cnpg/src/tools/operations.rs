//! Day-two work on whole clusters.

mod hibernate;
mod maintenance;
mod reload;
mod restart;
mod resume;
mod stamp;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&restart::TOOL, &reload::TOOL, &hibernate::TOOL, &resume::TOOL, &maintenance::TOOL];
