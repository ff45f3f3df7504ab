//! Tools on whole clusters.

mod create;
mod delete;
mod get_status;
mod list;
mod scale;

use crate::catalogue::Entry;

pub(crate) use self::get_status::of as status_of;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &get_status::TOOL, &create::TOOL, &scale::TOOL, &delete::TOOL];
