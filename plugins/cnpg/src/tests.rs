//! Unit tests of the tools, against the fake. Those that hold a defect of the reference (contract §2) carry its number in their name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod backups;
mod catalogue;
mod configuration;
mod configuration_parts;
mod connections;
mod create;
mod databases;
mod delete;
mod delete_instance;
mod diagnose;
mod errors;
mod gitops;
mod image_catalogs;
mod instances;
mod list;
mod observation;
mod offers;
mod operations;
mod operator;
mod parameters;
mod plans;
mod poolers;
mod profile;
mod promote;
mod replication;
mod restore;
mod roles;
mod roles_delete;
mod roles_update;
mod scale;
mod schedules;
mod status;
mod storage;
mod upgrade;
mod waiting;
