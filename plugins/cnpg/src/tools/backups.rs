//! Tools on backups. What phases mean and how a Backup is asked for is in `backup`.

mod create;
mod delete;
mod get;
mod list;
mod restore;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &get::TOOL, &create::TOOL, &delete::TOOL, &restore::TOOL];
