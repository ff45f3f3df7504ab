//! The sections of get_cluster_status: each is one file that turns what was read into Markdown and JSON. What a caller may not
//! read becomes a section that says so.

pub(crate) mod backups;
pub(crate) mod certificates;
pub(crate) mod events;
pub(crate) mod failover;
pub(crate) mod instances;
pub(crate) mod live;
pub(crate) mod part;
pub(crate) mod poolers;
pub(crate) mod section;
pub(crate) mod storage;
