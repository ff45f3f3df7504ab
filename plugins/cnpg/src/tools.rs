//! One module per tool. A module declares its entry of the catalogue and runs it; what several share lives beside, not here.

pub(crate) mod create_cluster;
pub(crate) mod delete_cluster;
pub(crate) mod get_status;
pub(crate) mod list_clusters;
pub(crate) mod scale_cluster;
