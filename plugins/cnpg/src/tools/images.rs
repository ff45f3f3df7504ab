//! Which PostgreSQL there is to run, and moving a cluster to another one.

mod list;
mod step;
mod upgrade;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &upgrade::TOOL];
