//! Tools on scheduled backups. How a schedule is read is in `cron`.

mod delete;
mod list;
mod set;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &set::TOOL, &delete::TOOL];
