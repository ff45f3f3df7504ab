//! Tools on what a cluster's spec says besides PostgreSQL parameters: who may connect, resources, synchronous replication, backups,
//! tablespaces, services. Each changes what it was told to and leaves the rest as it is.

mod backups;
mod host_based;
mod lines;
mod resources;
mod service;
mod superuser;
mod synchronous;
mod tablespace;

use crate::catalogue::Entry;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[
    &host_based::TOOL,
    &resources::TOOL,
    &synchronous::TOOL,
    &backups::TOOL,
    &superuser::TOOL,
    &tablespace::TOOL,
    &service::TOOL,
];
