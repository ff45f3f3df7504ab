//! The tools, one folder per subject and one module per tool. A module declares its entry of the catalogue and runs it; what several
//! share lives beside this folder, not in it.

pub(crate) mod backups;
pub(crate) mod clusters;
pub(crate) mod configuration;
pub(crate) mod connections;
pub(crate) mod databases;
pub(crate) mod images;
pub(crate) mod instances;
pub(crate) mod observation;
pub(crate) mod operations;
pub(crate) mod parameters;
pub(crate) mod plans;
pub(crate) mod poolers;
pub(crate) mod replication;
pub(crate) mod roles;
pub(crate) mod schedules;
pub(crate) mod storage;
