//! Tools on single instances of a cluster.

mod delete;
mod fence;
mod promote;
mod readiness;
mod restart;
mod unfence;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] =
    &[&readiness::TOOL, &promote::TOOL, &delete::TOOL, &restart::TOOL, &fence::TOOL, &unfence::TOOL];
