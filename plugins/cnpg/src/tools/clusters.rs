//! Tools on whole clusters.

mod create;
mod delete;
mod get_status;
mod list;
mod scale;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &get_status::TOOL, &create::TOOL, &scale::TOOL, &delete::TOOL];
